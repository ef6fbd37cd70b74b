/* The lookahead beside a first pass, in a thread of its own: what it says of every frame is noted
 * in the first pass's statistics (rate_control/lookahead_notes.h).
 * Never an error: what goes wrong ends the notes, not the first pass. */
#ifndef MUZERO_RC_VPX_LOOKAHEAD_WORKER_H_
#define MUZERO_RC_VPX_LOOKAHEAD_WORKER_H_

#include "vpx/libvpx_types.h"

typedef struct muzero_rc_lookahead_worker muzero_rc_lookahead_worker;

/* For frames of one size, whose samples have `bit_depth` bits: it looks at the upper 8 of them.
 * NULL when memory or threads are short. The caller owns it. */
muzero_rc_lookahead_worker *muzero_rc_lookahead_worker_open(unsigned width, unsigned height,
                                                            int32_t bit_depth);

/* Closes and sets *worker to NULL; NULL is fine. */
void muzero_rc_lookahead_worker_close(muzero_rc_lookahead_worker **worker);

/* Looks at the next shown frame, of whose luma it takes a copy: begins, and does not wait. */
void muzero_rc_lookahead_worker_frame(muzero_rc_lookahead_worker *worker, const vpx_image_t *image);

/* Writes the note into the first pass's next packet of statistics, in place, once the frame is
 * looked at. The closing total, which belongs to no frame, passes untouched. */
void muzero_rc_lookahead_worker_note(muzero_rc_lookahead_worker *worker,
                                     const vpx_fixed_buf_t *packet);

#endif /* MUZERO_RC_VPX_LOOKAHEAD_WORKER_H_ */
