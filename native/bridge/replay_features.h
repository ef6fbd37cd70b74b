/* Replay of an episode's records through a clip's state: the features and q_ref that a policy
 * would have seen, under any target. */
#ifndef MUZERO_RC_BRIDGE_REPLAY_FEATURES_H_
#define MUZERO_RC_BRIDGE_REPLAY_FEATURES_H_

#include "bridge/results.h"

/* Runs the `count` records, in order, through the clip's state with the guard
 * off; an error that came late is told when it was. Fills step: [count, step
 * features] and q_ref: [count] (q_ref); zeros for show-existing frames. */
int muzero_rc_replay_features(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              const muzero_rc_record *records, size_t count, float *step,
                              int32_t *q_ref);

/* The bits model's inputs, [count, MUZERO_RC_BITS_INPUTS], for fitting it. */
int muzero_rc_replay_bits_inputs(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                                 const muzero_rc_record *records, size_t count, float *inputs);

#endif /* MUZERO_RC_BRIDGE_REPLAY_FEATURES_H_ */
