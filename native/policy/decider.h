/* Deciders: who names the qindex that a frame is to be coded with, and the shape of a GOP. There are three kinds:
 * the budget controller, a policy's network, and one outside of this library (a Python process
 * that plays episodes). A model runs any of them in the same way. */
#ifndef MUZERO_RC_POLICY_DECIDER_H_
#define MUZERO_RC_POLICY_DECIDER_H_

#include "rate_control/clip_state.h"

/* Answers before a GOP begins: writes *shape, which is MUZERO_RC_OWN_SHAPE before. `state` has
 * coded everything up to the call that begins the GOP. 0, or a negative errno, which fails the
 * encode. */
typedef int (*muzero_rc_shape_hook)(void *self, const muzero_rc_clip_state *state,
                                    const muzero_rc_shape_question *question,
                                    muzero_rc_gop_shape *shape);

typedef struct muzero_rc_decider {
  /* Answers for the frame that `state` has begun: sets decision->asked, which is q_ref before,
   * and ->fallback. 0, or a negative errno, which fails the encode. NULL: the controller,
   * whose answer q_ref is. */
  int (*decide)(void *self, const muzero_rc_clip_state *state,
                const muzero_rc_frame_request *request, muzero_rc_decision *decision);
  muzero_rc_shape_hook shape; /* NULL: libvpx's own shapes */
  void *self;
} muzero_rc_decider;

#endif /* MUZERO_RC_POLICY_DECIDER_H_ */
