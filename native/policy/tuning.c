#include "tuning.h"

#ifndef MUZERO_RC_TUNABLE
const
#endif
    muzero_rc_tuning muzero_rc_tuned = {
        .key = 0.0f,
        .key_importance = 0.5f,
        .top = 0.0f,
        .top_importance = 0.36f,
        .second = 0.6f,
        .deeper = 0.6f,
        .gop_hardness = 0.15f,
        .frame_hardness = 0.08f,
        .overlay = 0.3f,
        .key_hardness = 0.1f,
        .margin = 0.005f,
        .damping = 0.35f,
        .fastest_fall = 0.1f,
        .doubt = 0.2f,
        .doubt_costly = 0.5f,
        .guard_slack = 1.0f,
};
