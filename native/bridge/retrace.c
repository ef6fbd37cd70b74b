#include "retrace.h"

#include <string.h>

#include "../policy/feature_table.h"

static muzero_rc_frame_request request_of(const muzero_rc_record *record) {
  muzero_rc_frame_request request = {.frame_type = record->frame_type,
                                     .show_index = record->show_index,
                                     .coding_index = record->coding_index,
                                     .gop_index = record->gop_index};
  memcpy(request.ref_coding_index, record->ref_coding_index, sizeof(request.ref_coding_index));
  memcpy(request.ref_valid, record->ref_valid, sizeof(request.ref_valid));
  return request;
}

int muzero_rc_retrace(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                      const muzero_rc_record *records, size_t count, float *step,
                      int32_t *reference) {
  const size_t width = (size_t)muzero_rc_step_features().count;
  muzero_rc_state *state = NULL;
  const int error = muzero_rc_state_open(clip, stats, &state);
  if (error) return error;
  memset(step, 0, count * width * sizeof(*step));
  memset(reference, 0, count * sizeof(*reference));
  for (size_t i = 0; i < count; ++i) {
    const muzero_rc_record *const record = &records[i];
    if (record->frame_type >= 0) {
      const muzero_rc_frame_request request = request_of(record);
      muzero_rc_state_begin(state, &request);
      reference[i] = muzero_rc_state_reference(state);
      muzero_rc_observe_step(state, step + i * width);
      muzero_rc_state_commit(state, record->qindex, false);
    }
    const muzero_rc_frame_result result = {.sse = record->sse,
                                           .bits = record->bits,
                                           .pixels = record->pixels,
                                           .qindex = record->qindex};
    muzero_rc_state_end(state, &result);
  }
  muzero_rc_state_close(&state);
  return 0;
}
