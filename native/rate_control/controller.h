/* The budget controller: q_ref for every frame. It is the step that spends what is left
 * over all frames to come, moved by an offset for what the frame is worth to others. Offsets follow the content: how many frames live
 * on a frame's quality, and how hard its GOP is next to the whole clip. */
#ifndef MUZERO_RC_RATE_CONTROL_CONTROLLER_H_
#define MUZERO_RC_RATE_CONTROL_CONTROLLER_H_

#include "rate_control/clip_state_data.h"

/* Fills state->pending for the pending frame. */
void muzero_rc_controller_decide(muzero_rc_clip_state *state);

/* log2 of the pending frame's expected bits at `step`, corrected. */
float muzero_rc_controller_bits(const muzero_rc_clip_state *state, float step);

/* The finest step among the pending frame's references; false where it has none. */
bool muzero_rc_controller_finest_reference(const muzero_rc_clip_state *state, float *step);

#endif /* MUZERO_RC_RATE_CONTROL_CONTROLLER_H_ */
