/* The guard: keeps a decision from breaking the budget, whoever made it. */
#ifndef MUZERO_RC_RATE_CONTROL_GUARD_H_
#define MUZERO_RC_RATE_CONTROL_GUARD_H_

#include "rate_control/clip_state_data.h"

/* The smallest qindex at or above `asked` that leaves enough bits for the frames after the
 * pending one, and keeps the peak where there is one. */
int32_t muzero_rc_guard(const muzero_rc_clip_state *state, int32_t asked);

#endif /* MUZERO_RC_RATE_CONTROL_GUARD_H_ */
