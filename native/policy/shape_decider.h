/* The decider of GOP shapes that is a policy's network at work on one clip: every length that a GOP
 * may have is judged from the lookahead, and dynamic programming picks those that go well together. */
#ifndef MUZERO_RC_POLICY_SHAPE_DECIDER_H_
#define MUZERO_RC_POLICY_SHAPE_DECIDER_H_

#include "network/shape_network.h"
#include "policy/decider.h"

typedef struct muzero_rc_shape_decider muzero_rc_shape_decider;

/* Reads what the lookahead noted in the clip's statistics, and takes all memory that decisions
 * need. *decider stays NULL where there are no notes: then shapes are libvpx's own. -ENOMEM. The
 * caller owns *decider; `network` must outlive it. */
int muzero_rc_shape_decider_open(const muzero_rc_shape_network *network,
                                 const muzero_rc_clip_state *state,
                                 muzero_rc_shape_decider **decider);

/* Closes and sets *decider to NULL; NULL is fine. */
void muzero_rc_shape_decider_close(muzero_rc_shape_decider **decider);

/* Where the GOPs of the last plan end, the one answered for first; returns how many, written to
 * *ends, which the decider keeps. */
int32_t muzero_rc_shape_decider_ends(const muzero_rc_shape_decider *decider, const int32_t **ends);

/* A muzero_rc_shape_hook; `self` is the decider. Cannot fail. */
int muzero_rc_shape_decider_answer(void *self, const muzero_rc_clip_state *state,
                                   const muzero_rc_shape_question *question,
                                   muzero_rc_gop_shape *shape);

#endif /* MUZERO_RC_POLICY_SHAPE_DECIDER_H_ */
