#include "tuning.h"

#ifndef MUZERO_RC_TUNABLE
const
#endif
    muzero_rc_tuning muzero_rc_tuned = {
        .key = -1.05f,
        .key_predicted = 0.0f,
        .key_still = 0.0f,
        .top = -1.1f,
        .top_predicted = 0.0f,
        .top_still = 0.0f,
        .second = 0.55f,
        .deeper = 0.5f,
        .gop_hardness = 0.1f,
        .frame_hardness = 0.05f,
        .overlay = 0.3f,
        .key_hardness = 0.0f,
        .margin = 0.005f,
        .damping = 0.35f,
        .guard_slack = 1.0f,
};
