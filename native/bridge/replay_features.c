#include "bridge/replay_features.h"

#include <string.h>

#include "rate_control/bits_model.h"
#include "features/feature_table.h"
#include "rate_control/quantizer.h"
#include "rate_control/clip_state_data.h"

static muzero_rc_frame_request request_of(const muzero_rc_record *record) {
  muzero_rc_frame_request request = {.frame_type = record->frame_type,
                                     .show_index = record->show_index,
                                     .coding_index = record->coding_index,
                                     .gop_index = record->gop_index};
  memcpy(request.ref_coding_index, record->ref_coding_index, sizeof(request.ref_coding_index));
  memcpy(request.ref_valid, record->ref_valid, sizeof(request.ref_valid));
  return request;
}

/* Everything that looks at a replayed frame before its result is known. */
typedef struct observer {
  float *step;          /* [count, step features], or NULL */
  int32_t *q_ref;   /* [count], or NULL */
  float *inputs;        /* [count, MUZERO_RC_BITS_INPUTS], or NULL */
} observer;

static void observe(const observer *observer, const muzero_rc_clip_state *state, size_t i,
                    int32_t qindex) {
  if (observer->q_ref) observer->q_ref[i] = muzero_rc_clip_state_q_ref(state);
  if (observer->step) {
    const size_t width = (size_t)muzero_rc_step_features().count;
    muzero_rc_observe_step(state, muzero_rc_feature_version(), observer->step + i * width);
  }
  if (observer->inputs) {
    const muzero_rc_bits_query query = {.traits = state->traits,
                                        .count = state->clip.frame_count,
                                        .probe = &state->probe,
                                        .log_pixels = state->log_pixels,
                                        .frame = state->schedule.pending,
                                        .step = muzero_rc_qindex_to_step(qindex, state->clip.bit_depth),
                                        .reference_step = state->pending.reference_step};
    muzero_rc_bits_inputs(&query, observer->inputs + i * MUZERO_RC_BITS_INPUTS);
  }
}

/* What a replay knows of errors that came after their results. */
typedef struct late_errors {
  const muzero_rc_record *records;
  size_t told; /* records of before are dealt with: errors come in the order of the results */
} late_errors;

/* Tells those that had come before result `next`. */
static void tell_errors(late_errors *late, size_t next, muzero_rc_clip_state *state) {
  for (; late->told < next; ++late->told) {
    const muzero_rc_record *const record = &late->records[late->told];
    if (record->sse_after == 0) continue;
    if (late->told + (size_t)record->sse_after > next) return;
    muzero_rc_clip_state_measured(state, record->coding_index, record->sse);
  }
}

static int run(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
               const muzero_rc_record *records, size_t count, const observer *observer) {
  muzero_rc_clip_state *state = NULL;
  const int error = muzero_rc_clip_state_open(clip, stats, &state);
  if (error) return error;
  late_errors late = {records, 0};
  for (size_t i = 0; i < count; ++i) {
    const muzero_rc_record *const record = &records[i];
    tell_errors(&late, i, state);
    if (record->frame_type >= 0) {
      const muzero_rc_frame_request request = request_of(record);
      const muzero_rc_gop_shape planned = muzero_rc_shape_planned(record->planned);
      muzero_rc_clip_state_plan(state, &planned);
      muzero_rc_clip_state_begin(state, &request);
      observe(observer, state, i, record->qindex);
      muzero_rc_clip_state_commit(state, record->qindex, false);
    }
    const bool is_late = record->sse_after != 0;
    const muzero_rc_frame_result result = {.sse = is_late ? MUZERO_RC_SSE_UNKNOWN : record->sse,
                                           .bits = record->bits,
                                           .pixels = record->pixels,
                                           .qindex = record->qindex};
    muzero_rc_clip_state_end(state, &result);
  }
  muzero_rc_clip_state_close(&state);
  return 0;
}

int muzero_rc_replay_features(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              const muzero_rc_record *records, size_t count, float *step,
                              int32_t *q_ref) {
  const observer observer = {step, q_ref, NULL};
  memset(step, 0, count * (size_t)muzero_rc_step_features().count * sizeof(*step));
  memset(q_ref, 0, count * sizeof(*q_ref));
  return run(clip, stats, records, count, &observer);
}

int muzero_rc_replay_bits_inputs(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                                 const muzero_rc_record *records, size_t count, float *inputs) {
  const observer observer = {NULL, NULL, inputs};
  memset(inputs, 0, count * MUZERO_RC_BITS_INPUTS * sizeof(*inputs));
  return run(clip, stats, records, count, &observer);
}
