#include "rate_control/forecast.h"

#include <string.h>

#include "rate_control/bits_model.h"
#include "rate_control/peak_guard.h"
#include "rate_control/qstep_offsets.h"
#include "rate_control/quantizer.h"

static const float kLowestBase = 1.0f;
static const float kBaseSpacing = 0.85f; /* 12 of them reach past qindex 255 plus any offset */

static float *row(const muzero_rc_clip_state *state, int32_t base) {
  return state->forecast + (size_t)base * (size_t)(state->clip.frame_count + 1);
}

typedef struct stretch { /* bits at each base step */
  float bits[MUZERO_RC_FORECAST_STEPS];
} stretch;

static stretch bits_of_frame(const muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                             const muzero_rc_frame_span *gop) {
  muzero_rc_frame_span opening;
  stretch out;
  if (frame.layer != MUZERO_RC_LAYER_KEY && state->traits[frame.show_index - 1].scene == 0) {
    frame.layer = MUZERO_RC_LAYER_KEY;
    frame.past = 0;
    opening = muzero_rc_opening_of(state, frame.show_index);
    gop = &opening;
  }
  for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base) {
    const float step = kLowestBase + kBaseSpacing * (float)base;
    const float offset = muzero_rc_offset_of(state, &frame, gop, step);
    const float parent = muzero_rc_offset_of_parent(state, &frame, gop, step);
    const muzero_rc_bits_query query = {.traits = state->traits,
                                        .count = state->clip.frame_count,
                                        .probe = &state->probe,
                                        .log_pixels = state->log_pixels,
                                        .frame = frame,
                                        .step = muzero_rc_clamp_step(step + offset),
                                        .reference_step = muzero_rc_clamp_step(step + parent)};
    out.bits[base] = muzero_rc_exp2(muzero_rc_bits_predict(&query));
  }
  return out;
}

static void fill_frame(muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                       const muzero_rc_frame_span *gop) {
  const stretch own = bits_of_frame(state, frame, gop);
  for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base) {
    row(state, base)[frame.show_index] = own.bits[base];
  }
}

static void sum_from_the_end(muzero_rc_clip_state *state) {
  for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base) {
    float *bits = row(state, base);
    double sum = 0.0;
    muzero_rc_peak_guard_cut(state, bits);
    bits[state->clip.frame_count] = 0.0f;
    for (int32_t frame = state->clip.frame_count - 1; frame >= 0; --frame) {
      sum += (double)bits[frame];
      bits[frame] = (float)sum;
    }
  }
}

/* A planned GOP ends as it will be made to: see vpx/gop_levers.c. */
static int32_t length_of(const muzero_rc_clip_state *state, int32_t gop_index, int32_t start) {
  const muzero_rc_shape_question question = {.frames_left = state->traits[start].scene};
  const bool is_planned = gop_index < state->shape_count && state->shapes[gop_index].length > 0;
  if (!is_planned) return MUZERO_RC_USUAL_GOP;
  const int32_t length = muzero_rc_gop_length_fit(state->shapes[gop_index].length, &question);
  if (length > 0) return length;
  return question.frames_left > 0 ? question.frames_left : 1; /* what is left of a scene */
}

static int32_t layers_of(const muzero_rc_clip_state *state, int32_t gop_index) {
  const bool is_planned = gop_index < state->shape_count && state->shapes[gop_index].layers > 0;
  return is_planned ? state->shapes[gop_index].layers
                    : muzero_rc_gop_schedule_layers(&state->schedule);
}

/* The frames of a GOP that ends at `end` after frame `start` was shown; returns how many. */
static int32_t list_gop(const muzero_rc_clip_state *state, int32_t start, int32_t end, int32_t layers,
                        muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP],
                        muzero_rc_frame_span *gop) {
  *gop = muzero_rc_frame_span_of(state->traits, state->clip.frame_count, start + 1, end);
  return muzero_rc_gop_pattern(start, end, layers, frames);
}

void muzero_rc_forecast_fill(muzero_rc_clip_state *state) {
  const int32_t count = state->clip.frame_count;
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
  muzero_rc_frame_span gop;
  const muzero_rc_planned_frame key = {0, MUZERO_RC_LAYER_KEY, 0, 0};
  const muzero_rc_frame_span opening = muzero_rc_opening_of(state, 0);
  fill_frame(state, key, &opening);
  int32_t gop_index = 0, length = 0;
  for (int32_t start = 0; start < count - 1; start += length, ++gop_index) {
    length = length_of(state, gop_index, start);
    const int32_t end = start + length < count ? start + length : count - 1;
    const int32_t coded = list_gop(state, start, end, layers_of(state, gop_index), frames, &gop);
    for (int32_t i = 0; i < coded; ++i) fill_frame(state, frames[i], &gop);
  }
  sum_from_the_end(state);
  state->joint = (muzero_rc_forecast_joint){0};
}

/* Adds the GOP from `start` to `end` to the joint. */
static void join_gop(muzero_rc_clip_state *state, int32_t start, int32_t end) {
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
  muzero_rc_frame_span gop;
  const int32_t layers = muzero_rc_gop_schedule_layers(&state->schedule);
  const int32_t length = list_gop(state, start, end, layers, frames, &gop);
  for (int32_t i = 0; i < length; ++i) {
    const stretch own = bits_of_frame(state, frames[i], &gop);
    for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base) {
      state->joint.bits[base] += own.bits[base];
    }
  }
  state->joint.next = end + 1;
}

static bool has_planned_lengths(const muzero_rc_clip_state *state) {
  for (int32_t i = 0; i < state->shape_count; ++i) {
    if (state->shapes[i].length > 0) return true;
  }
  return false;
}

/* Joins the GOPs that are expected after `start`; returns where the last of them ends. */
static int32_t join_expected(muzero_rc_clip_state *state, int32_t start) {
  const int32_t last = state->clip.frame_count - 1;
  for (int32_t i = 0; i < state->end_count; ++i) {
    const int32_t end = state->ends[i] < last ? state->ends[i] : last;
    if (end <= start) continue;
    join_gop(state, start, end);
    start = end;
  }
  return start;
}

void muzero_rc_forecast_join(muzero_rc_clip_state *state, int32_t start) {
  const int32_t usual = MUZERO_RC_USUAL_GOP;
  const int32_t last = state->clip.frame_count - 1;
  if (has_planned_lengths(state)) return; /* the table has the GOPs that will be */
  if (start < 0 || start >= last || state->joint.first == start + 1) return;
  state->joint = (muzero_rc_forecast_joint){.first = start + 1, .next = start + 1};
  start = join_expected(state, start);
  if (start >= last || start % usual == 0) return; /* the table's begin here */
  if (last - start <= 3 * usual) { /* usual ones to the end */
    for (int32_t at = start; at < last; at += usual) {
      join_gop(state, at, at + usual < last ? at + usual : last);
    }
    return;
  }
  /* Two of 12 to 20 frames, to where one of the table's begins. */
  const int32_t end = (start + usual / 2 + 2 * usual) / usual * usual;
  const int32_t middle = (start + end) / 2;
  join_gop(state, start, middle);
  join_gop(state, middle, end);
}

/* Bits of shown frames first..end at a base step of the table. */
static float bits_from(const muzero_rc_clip_state *state, int32_t first, int32_t base) {
  const muzero_rc_forecast_joint *joint = &state->joint;
  if (first != joint->first) return row(state, base)[first];
  return joint->bits[base] + row(state, base)[joint->next];
}

int32_t muzero_rc_forecast_place(float base, float *part) {
  float position = (base - kLowestBase) / kBaseSpacing;
  if (position < 0.0f) position = 0.0f;
  if (position > (float)(MUZERO_RC_FORECAST_STEPS - 1)) {
    position = (float)(MUZERO_RC_FORECAST_STEPS - 1);
  }
  int32_t low = (int32_t)position;
  if (low > MUZERO_RC_FORECAST_STEPS - 2) low = MUZERO_RC_FORECAST_STEPS - 2;
  *part = position - (float)low;
  return low;
}

void muzero_rc_forecast_frame(const muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                              const muzero_rc_frame_span *gop,
                              float bits[MUZERO_RC_FORECAST_STEPS]) {
  const stretch own = bits_of_frame(state, frame, gop);
  memcpy(bits, own.bits, sizeof(own.bits));
}

double muzero_rc_forecast_bits(const muzero_rc_clip_state *state, int32_t first, float base) {
  const int32_t count = state->clip.frame_count;
  float part;
  if (first >= count) return 0.0;
  if (first < 0) first = 0;
  const int32_t low = muzero_rc_forecast_place(base, &part);
  const float below = bits_from(state, first, low);
  const float above = bits_from(state, first, low + 1);
  return (double)(below + part * (above - below));
}
