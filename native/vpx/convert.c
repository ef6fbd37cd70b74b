#include "vpx/convert.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "rate_control/frame_traits.h"
#include "rate_control/quantizer.h"

/* libvpx's own FIRSTPASS_STATS: the callback's doubles and a layer number. */
enum { BLOB_RECORD_BYTES = (int)sizeof(muzero_rc_frame_stats) + 8 };

static_assert(sizeof(vpx_rc_frame_stats_t) == sizeof(muzero_rc_frame_stats),
              "first-pass statistics have another number of fields");
#define SAME_PLACE(name, member)                                                        \
  static_assert(offsetof(vpx_rc_frame_stats_t, member) ==                               \
                    (size_t)MUZERO_RC_STAT_##name * sizeof(double),                     \
                #member " of the first-pass statistics is elsewhere")
SAME_PLACE(FRAME, frame);
SAME_PLACE(WEIGHT, weight);
SAME_PLACE(INTRA_ERROR, intra_error);
SAME_PLACE(CODED_ERROR, coded_error);
SAME_PLACE(SECOND_REF_ERROR, sr_coded_error);
SAME_PLACE(NOISE, frame_noise_energy);
SAME_PLACE(INTER, pcnt_inter);
SAME_PLACE(MOTION, pcnt_motion);
SAME_PLACE(SECOND_REF, pcnt_second_ref);
SAME_PLACE(NEUTRAL, pcnt_neutral);
SAME_PLACE(INTRA_LOW, pcnt_intra_low);
SAME_PLACE(INTRA_HIGH, pcnt_intra_high);
SAME_PLACE(INTRA_SKIP, intra_skip_pct);
SAME_PLACE(INTRA_SMOOTH, intra_smooth_pct);
SAME_PLACE(INACTIVE_ROWS, inactive_zone_rows);
SAME_PLACE(INACTIVE_COLUMNS, inactive_zone_cols);
SAME_PLACE(VECTOR_ROW, MVr);
SAME_PLACE(VECTOR_ROW_ABS, mvr_abs);
SAME_PLACE(VECTOR_COLUMN, MVc);
SAME_PLACE(VECTOR_COLUMN_ABS, mvc_abs);
SAME_PLACE(ROW_VARIANCE, MVrv);
SAME_PLACE(COLUMN_VARIANCE, MVcv);
SAME_PLACE(VECTORS_INWARD, mv_in_out_count);
SAME_PLACE(DURATION, duration);
SAME_PLACE(COUNT, count);
static_assert(sizeof(((vpx_rc_encodeframe_info_t *)0)->ref_frame_coding_indexes) ==
                  MUZERO_RC_REFERENCES * sizeof(int32_t),
              "a frame has another number of references");

muzero_rc_clip muzero_rc_clip_from_vpx(const vpx_rc_config_t *config) {
  return (muzero_rc_clip){
      .width = config->frame_width,
      .height = config->frame_height,
      .frame_count = config->show_frame_count,
      /* The header says kilobytes; the value is kilobits. */
      .target_kbps = config->target_bitrate_kbps,
  };
}

muzero_rc_frame_request muzero_rc_request_from_vpx(const vpx_rc_encodeframe_info_t *info) {
  muzero_rc_frame_request request = {
      .frame_type = info->frame_type,
      .show_index = info->show_index,
      .coding_index = info->coding_index,
      .gop_index = info->gop_index,
  };
  for (int i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    request.ref_coding_index[i] = info->ref_frame_coding_indexes[i];
    request.ref_valid[i] = info->ref_frame_valid_list[i] != 0;
  }
  return request;
}

muzero_rc_frame_result muzero_rc_result_from_vpx(const vpx_rc_encodeframe_result_t *result) {
  return (muzero_rc_frame_result){
      .sse = result->sse,
      .bits = result->bit_count,
      .pixels = result->pixel_count,
      .qindex = result->actual_encoding_qindex,
  };
}

const muzero_rc_frame_stats *muzero_rc_stats_from_vpx(const vpx_rc_firstpass_stats_t *stats) {
  return (const muzero_rc_frame_stats *)(const void *)stats->frame_stats;
}

vpx_rc_encodeframe_decision_t muzero_rc_decision_to_vpx(int32_t qindex) {
  return (vpx_rc_encodeframe_decision_t){.q_index = muzero_rc_clamp_qindex(qindex),
                                         .max_frame_size = 0};
}

int32_t muzero_rc_blob_frames(size_t size) {
  const size_t records = size / BLOB_RECORD_BYTES;
  if (size % BLOB_RECORD_BYTES != 0 || records < 2 || records > INT32_MAX / 2) return -EINVAL;
  return (int32_t)records - 1;
}

void muzero_rc_blob_stats(const void *blob, int32_t frames, muzero_rc_frame_stats *out) {
  const char *record = blob;
  for (int32_t i = 0; i < frames; ++i, record += BLOB_RECORD_BYTES)
    memcpy(&out[i], record, sizeof(out[i]));
}

bool muzero_rc_packet_stats(const vpx_fixed_buf_t *packet, muzero_rc_frame_stats *out) {
  if (packet->sz != BLOB_RECORD_BYTES) return false;
  memcpy(out, packet->buf, sizeof(*out));
  return true;
}
