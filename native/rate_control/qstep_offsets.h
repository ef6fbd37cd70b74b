/* Quantizer step offsets: how much finer or coarser than plain inter frames the controller codes
 * a frame, in log2 steps, by what depends on it and by what its GOP is like. */
#ifndef MUZERO_RC_RATE_CONTROL_QSTEP_OFFSETS_H_
#define MUZERO_RC_RATE_CONTROL_QSTEP_OFFSETS_H_

#include "rate_control/clip_state_data.h"

/* What a key frame's offset goes by: the frames after it, as far as its scene goes. */
muzero_rc_frame_span muzero_rc_opening_of(const muzero_rc_clip_state *state, int32_t show_index);

/* Step offset of a frame, in a GOP like `gop`, when plain frames are coded at
 * `base`. */
float muzero_rc_offset_of(const muzero_rc_clip_state *state, const muzero_rc_planned_frame *frame,
                          const muzero_rc_frame_span *gop, float base);

/* The same of its nearest reference, before that is known. */
float muzero_rc_offset_of_parent(const muzero_rc_clip_state *state,
                                 const muzero_rc_planned_frame *frame,
                                 const muzero_rc_frame_span *gop, float base);

/* log2(1 + number of frames that live on the frame's quality). */
float muzero_rc_importance_of(const muzero_rc_clip_state *state,
                              const muzero_rc_planned_frame *frame);

#endif /* MUZERO_RC_RATE_CONTROL_QSTEP_OFFSETS_H_ */
