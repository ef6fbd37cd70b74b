#include "rate_control/forecast.h"

#include "rate_control/bits_model.h"
#include "rate_control/qstep_offsets.h"
#include "rate_control/quantizer.h"

static const float kLowestBase = 1.0f;
static const float kBaseSpacing = 0.85f; /* 12 of them reach past qindex 255 plus any offset */

static float *row(const muzero_rc_clip_state *state, int32_t base) {
  return state->forecast + (size_t)base * (size_t)(state->clip.frame_count + 1);
}

static void fill_frame(muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                       const muzero_rc_frame_span *gop) {
  muzero_rc_frame_span opening;
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
    row(state, base)[frame.show_index] = muzero_rc_exp2(muzero_rc_bits_predict(&query));
  }
}

static void sum_from_the_end(muzero_rc_clip_state *state) {
  for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base) {
    float *bits = row(state, base);
    double sum = 0.0;
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

void muzero_rc_forecast_fill(muzero_rc_clip_state *state) {
  const int32_t count = state->clip.frame_count;
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
  const muzero_rc_planned_frame key = {0, MUZERO_RC_LAYER_KEY, 0, 0};
  const muzero_rc_frame_span opening = muzero_rc_opening_of(state, 0);
  fill_frame(state, key, &opening);
  int32_t gop_index = 0, length = 0;
  for (int32_t start = 0; start < count - 1; start += length, ++gop_index) {
    length = length_of(state, gop_index, start);
    const int32_t end = start + length < count ? start + length : count - 1;
    const muzero_rc_frame_span gop = muzero_rc_frame_span_of(state->traits, count, start + 1, end);
    const int32_t coded = muzero_rc_gop_pattern(start, end, layers_of(state, gop_index), frames);
    for (int32_t i = 0; i < coded; ++i) fill_frame(state, frames[i], &gop);
  }
  sum_from_the_end(state);
}

double muzero_rc_forecast_bits(const muzero_rc_clip_state *state, int32_t first, float base) {
  const int32_t count = state->clip.frame_count;
  if (first >= count) return 0.0;
  if (first < 0) first = 0;
  float position = (base - kLowestBase) / kBaseSpacing;
  if (position < 0.0f) position = 0.0f;
  if (position > (float)(MUZERO_RC_FORECAST_STEPS - 1)) {
    position = (float)(MUZERO_RC_FORECAST_STEPS - 1);
  }
  int32_t low = (int32_t)position;
  if (low > MUZERO_RC_FORECAST_STEPS - 2) low = MUZERO_RC_FORECAST_STEPS - 2;
  const float part = position - (float)low;
  const float below = row(state, low)[first];
  const float above = row(state, low + 1)[first];
  return (double)(below + part * (above - below));
}
