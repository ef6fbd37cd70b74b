/* What the lookahead says of a GOP that might be: from frame `start`, which is coded already, to
 * its alt-ref `length` frames on. Distances between those that were searched are interpolated. */
#ifndef MUZERO_RC_LOOKAHEAD_CANDIDATE_H_
#define MUZERO_RC_LOOKAHEAD_CANDIDATE_H_

#include "lookahead/analysis.h"

/* Units as in muzero_rc_lookahead_frame. */
typedef struct muzero_rc_gop_candidate {
  int32_t far;                  /* cost of the far end from the near one */
  int32_t far_intra;            /* its cost by itself */
  int32_t far_still, far_fresh; /* shares of its blocks, from the near end */
  int32_t inside;       /* mean cost of the frames between, each from the ends of its interval of a
                         * pyramid that halves; 0 where there are none */
  int32_t inside_intra; /* their mean cost by themselves */
  int32_t leaves;       /* of these the odd ones: from the frames beside them */
  int32_t worth_far, worth_near; /* what lives on the ends, of what lies between */
  int32_t noise;                 /* mean of frames start + 1 ... start + length */
  int32_t cut;                   /* greatest share fresh that stays, of the same */
  int32_t flash; /* greatest cost that a frame between adds and the next takes back */
  int32_t fade;  /* mean luma of the far end less that of the near one */
} muzero_rc_gop_candidate;

/* frames: [count] of the clip. False, and all MUZERO_RC_UNKNOWN, where the clip ends before the
 * GOP does or length is not 1 or more. */
_Bool muzero_rc_gop_candidate_of(const muzero_rc_lookahead_frame *frames, int32_t count,
                                 int32_t start, int32_t length, muzero_rc_gop_candidate *candidate);

/* What frame `show` costs between the ends of an interval of `span` frames round it. */
int32_t muzero_rc_lookahead_between(const muzero_rc_lookahead_frame *frames, int32_t count,
                                    int32_t show, int32_t span);

/* Share of frame `show` that no frame before it predicts, and that lasts. */
int32_t muzero_rc_lookahead_cut(const muzero_rc_lookahead_frame *frames, int32_t count,
                                int32_t show);

/* What frame `show` costs that the frames beside it, from one another, do not. */
int32_t muzero_rc_lookahead_flash(const muzero_rc_lookahead_frame *frames, int32_t count,
                                  int32_t show);

#endif /* MUZERO_RC_LOOKAHEAD_CANDIDATE_H_ */
