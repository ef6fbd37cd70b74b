/* The probe encodes beside a first pass: every frame goes through realtime
 * encoders at constant quality as well, and what they took is noted in the
 * first pass's statistics (rate_control/probe_notes.h). Each encoder has a thread of its own,
 * which works while the caller's does its first pass. `make bench` prints their cost.
 * Never an error: what goes wrong ends the notes, not the first pass. */
#ifndef MUZERO_RC_VPX_PROBE_ENCODER_H_
#define MUZERO_RC_VPX_PROBE_ENCODER_H_

#include "vpx/libvpx_calls.h"

typedef struct muzero_rc_probe_encoder muzero_rc_probe_encoder;

/* For 4:2:0 frames of one size, whose samples have `bit_depth` bits; the upper 8 of them are
 * encoded. NULL when libvpx refuses or memory is short. The caller owns it. `libvpx` is copied. */
muzero_rc_probe_encoder *muzero_rc_probe_encoder_open(const muzero_rc_libvpx *libvpx,
                                                      unsigned width, unsigned height,
                                                      int32_t bit_depth);

/* Closes and sets *probe to NULL; NULL is fine. */
void muzero_rc_probe_encoder_close(muzero_rc_probe_encoder **probe);

/* Encodes the next shown frame, of which it takes a copy: begins, and does not wait. */
void muzero_rc_probe_encoder_frame(muzero_rc_probe_encoder *probe, const vpx_image_t *image);

/* Writes the note into the first pass's next packet of statistics, in place, once the
 * frame is encoded.
 * The closing total, which belongs to no frame, passes untouched. */
void muzero_rc_probe_encoder_note(muzero_rc_probe_encoder *probe, const vpx_fixed_buf_t *packet);

#endif /* MUZERO_RC_VPX_PROBE_ENCODER_H_ */
