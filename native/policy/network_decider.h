/* The decider that is a policy's network at work on one clip. */
#ifndef MUZERO_RC_POLICY_NETWORK_DECIDER_H_
#define MUZERO_RC_POLICY_NETWORK_DECIDER_H_

#include "policy/decider.h"

typedef struct muzero_rc_network_decider muzero_rc_network_decider;

/* Encodes the clip of `state`, with all memory that decisions need. -ENOMEM. The caller owns
 * *network; `policy`, which has a network, must outlive it. */
int muzero_rc_network_decider_open(const muzero_rc_policy *policy,
                                   const muzero_rc_clip_state *state, int32_t frame_count,
                                   muzero_rc_network_decider **network);

/* Closes and sets *network to NULL; NULL is fine. */
void muzero_rc_network_decider_close(muzero_rc_network_decider **network);

/* Lives as long as `network`; cannot fail. */
muzero_rc_decider muzero_rc_network_decider_of(muzero_rc_network_decider *network);

#endif /* MUZERO_RC_POLICY_NETWORK_DECIDER_H_ */
