/* The lookahead: what is known of a frame from the pixels of those around it. Half-size luma in
 * blocks of 8x8; integers only, so that the numbers are the same on every machine. A frame is
 * told of at once, from itself and the 16 frames before it: what lies between two frames is
 * told with the later one. */
#ifndef MUZERO_RC_LOOKAHEAD_ANALYSIS_H_
#define MUZERO_RC_LOOKAHEAD_ANALYSIS_H_

#include <stddef.h>
#include <stdint.h>

enum {
  MUZERO_RC_DISTANCES = 5,  /* 1, 2, 4, 8 and 16 frames */
  MUZERO_RC_PYRAMIDS = 4,   /* of 2, 4, 8 and 16 frames */
  MUZERO_RC_COST_UNIT = 16, /* costs are in sixteenths */
  MUZERO_RC_SHARE_UNIT = 1024,
  MUZERO_RC_UNKNOWN = -1 /* where the clip has no such frame */
};

/* Frame t. Costs and worths: mean over blocks, in 1/16 of SATD (SAD for the noise); shares:
 * 1/1024 of the blocks. Index i stands for d = 2^i frames. */
typedef struct muzero_rc_lookahead_frame {
  int32_t luma;                       /* mean, in 1/16 */
  int32_t intra;                      /* cost of the best intra prediction */
  int32_t inter[MUZERO_RC_DISTANCES]; /* of t from t - d, or intra where that is better */
  int32_t still[MUZERO_RC_DISTANCES]; /* share predicted from where it was */
  int32_t fresh[MUZERO_RC_DISTANCES]; /* share that t - d does not predict */
  int32_t both[MUZERO_RC_PYRAMIDS];   /* of t - d from t - 2d and t, the best of all */
  /* What lives on frame t (far end) and on t - L (near end), of all that lies between them, were
   * they the ends of a pyramid of L = 2^(i + 1) frames. */
  int32_t worth_far[MUZERO_RC_PYRAMIDS];
  int32_t worth_near[MUZERO_RC_PYRAMIDS];
  int32_t noise; /* of the difference to t - 1, what does not grow with distance */
} muzero_rc_lookahead_frame;

typedef struct muzero_rc_lookahead muzero_rc_lookahead;

/* -EINVAL for an impossible size, -ENOMEM. The caller owns *lookahead; NULL on failure. */
int muzero_rc_lookahead_open(int width, int height, muzero_rc_lookahead **lookahead);

/* Closes and sets *lookahead to NULL; NULL is fine. */
void muzero_rc_lookahead_close(muzero_rc_lookahead **lookahead);

/* Tells of the next shown frame. luma: height rows of width pixels, `stride` apart; read
 * within the call only. */
void muzero_rc_lookahead_push(muzero_rc_lookahead *lookahead, const uint8_t *luma, ptrdiff_t stride,
                              muzero_rc_lookahead_frame *frame);

#endif /* MUZERO_RC_LOOKAHEAD_ANALYSIS_H_ */
