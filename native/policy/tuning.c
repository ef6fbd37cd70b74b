#include "tuning.h"

const muzero_rc_tuning muzero_rc_tuned = {
    .key = -1.78f,
    .key_importance = 0.18f,
    .key_coarse = -0.25f,
    .key_still = -1.3f,
    .top = -0.2f,
    .top_importance = 0.47f,
    .top_coarse = -0.13f,
    .top_still = 0.22f,
    .second = 0.6f,
    .deeper = 0.55f,
    .gop_hardness = 0.24f,
    .frame_hardness = 0.06f,
    .overlay = 0.37f,
    .key_hardness = 0.34f,
    .margin = 0.002f,
    .damping = 0.35f,
    .fastest_fall = 0.05f,
    .doubt = 0.2f,
    .doubt_costly = 0.5f,
    .guard_slack = 1.0f,
};
