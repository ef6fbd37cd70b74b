/* The quick encodes beside a first pass: every frame goes through realtime
 * encoders at constant quality as well, and what they took is noted in the
 * first pass's statistics (policy/quick.h). Each encoder has a thread of its own,
 * which works while the caller's does its first pass. `make bench` prints their cost.
 * Never an error: what goes wrong ends the notes, not the first pass. */
#ifndef MUZERO_RC_VPX_QUICK_ENCODE_H_
#define MUZERO_RC_VPX_QUICK_ENCODE_H_

#include "vpx/libvpx_calls.h"

typedef struct muzero_rc_quick_encode muzero_rc_quick_encode;

/* For 8-bit 4:2:0 frames of one size. NULL when libvpx refuses or memory is
 * short. The caller owns it. `libvpx` is copied. */
muzero_rc_quick_encode *muzero_rc_quick_encode_open(const muzero_rc_libvpx *libvpx, unsigned width,
                                                    unsigned height);

/* Closes and sets *quick to NULL; NULL is fine. */
void muzero_rc_quick_encode_close(muzero_rc_quick_encode **quick);

/* Encodes the next shown frame, of which it takes a copy: begins, and does not wait. */
void muzero_rc_quick_encode_frame(muzero_rc_quick_encode *quick, const vpx_image_t *image);

/* Writes the note into the first pass's next packet of statistics, in place, once the
 * frame is encoded.
 * The closing total, which belongs to no frame, passes untouched. */
void muzero_rc_quick_encode_note(muzero_rc_quick_encode *quick, const vpx_fixed_buf_t *packet);

#endif /* MUZERO_RC_VPX_QUICK_ENCODE_H_ */
