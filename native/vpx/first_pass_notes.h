/* What runs beside a first pass and notes what it finds in the statistics: the probe encodes and
 * the lookahead, both or none.
 * Never an error: what goes wrong ends the notes, not the first pass. */
#ifndef MUZERO_RC_VPX_FIRST_PASS_NOTES_H_
#define MUZERO_RC_VPX_FIRST_PASS_NOTES_H_

#include <stdbool.h>
#include <stdint.h>

#include "vpx/libvpx_calls.h"

typedef struct muzero_rc_first_pass_notes muzero_rc_first_pass_notes;

/* For 4:2:0 frames of one size, whose samples have `bit_depth` bits; both look at the upper 8 of
 * them. NULL when one cannot start. The caller owns it. `libvpx` is copied. */
muzero_rc_first_pass_notes *muzero_rc_first_pass_notes_open(const muzero_rc_libvpx *libvpx,
                                                            unsigned width, unsigned height,
                                                            int32_t bit_depth);

/* Closes and sets *notes to NULL; NULL is fine. */
void muzero_rc_first_pass_notes_close(muzero_rc_first_pass_notes **notes);

/* Takes a copy of the next shown frame; does not wait until it is through. */
void muzero_rc_first_pass_notes_frame(muzero_rc_first_pass_notes *notes, const vpx_image_t *image);

/* Writes into the first pass's next packet of statistics, in place, what is known of its frame.
 * The closing total passes untouched. */
void muzero_rc_first_pass_notes_write(muzero_rc_first_pass_notes *notes,
                                      const vpx_fixed_buf_t *packet);

/* Whether the statistics that `blob` holds of `frames` frames, `fields` doubles each, were noted in. */
bool muzero_rc_first_pass_is_noted(const void *blob, int32_t frames, int fields);

#endif /* MUZERO_RC_VPX_FIRST_PASS_NOTES_H_ */
