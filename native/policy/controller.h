/* The budget controller: q_ref for every frame, and the guard. q_ref is the step
 * that spends what is left over all frames to come, moved by an offset for what
 * the frame is worth to others. Offsets follow the content: how many frames live
 * on a frame's quality, and how hard its GOP is next to the whole clip. */
#ifndef MUZERO_RC_POLICY_CONTROLLER_H_
#define MUZERO_RC_POLICY_CONTROLLER_H_

#include "state_data.h"

/* Fills state->plan for the pending frame. */
void muzero_rc_controller_plan(muzero_rc_state *state);

/* The smallest qindex at or above `asked` that leaves enough for the frames
 * after the pending one. */
int32_t muzero_rc_controller_guard(const muzero_rc_state *state, int32_t asked);

/* log2 of the pending frame's expected bits at `step`, corrected. */
float muzero_rc_controller_bits(const muzero_rc_state *state, float step);

/* Step offset of a frame, in a GOP like `gop`, when plain frames are coded at
 * `base`. */
float muzero_rc_controller_offset(const muzero_rc_state *state,
                                  const muzero_rc_planned_frame *frame,
                                  const muzero_rc_stretch *gop, float base);

/* The same of its nearest reference, before that is known. */
float muzero_rc_controller_parent_offset(const muzero_rc_state *state,
                                         const muzero_rc_planned_frame *frame,
                                         const muzero_rc_stretch *gop, float base);

/* log2(1 + number of frames that live on the frame's quality). */
float muzero_rc_controller_importance(const muzero_rc_state *state,
                                      const muzero_rc_planned_frame *frame);

#endif /* MUZERO_RC_POLICY_CONTROLLER_H_ */
