#include "rate_control/controller_params.h"

/* Beside each constant: the experiment that it comes from, docs/experiments/NNNN. "Not
 * recorded" means that no experiment tells where a value came from. */
const muzero_rc_controller_params muzero_rc_params = {
    .offsets =
        {
            .key = -1.83f,              /* 0013 */
            .key_importance = 0.18f,    /* 0001 */
            .key_coarse = -0.25f,       /* 0001 */
            .key_still = -1.0f,         /* 0010 */
            .key_steep = 0.25f,         /* 0010 */
            .key_short = 0.28f,         /* 0013 */
            .key_response = -6.7f,      /* 0020 */
            .key_noise = -0.17f,        /* 0020 */
            .key_dear = 0.13f,          /* 0020 */
            .key_vectors = -0.07f,      /* 0020 */
            .top = -0.12f,              /* 0010 */
            .top_importance = 0.45f,    /* 0013 */
            .top_coarse = -0.13f,       /* 0001 */
            .top_still = 0.22f,         /* 0001 */
            .top_last = 0.2f,           /* 0016 */
            .second = 0.6f,             /* 0001 */
            .deeper = 0.55f,            /* 0001 */
            .gop_hardness = 0.4f,       /* 0013 */
            .gop_probe = 0.27f,         /* 0013 */
            .gop_still = -0.2f,         /* 0013 */
            .gop_last = 0.45f,          /* 0016 */
            .frame_hardness = 0.06f,    /* 0001 */
            .overlay = 0.37f,           /* 0001 */
        },
    .margin = 0.002f,           /* tried in 0001; why this value is not recorded */
    .optimism = 0.06f,          /* 0013 */
    .damping = 0.4f,            /* 0013 */
    .fastest_fall = 0.05f,      /* 0003, confirmed by 0006 and 0023 */
    .doubt = 0.2f,              /* not recorded; what the guard does: 0026 */
    .doubt_costly = 0.5f,       /* not recorded; what the guard does: 0026 */
    .doubt_late_key = 0.75f,    /* 0033 */
    .doubt_most = 2.0f,         /* 0033 */
    .usual_excess = 0.25f,      /* 0033 */
    .usual_finer = 0.5f,        /* 0033 */
    .excess_fades = 0.97f,      /* 0033 */
    .guard_slack = 1.0f,        /* not recorded */

    .usual_base = 5.9f,         /* 0001 */
    .usual_still = 0.6f,        /* 0001 */
    .usual_scene = 7.0f,        /* 0013 */
    .usual_response = -0.016f,  /* 0020 */
    .usual_noise = 7.6f,        /* 0020 */
    .usual_bits = -1.6f,        /* 0020 */
    .usual_vectors = 4.5f,      /* 0020 */
    .usual_steepness = 2.3f,    /* 0010 */
    .deepest_offset = -3.6f,    /* 0001 */
    .highest_offset = 0.3f,     /* not recorded */
    .most_evidence = 0.35f,     /* 0020 */
    .least_bits = 7.2f,         /* 0032 */
    .known_hardness = 2.0f,     /* came with 0013, its value is not recorded */
    .key_span = 32,             /* not recorded; 0013 ends it at cuts */
    .last_frames = 10,          /* not recorded */

    .forget = 0.92,             /* not recorded */
    .prior_share = 0.04,        /* not recorded; tried in 0006 */
    .prior_share_probed = 0.2,  /* 0010 */
    .layer_prior_frames = 1.5,  /* not recorded */
    .most_surprise = 2.0,       /* 0032 */

    .inherited = 0.95f,         /* came with 0001, its value is not recorded */
    .cut_inter = 0.25f,         /* not recorded */
    .cut_error = -0.3f,         /* not recorded */
    .least_slope = 0.8f,        /* came with 0020, its value is not recorded */
};
