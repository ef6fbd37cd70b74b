/* Conversion between libvpx's structs and the plain records of muzero_rc/policy.h. */
#ifndef MUZERO_RC_VPX_CONVERT_H_
#define MUZERO_RC_VPX_CONVERT_H_

#include <muzero_rc/policy.h>

#include "vpx/vpx_abi.h"

muzero_rc_clip muzero_rc_clip_from_vpx(const vpx_rc_config_t *config);

muzero_rc_frame_request muzero_rc_request_from_vpx(const vpx_rc_encodeframe_info_t *info);

muzero_rc_frame_result muzero_rc_result_from_vpx(const vpx_rc_encodeframe_result_t *result);

/* Records of the callback: the same 25 doubles in the same order. */
const muzero_rc_frame_stats *muzero_rc_stats_from_vpx(const vpx_rc_firstpass_stats_t *stats);

/* libvpx checks nothing it is told: this clamps qindex to [1, 255] and sends no
 * frame size limit, because a limit can make libvpx recode without end. */
vpx_rc_encodeframe_decision_t muzero_rc_decision_to_vpx(int32_t qindex);

/* A first-pass blob is one record per shown frame and a closing total. Number
 * of shown frames, or -EINVAL when `size` is no such blob. */
int32_t muzero_rc_blob_frames(size_t size);

/* Copies the `frames` records of a blob, without the closing total. */
void muzero_rc_blob_stats(const void *blob, int32_t frames, muzero_rc_frame_stats *out);

/* The statistics in one packet of a first pass; false when it is none. */
bool muzero_rc_packet_stats(const vpx_fixed_buf_t *packet, muzero_rc_frame_stats *out);

#endif /* MUZERO_RC_VPX_CONVERT_H_ */
