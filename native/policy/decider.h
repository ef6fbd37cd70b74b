/* Deciders: who names the qindex that a frame is to be coded with. There are three kinds:
 * the budget controller, a policy's network, and one outside of this library (a Python process
 * that plays episodes). A model runs any of them in the same way. */
#ifndef MUZERO_RC_POLICY_DECIDER_H_
#define MUZERO_RC_POLICY_DECIDER_H_

#include "rate_control/clip_state.h"

typedef struct muzero_rc_decider {
  /* Answers for the frame that `state` has begun: sets decision->asked, which is q_ref before,
   * and ->fallback. 0, or a negative errno, which fails the encode. NULL: the controller,
   * whose answer q_ref is. */
  int (*decide)(void *self, const muzero_rc_clip_state *state,
                const muzero_rc_frame_request *request, muzero_rc_decision *decision);
  void *self;
} muzero_rc_decider;

#endif /* MUZERO_RC_POLICY_DECIDER_H_ */
