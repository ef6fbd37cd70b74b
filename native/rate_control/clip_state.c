#include "rate_control/clip_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rate_control/bits_model.h"
#include "rate_control/controller.h"
#include "rate_control/controller_params.h"
#include "rate_control/forecast.h"
#include "rate_control/guard.h"
#include "rate_control/peak_guard.h"
#include "rate_control/quantizer.h"
#include "rate_control/clip_state_data.h"

/* A pyramid codes every shown frame once and shows hidden ones again; an
 * overlay or two per GOP come on top. */
static int32_t coded_capacity(int32_t frame_count) { return 3 * frame_count + 64; }

static bool clip_is_valid(const muzero_rc_clip *clip) {
  const int32_t depth = clip->bit_depth, errors = clip->error_depth;
  const bool depths_are_valid =
      (depth == 8 || depth == 10 || depth == 12) && errors >= 8 && errors <= depth;
  return clip->width > 0 && clip->height > 0 && clip->frame_count > 0 && clip->target_kbps > 0 &&
         clip->frame_count < INT32_MAX / 4 && depths_are_valid;
}

static int allocate(muzero_rc_clip_state *state) {
  const size_t count = (size_t)state->clip.frame_count;
  state->coded_capacity = coded_capacity(state->clip.frame_count);
  state->stats = calloc(count, sizeof(*state->stats));
  state->traits = calloc(count, sizeof(*state->traits));
  state->look = calloc(count, sizeof(*state->look));
  state->forecast = calloc(MUZERO_RC_FORECAST_STEPS * (count + 1), sizeof(*state->forecast));
  state->coded = calloc((size_t)state->coded_capacity, sizeof(*state->coded));
  const bool all =
      state->stats && state->traits && state->look && state->forecast && state->coded;
  return all ? 0 : -ENOMEM;
}

/* Of a screen most frames are such, of what a camera sees none. */
static float frozen_share(const muzero_rc_lookahead_frame *look, int32_t count) {
  const int64_t hardly = 64;
  int32_t frozen = 0;
  for (int32_t i = 1; i < count; ++i) frozen += look[i].inter[0] * hardly < look[i].intra;
  return count > 1 ? (float)frozen / (float)(count - 1) : 0.0f;
}

static void prepare(muzero_rc_clip_state *state, const muzero_rc_frame_stats *stats) {
  const muzero_rc_clip *clip = &state->clip;
  const int32_t count = clip->frame_count;
  memcpy(state->stats, stats, (size_t)count * sizeof(*stats));
  muzero_rc_frame_traits_fill(stats, count, state->traits);
  for (int32_t i = 0; i < state->coded_capacity; ++i) state->coded[i].layer = -1;
  state->seconds = muzero_rc_shown_seconds(stats, count);
  if (state->seconds <= 0.0) state->seconds = (double)count / 30.0;
  state->target_bits = 1000.0 * (double)clip->target_kbps * state->seconds;
  state->log_pixels = muzero_rc_log2((float)clip->width * (float)clip->height);
  state->probe = muzero_rc_probe_fill(stats, count, state->log_pixels, state->traits);
  state->looked = muzero_rc_lookahead_notes_read(stats, count, state->look);
  state->frozen = state->looked ? frozen_share(state->look, count) : 0.0f;
  state->whole = muzero_rc_frame_span_of(state->traits, count, 1, count - 1);
  muzero_rc_gop_schedule_init(&state->schedule, count);
  state->offsets = muzero_rc_params.offsets;
  muzero_rc_budget_init(&state->budget, state->target_bits, state->probe.known);
  muzero_rc_forecast_fill(state);
}

muzero_rc_clip muzero_rc_clip_with_depth(const muzero_rc_clip *clip) {
  muzero_rc_clip said = *clip;
  if (said.bit_depth == 0) said.bit_depth = 8;
  if (said.error_depth == 0) said.error_depth = said.bit_depth;
  return said;
}

int muzero_rc_clip_state_open(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              muzero_rc_clip_state **out) {
  int error = 0;
  *out = NULL;
  const muzero_rc_clip valid = muzero_rc_clip_with_depth(clip);
  if (!clip_is_valid(&valid) || !stats) return -EINVAL;
  muzero_rc_clip_state *state = calloc(1, sizeof(*state));
  if (!state) return -ENOMEM;
  state->clip = valid;
  error = allocate(state);
  if (error) goto fail;
  prepare(state, stats);
  *out = state;
  return 0;
fail:
  muzero_rc_clip_state_close(&state);
  return error;
}

void muzero_rc_clip_state_set_offsets(muzero_rc_clip_state *state,
                                      const muzero_rc_offset_params *offsets) {
  state->offsets = *offsets;
  muzero_rc_forecast_fill(state);
}

int muzero_rc_clip_state_set_peak(muzero_rc_clip_state *state, const muzero_rc_peak *peak) {
  if (peak->max_kbps < 1 || peak->buffer_kbits < 1) return -EINVAL;
  return muzero_rc_peak_guard_open(state, peak);
}

muzero_rc_spent muzero_rc_clip_state_spent(const muzero_rc_clip_state *state) {
  const muzero_rc_leaky_bucket *const bucket = state->peak ? &state->peak->bucket : NULL;
  return (muzero_rc_spent){
      .fill = state->budget.spent_bits / state->target_bits,
      .peak = bucket ? bucket->highest / bucket->size_bits : 0.0,
  };
}

void muzero_rc_clip_state_close(muzero_rc_clip_state **state) {
  if (!state || !*state) return;
  free((*state)->stats);
  free((*state)->traits);
  free((*state)->look);
  free((*state)->forecast);
  free((*state)->coded);
  free((*state)->peak);
  free(*state);
  *state = NULL;
}

bool muzero_rc_clip_state_is_of(const muzero_rc_clip_state *state, const muzero_rc_clip *clip,
                                const muzero_rc_frame_stats *stats) {
  const size_t size = (size_t)state->clip.frame_count * sizeof(*stats);
  const muzero_rc_clip said = muzero_rc_clip_with_depth(clip);
  return memcmp(&said, &state->clip, sizeof(said)) == 0 && memcmp(stats, state->stats, size) == 0;
}

int32_t muzero_rc_clip_state_scene_left(const muzero_rc_clip_state *state, int32_t show_index) {
  if (show_index < 0 || show_index >= state->clip.frame_count) return 0;
  return state->traits[show_index].scene;
}

void muzero_rc_clip_state_plan(muzero_rc_clip_state *state, const muzero_rc_gop_shape *shape) {
  muzero_rc_gop_schedule_plan(&state->schedule, shape->length, shape->layers);
}

int32_t muzero_rc_clip_state_planned(const muzero_rc_clip_state *state) {
  return state->schedule.planned_length + 256 * state->schedule.planned_layers;
}

muzero_rc_gop_shape muzero_rc_shape_planned(int32_t planned) {
  muzero_rc_gop_shape shape = MUZERO_RC_OWN_SHAPE;
  shape.length = planned % 256;
  if (planned >= 256) shape.layers = planned / 256;
  return shape;
}

void muzero_rc_clip_state_foresee(muzero_rc_clip_state *state, const muzero_rc_gop_shape *shapes,
                                  int32_t count) {
  state->shapes = shapes;
  state->shape_count = count;
  muzero_rc_forecast_fill(state);
}

void muzero_rc_clip_state_expect(muzero_rc_clip_state *state, const int32_t *ends, int32_t count) {
  state->end_count = count < MUZERO_RC_EXPECTED_GOPS ? count : MUZERO_RC_EXPECTED_GOPS;
  for (int32_t i = 0; i < state->end_count; ++i) state->ends[i] = ends[i];
  state->joint = (muzero_rc_forecast_joint){0};
}

void muzero_rc_clip_state_begin(muzero_rc_clip_state *state,
                                const muzero_rc_frame_request *request) {
  const int32_t pyramid = state->schedule.pyramid;
  state->request = *request;
  /* libvpx counts frames beyond its statistics too; they are like the last. */
  if (state->request.show_index >= state->clip.frame_count) {
    state->request.show_index = state->clip.frame_count - 1;
  }
  if (state->request.show_index < 0) state->request.show_index = 0;
  muzero_rc_gop_schedule_begin(&state->schedule, &state->request);
  muzero_rc_gop_memory_begin(&state->gops, &state->schedule);
  if (pyramid != 0 && state->schedule.pyramid == 0) muzero_rc_forecast_fill(state);
  muzero_rc_forecast_join(state, muzero_rc_gop_schedule_end_of_gop(&state->schedule));
  state->is_pending = true;
  muzero_rc_controller_decide(state);
  state->chosen = state->pending.qindex;
}

int32_t muzero_rc_clip_state_q_ref(const muzero_rc_clip_state *state) {
  return state->pending.qindex;
}

int32_t muzero_rc_clip_state_bit_depth(const muzero_rc_clip_state *state) {
  return state->clip.bit_depth;
}

int32_t muzero_rc_clip_state_layer(const muzero_rc_clip_state *state) {
  return state->schedule.pending.layer;
}

int32_t muzero_rc_clip_state_commit(muzero_rc_clip_state *state, int32_t asked, bool guard) {
  int32_t qindex = muzero_rc_clamp_qindex(asked);
  if (guard) qindex = muzero_rc_guard(state, qindex);
  state->chosen = qindex;
  return qindex;
}

static float psnr_of(const muzero_rc_clip_state *state, int64_t sse, int64_t pixels) {
  const float highest_db = 60.0f;
  if (sse <= 0 || pixels <= 0) return highest_db;
  const float mean = (float)((double)sse / (double)pixels);
  const float peak = (float)((1 << state->clip.error_depth) - 1);
  const float db = 3.01029996f * muzero_rc_log2(peak * peak / mean); /* 10 log10(peak² / mse) */
  return db > highest_db ? highest_db : db;
}

/* The quality of a frame whose error is not known: that of the last one whose is, moved by the
 * difference of their steps. */
static float guessed_psnr(const muzero_rc_clip_state *state, float step) {
  const float db_per_octave = 4.5f, flat_db = 10.8f; /* of an error as large as the step's own */
  if (!state->measured) return 48.13f + flat_db - 6.02f * step;
  return state->measured_quality + db_per_octave * (state->measured_step - step);
}

/* Once is a flash; what happened twice may happen again. */
static void remember_excess(muzero_rc_layer_memory *memory, float surprise) {
  memory->excess *= muzero_rc_params.excess_fades;
  memory->excess_again *= muzero_rc_params.excess_fades;
  if (surprise > memory->excess) {
    memory->excess_again = memory->excess;
    memory->excess = surprise;
  } else if (surprise > memory->excess_again) {
    memory->excess_again = surprise;
  }
}

static void remember(muzero_rc_clip_state *state, const muzero_rc_frame_result *result) {
  const muzero_rc_planned_frame *frame = &state->schedule.pending;
  const float step = muzero_rc_qindex_to_step(result->qindex, state->clip.bit_depth);
  const muzero_rc_bits_query query = {.traits = state->traits,
                                      .count = state->clip.frame_count,
                                      .probe = &state->probe,
                                      .log_pixels = state->log_pixels,
                                      .frame = *frame,
                                      .step = step,
                                      .reference_step = state->pending.reference_step};
  const float expected = muzero_rc_bits_predict(&query);
  const float bits = muzero_rc_log2((float)(result->bits > 8 ? result->bits : 8));
  const muzero_rc_coded coded = {
      frame->show_index,
      frame->layer,
      step,
      bits,
      result->sse == MUZERO_RC_SSE_UNKNOWN ? guessed_psnr(state, step)
                                           : psnr_of(state, result->sse, result->pixels),
      bits - expected - muzero_rc_budget_correction(&state->budget, frame->layer)};
  if (state->request.coding_index >= 0 && state->request.coding_index < state->coded_capacity) {
    state->coded[state->request.coding_index] = coded;
  }
  state->memory[frame->layer].last = coded;
  ++state->memory[frame->layer].count;
  remember_excess(&state->memory[frame->layer], coded.surprise);
  muzero_rc_gop_memory_add(&state->gops, result->bits, coded.quality);
  muzero_rc_peak_guard_learn(state, coded.surprise);
  muzero_rc_budget_learn(&state->budget, frame->layer, (double)result->bits,
                         (double)muzero_rc_exp2(expected));
}

void muzero_rc_clip_state_end(muzero_rc_clip_state *state, const muzero_rc_frame_result *result) {
  ++state->coded_count;
  if (!state->is_pending) {
    muzero_rc_budget_spend(&state->budget, result->bits, false);
    muzero_rc_peak_guard_book(state, false);
    muzero_rc_gop_memory_add(&state->gops, result->bits, 0.0f);
    muzero_rc_gop_schedule_show_existing(&state->schedule);
    return;
  }
  const bool hidden = state->request.frame_type == MUZERO_RC_ALTREF;
  muzero_rc_budget_spend(&state->budget, result->bits, hidden);
  muzero_rc_peak_guard_book(state, hidden);
  remember(state, result);
  muzero_rc_gop_schedule_end(&state->schedule);
  state->is_pending = false;
}

void muzero_rc_clip_state_measured(muzero_rc_clip_state *state, int32_t coding_index,
                                   int64_t sse) {
  if (coding_index < 0 || coding_index >= state->coded_capacity || sse < 0) return;
  muzero_rc_coded *const coded = &state->coded[coding_index];
  if (coded->layer < 0) return;
  const int64_t luma = (int64_t)state->clip.width * state->clip.height;
  const int64_t chroma =
      ((int64_t)state->clip.width + 1) / 2 * (((int64_t)state->clip.height + 1) / 2);
  coded->quality = psnr_of(state, sse, luma + 2 * chroma);
  state->measured = true;
  state->measured_quality = coded->quality;
  state->measured_step = coded->step;
  muzero_rc_coded *const last = &state->memory[coded->layer].last;
  if (last->show_index == coded->show_index) last->quality = coded->quality;
}
