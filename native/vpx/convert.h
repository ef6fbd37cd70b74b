/* First-pass statistics as libvpx keeps them, and the plain records of muzero_rc/policy.h. */
#ifndef MUZERO_RC_VPX_CONVERT_H_
#define MUZERO_RC_VPX_CONVERT_H_

#include <muzero_rc/policy.h>

#include "vpx/libvpx_types.h"

/* A first-pass blob of a libvpx that keeps `fields` doubles a frame is one record per shown
 * frame and a closing total. Number of shown frames, or -EINVAL when it is no such blob. */
int32_t muzero_rc_blob_frames(const void *blob, size_t size, int fields);

/* Copies the `frames` records of a blob, without the closing total. */
void muzero_rc_blob_stats(const void *blob, int32_t frames, int fields,
                          muzero_rc_frame_stats *out);

/* The statistics in one packet of a first pass, of whichever libvpx; false when it is none. */
bool muzero_rc_packet_stats(const vpx_fixed_buf_t *packet, muzero_rc_frame_stats *out);

#endif /* MUZERO_RC_VPX_CONVERT_H_ */
