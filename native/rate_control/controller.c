#include "rate_control/controller.h"

#include "rate_control/bits_model.h"
#include "rate_control/forecast.h"
#include "rate_control/qstep_offsets.h"
#include "rate_control/quantizer.h"
#include "rate_control/controller_params.h"
#include "rate_control/peak_guard.h"

static const float kLowestBase = -0.5f;
static const float kHighestBase = 10.5f; /* qindex 255 throughout, whatever the offsets */

static muzero_rc_bits_query query_of(const muzero_rc_clip_state *state,
                                     const muzero_rc_planned_frame *frame, float step,
                                     float reference_step) {
  return (muzero_rc_bits_query){.traits = state->traits,
                                .count = state->clip.frame_count,
                                .probe = &state->probe,
                                .log_pixels = state->log_pixels,
                                .frame = *frame,
                                .step = muzero_rc_clamp_step(step),
                                .reference_step = muzero_rc_clamp_step(reference_step)};
}

float muzero_rc_controller_bits(const muzero_rc_clip_state *state, float step) {
  const muzero_rc_planned_frame *frame = &state->schedule.pending;
  const muzero_rc_bits_query query = query_of(state, frame, step, state->pending.reference_step);
  return muzero_rc_bits_predict(&query) + muzero_rc_budget_correction(&state->budget, frame->layer);
}

bool muzero_rc_controller_finest_reference(const muzero_rc_clip_state *state, float *step) {
  *step = kHighestBase;
  for (int32_t i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    const int32_t index = state->request.ref_coding_index[i];
    if (!state->request.ref_valid[i] || index < 0 || index >= state->coded_capacity) continue;
    const muzero_rc_coded *reference = &state->coded[index];
    if (reference->layer >= 0 && reference->step < *step) *step = reference->step;
  }
  return *step < kHighestBase;
}

/* Nobody refers to what a leaf or an overlay adds, so bits that are left over
 * at the end are not to be thrown at them. */
static float worthwhile_step(const muzero_rc_clip_state *state, float step) {
  const int32_t layer = state->schedule.pending.layer;
  if (layer != MUZERO_RC_LAYER_LEAF && layer != MUZERO_RC_LAYER_OVERLAY) return step;
  float finest;
  const bool known = muzero_rc_controller_finest_reference(state, &finest);
  return known && step < finest ? finest : step;
}

/* The step of the pending frame's nearest reference; of two, the finer. */
static float nearest_reference_step(const muzero_rc_clip_state *state, float otherwise) {
  const muzero_rc_frame_request *request = &state->request;
  int32_t nearest = INT32_MAX;
  float step = otherwise;
  for (int32_t i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    const int32_t index = request->ref_coding_index[i];
    if (!request->ref_valid[i] || index < 0 || index >= state->coded_capacity) continue;
    const muzero_rc_coded *reference = &state->coded[index];
    if (reference->layer < 0) continue;
    const int32_t gap = reference->show_index - request->show_index;
    const int32_t distance = gap < 0 ? -gap : gap;
    if (distance < nearest || (distance == nearest && reference->step < step)) {
      nearest = distance;
      step = reference->step;
    }
  }
  return step;
}

static void list_rest(const muzero_rc_clip_state *state, float base, muzero_rc_gop_rest *rest) {
  const muzero_rc_planned_frame *const frames = rest->frames;
  const muzero_rc_gop_schedule *schedule = &state->schedule;
  float corrections[MUZERO_RC_LAYERS];
  for (int32_t layer = 0; layer < MUZERO_RC_LAYERS; ++layer) {
    corrections[layer] = muzero_rc_budget_correction(&state->budget, layer);
  }
  rest->count = muzero_rc_gop_schedule_ahead(schedule, rest->frames);
  rest->next_gop = muzero_rc_gop_schedule_end_of_gop(schedule) + 1;
  rest->next_correction = muzero_rc_exp2(muzero_rc_budget_overall(&state->budget));
  for (int32_t i = 0; i < rest->count; ++i) {
    const muzero_rc_frame_span *gop = &state->pending.gop;
    const float offset = muzero_rc_offset_of(state, &frames[i], gop, base);
    const float parent = muzero_rc_offset_of_parent(state, &frames[i], gop, base);
    const muzero_rc_bits_query query =
        query_of(state, &frames[i], base + offset, base + parent);
    rest->curves[i] = muzero_rc_bits_curve_of(&query);
    rest->offsets[i] = offset;
    rest->corrections[i] = corrections[frames[i].layer];
  }
}

/* Expected bits of all frames after the pending one. */
static double rest_bits(const muzero_rc_clip_state *state, const muzero_rc_gop_rest *rest, float base) {
  double sum = muzero_rc_forecast_bits(state, rest->next_gop, base) *
               (double)rest->next_correction;
  for (int32_t i = 0; i < rest->count; ++i) {
    const float step = muzero_rc_clamp_step(base + rest->offsets[i]);
    const float bits = muzero_rc_bits_at(&rest->curves[i], step);
    sum += (double)muzero_rc_exp2(bits + rest->corrections[i]);
  }
  return sum;
}

static muzero_rc_bits_curve curve_of_pending(const muzero_rc_clip_state *state) {
  const muzero_rc_pending *pending = &state->pending;
  const muzero_rc_bits_query query = query_of(
      state, &state->schedule.pending, pending->base + pending->offset, pending->reference_step);
  return muzero_rc_bits_curve_of(&query);
}

/* The base step at which the pending frame and all after it take `bits`. */
static float solve_base(const muzero_rc_clip_state *state, const muzero_rc_gop_rest *rest, double bits) {
  const muzero_rc_bits_curve own = curve_of_pending(state);
  const float correction =
      muzero_rc_budget_correction(&state->budget, state->schedule.pending.layer);
  float low = kLowestBase;
  float high = kHighestBase;
  for (int i = 0; i < 12; ++i) {
    const float middle = 0.5f * (low + high);
    const float step = muzero_rc_clamp_step(middle + state->pending.offset);
    const double pending = (double)muzero_rc_exp2(muzero_rc_bits_at(&own, step) + correction);
    if (pending + rest_bits(state, rest, middle) > bits) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return 0.5f * (low + high);
}

static float damped(const muzero_rc_clip_state *state, float before, float solution) {
  const int32_t shown_left = state->clip.frame_count - 1 - state->schedule.shown;
  if (state->coded_count == 0) return solution;
  const bool fresh = state->schedule.pending.layer <= MUZERO_RC_LAYER_TOP;
  const float share = muzero_rc_params.damping * (fresh ? 2.0f : 1.0f);
  float base = solution;
  if (shown_left > muzero_rc_params.last_frames && share < 1.0f) base = before + share * (solution - before);
  /* Above the coarsest step a base saves nothing more, so it falls from there. */
  const float coarsest = muzero_rc_qindex_to_step(MUZERO_RC_QINDEX_MAX, 8);
  const float lowest = (before < coarsest ? before : coarsest) - muzero_rc_params.fastest_fall;
  return base > lowest ? base : lowest;
}

static muzero_rc_frame_span gop_of_pending(const muzero_rc_clip_state *state) {
  const muzero_rc_gop_schedule *schedule = &state->schedule;
  const int32_t show = schedule->pending.show_index;
  const int32_t end = schedule->gop_end;
  if (schedule->pending.layer == MUZERO_RC_LAYER_KEY) return muzero_rc_opening_of(state, show);
  return muzero_rc_frame_span_of(state->traits, state->clip.frame_count, schedule->gop_start + 1,
                                 end > show ? end : show);
}

/* What may still be spent. At the start more is promised than there is: a base that
 * is too fine costs less than one too coarse, and later frames set it right. */
static double bits_left(const muzero_rc_clip_state *state) {
  const int32_t count = state->clip.frame_count;
  const double to_come = (double)(count - state->schedule.pending.show_index) / (double)count;
  const double promised =
      state->probe.known ? 1.0 + (double)muzero_rc_params.optimism * to_come * to_come : 1.0;
  return (state->target_bits * (double)(1.0f - muzero_rc_params.margin) -
          state->budget.spent_bits) *
         promised;
}

void muzero_rc_controller_decide(muzero_rc_clip_state *state) {
  muzero_rc_pending *pending = &state->pending;
  const muzero_rc_planned_frame *frame = &state->schedule.pending;
  muzero_rc_gop_rest rest;
  pending->gop = gop_of_pending(state);
  const float before = state->coded_count > 0 ? pending->base : muzero_rc_params.usual_base;
  pending->offset = muzero_rc_offset_of(state, frame, &pending->gop, before);
  pending->reference_step = nearest_reference_step(state, pending->base + pending->offset);
  list_rest(state, before, &rest);
  const double left = bits_left(state);
  pending->base = damped(state, pending->base, solve_base(state, &rest, left));
  if (state->coded_count == 0) { /* nothing was known of the base: once more with it */
    pending->offset = muzero_rc_offset_of(state, frame, &pending->gop, pending->base);
    list_rest(state, pending->base, &rest);
    pending->base = solve_base(state, &rest, left);
  }
  /* What is finer than 8 bits go, the bits model does not know. */
  const float step = muzero_rc_clamp_step(worthwhile_step(state, pending->base + pending->offset));
  pending->qindex = muzero_rc_step_to_qindex(step, state->clip.bit_depth);
  muzero_rc_peak_guard_foresee(state, &rest);
  pending->expected_bits = muzero_rc_controller_bits(
      state, muzero_rc_qindex_to_step(pending->qindex, state->clip.bit_depth));
  pending->rest_bits = rest_bits(state, &rest, pending->base);
  pending->saving_bits = muzero_rc_peak_guard_saving(
      state, rest_bits(state, &rest, pending->base + muzero_rc_params.guard_slack));
}
