/* What table 4 adds to table 3: lists of X(name, unit, value), as in feature_table.c, which alone
 * includes this. Values are 0 where the statistics have no notes of the lookahead. */
#ifndef MUZERO_RC_FEATURES_LOOKAHEAD_FEATURES_H_
#define MUZERO_RC_FEATURES_LOOKAHEAD_FEATURES_H_

#include "lookahead/candidate.h"
#include "rate_control/clip_state_data.h"

/* A shown frame, as the lookahead sees it; what it sees from later frames is gathered here. */
typedef struct muzero_rc_look {
  muzero_rc_lookahead_frame frame;
  int32_t both[MUZERO_RC_PYRAMIDS], worth_near[MUZERO_RC_PYRAMIDS];
  int32_t cut, flash, fade;
} muzero_rc_look;

/* A coded frame between its references. */
typedef struct muzero_rc_step_look {
  muzero_rc_look look;
  muzero_rc_gop_candidate gop;     /* the one that it is coded in */
  int32_t past, between;           /* costs from the past reference, and from both */
  int32_t fresh;                   /* share that the past reference lacks */
  int32_t worth_past, worth_ahead; /* of what lies between it and its references */
} muzero_rc_step_look;

muzero_rc_look muzero_rc_look_of(const muzero_rc_clip_state *state, int32_t show);
muzero_rc_step_look muzero_rc_step_look_of(const muzero_rc_clip_state *state);

/* log2(cost / base), both of the lookahead; 0 where one is unknown. */
float muzero_rc_look_ratio(int32_t cost, int32_t base);
/* log2(1 + cost); 0 where unknown. */
float muzero_rc_look_log(int32_t cost);
/* log2 of how many frames' information lives on one: itself and `worth`. */
float muzero_rc_look_worth(int32_t worth, int32_t intra);
/* 0 to 1. */
float muzero_rc_look_share(int32_t share);

#define RATIO(cost, base) (muzero_rc_look_ratio(cost, base) / 4.0f)
#define LEVEL(cost) (muzero_rc_look_log(cost) / 8.0f)
#define WORTH(worth, intra) (muzero_rc_look_worth(worth, intra) / 4.0f)
#define SHARE(share) muzero_rc_look_share(share)

#define CLIP_FEATURES_4(X) X("lookahead", "0/1", s->looked ? 1.0f : 0.0f)

/* l: the frame's muzero_rc_look */
#define FRAME_FEATURES_4(X)                                                                  \
  X("look_intra", "log2 / 8", LEVEL(l->frame.intra))                                         \
  X("look_inter_1", "log2 to intra / 4", RATIO(l->frame.inter[0], l->frame.intra))           \
  X("look_inter_2", "log2 to intra / 4", RATIO(l->frame.inter[1], l->frame.intra))           \
  X("look_inter_4", "log2 to intra / 4", RATIO(l->frame.inter[2], l->frame.intra))           \
  X("look_inter_8", "log2 to intra / 4", RATIO(l->frame.inter[3], l->frame.intra))           \
  X("look_inter_16", "log2 to intra / 4", RATIO(l->frame.inter[4], l->frame.intra))          \
  X("look_both_1", "log2 to intra / 4", RATIO(l->both[0], l->frame.intra))                   \
  X("look_both_2", "log2 to intra / 4", RATIO(l->both[1], l->frame.intra))                   \
  X("look_both_4", "log2 to intra / 4", RATIO(l->both[2], l->frame.intra))                   \
  X("look_both_8", "log2 to intra / 4", RATIO(l->both[3], l->frame.intra))                   \
  X("look_still_1", "share", SHARE(l->frame.still[0]))                                       \
  X("look_still_8", "share", SHARE(l->frame.still[3]))                                       \
  X("look_fresh_1", "share", SHARE(l->frame.fresh[0]))                                       \
  X("look_fresh_2", "share", SHARE(l->frame.fresh[1]))                                       \
  X("look_fresh_4", "share", SHARE(l->frame.fresh[2]))                                       \
  X("look_fresh_8", "share", SHARE(l->frame.fresh[3]))                                       \
  X("look_worth_far_4", "log2 of frames / 4", WORTH(l->frame.worth_far[1], l->frame.intra))  \
  X("look_worth_far_8", "log2 of frames / 4", WORTH(l->frame.worth_far[2], l->frame.intra))  \
  X("look_worth_far_16", "log2 of frames / 4", WORTH(l->frame.worth_far[3], l->frame.intra)) \
  X("look_worth_near_4", "log2 of frames / 4", WORTH(l->worth_near[1], l->frame.intra))      \
  X("look_worth_near_8", "log2 of frames / 4", WORTH(l->worth_near[2], l->frame.intra))      \
  X("look_worth_near_16", "log2 of frames / 4", WORTH(l->worth_near[3], l->frame.intra))     \
  X("look_noise", "log2 to intra / 4", RATIO(l->frame.noise, l->frame.intra))                \
  X("look_cut", "share", SHARE(l->cut))                                                      \
  X("look_flash", "log2 to intra / 4", RATIO(l->flash, l->frame.intra))                      \
  X("look_fade", "luma in 8 frames / 64", (float)l->fade / (64.0f * MUZERO_RC_COST_UNIT))

/* c: a muzero_rc_gop_candidate */
#define CANDIDATE_FEATURES(X, prefix)                                              \
  X(prefix "far", "log2 to intra / 4", RATIO(c->far, c->far_intra))                \
  X(prefix "far_intra", "log2 / 8", LEVEL(c->far_intra))                           \
  X(prefix "far_still", "share", SHARE(c->far_still))                              \
  X(prefix "far_fresh", "share", SHARE(c->far_fresh))                              \
  X(prefix "inside", "log2 to intra / 4", RATIO(c->inside, c->inside_intra))       \
  X(prefix "inside_intra", "log2 / 8", LEVEL(c->inside_intra))                     \
  X(prefix "leaves", "log2 to intra / 4", RATIO(c->leaves, c->inside_intra))       \
  X(prefix "worth_far", "log2 of frames / 4", WORTH(c->worth_far, c->far_intra))   \
  X(prefix "worth_near", "log2 of frames / 4", WORTH(c->worth_near, c->far_intra)) \
  X(prefix "noise", "log2 to intra / 4", RATIO(c->noise, c->far_intra))            \
  X(prefix "cut", "share", SHARE(c->cut))                                          \
  X(prefix "flash", "log2 to intra / 4", RATIO(c->flash, c->far_intra))            \
  X(prefix "fade", "luma / 64",                                                    \
    c->far_intra < 0 ? 0.0f : (float)c->fade / (64.0f * MUZERO_RC_COST_UNIT))

#define GOP_BEFORE(X, name, g)                                                                    \
  X(name "_seen", "0/1", g->coded > 0 ? 1.0f : 0.0f)                                              \
  X(name "_length", "shown frames / 16", (float)g->length / 16.0f)                                \
  X(name "_hidden", "alt-refs / 4", (float)g->hidden / 4.0f)                                      \
  X(name "_bits", "log2 per shown frame to target's / 2",                                         \
    g->coded > 0 && g->length > 0 ? log_ratio(g->bits / g->length, frame_share(s)) / 2.0f : 0.0f) \
  X(name "_quality", "dB / 10 - 4",                                                               \
    g->coded > 0 ? g->quality / (float)g->coded / 10.0f - 4.0f : 0.0f)

/* k: the pending frame's muzero_rc_step_look; c: its GOP's candidate */
#define STEP_FEATURES_4(X)                                                                \
  X("look_intra", "log2 / 8", LEVEL(k->look.frame.intra))                                 \
  X("look_past", "log2 to intra / 4", RATIO(k->past, k->look.frame.intra))                \
  X("look_between", "log2 to intra / 4", RATIO(k->between, k->look.frame.intra))          \
  X("look_fresh", "share", SHARE(k->fresh))                                               \
  X("look_noise", "log2 to intra / 4", RATIO(k->look.frame.noise, k->look.frame.intra))   \
  X("look_worth_past", "log2 of frames / 4", WORTH(k->worth_past, k->look.frame.intra))   \
  X("look_worth_ahead", "log2 of frames / 4", WORTH(k->worth_ahead, k->look.frame.intra)) \
  X("look_cut", "share", SHARE(k->look.cut))                                              \
  X("look_flash", "log2 to intra / 4", RATIO(k->look.flash, k->look.frame.intra))         \
  CANDIDATE_FEATURES(X, "gop_")                                                           \
  GOP_BEFORE(X, "gop_before", (&s->gops.before[0]))                                       \
  GOP_BEFORE(X, "gop_before_that", (&s->gops.before[1]))

#endif /* MUZERO_RC_FEATURES_LOOKAHEAD_FEATURES_H_ */
