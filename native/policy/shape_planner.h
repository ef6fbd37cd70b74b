/* Which lengths GOPs had best, by dynamic programming over where they may begin. */
#ifndef MUZERO_RC_POLICY_SHAPE_PLANNER_H_
#define MUZERO_RC_POLICY_SHAPE_PLANNER_H_

#include <stdint.h>

#include "features/shape_features.h"

/* What is planned over; frames are shown frames. */
typedef struct muzero_rc_shape_plan {
  const float *worth; /* [frames, MUZERO_RC_SHAPE_LENGTHS] of a frame of a GOP, by where the GOP
                       * begins and its length, shortest first */
  int32_t longest;    /* length, up to MUZERO_RC_SHAPE_LONGEST */
  int32_t start;      /* where the next GOP begins */
  int32_t end;        /* the last GOP's alt-ref, or a frame past which nothing is planned */
  int32_t flush;      /* GOPs that begin here or later share one length up to the end */
  float *best;        /* scratch: [frames] */
  int32_t *lengths;   /* [frames]: the best length of a GOP that begins there */
} muzero_rc_shape_plan;

/* The length of the GOP that begins at `start`; 0 where none fits. The GOPs up to `end` fill the
 * frames exactly; libvpx codes no alt-ref for one that ends before its length. */
int32_t muzero_rc_shape_plan_length(const muzero_rc_shape_plan *plan);

/* Where that GOP and those after it end, up to `most` of them into ends[]; returns how many. After
 * muzero_rc_shape_plan_length. */
int32_t muzero_rc_shape_plan_ends(const muzero_rc_shape_plan *plan, int32_t *ends, int32_t most);

#endif /* MUZERO_RC_POLICY_SHAPE_PLANNER_H_ */
