/* What a frame's quality is worth to those predicted from it. A block hands the share of its
 * information that it takes from its reference on to the blocks there, together with what
 * others have taken from it: the idea of macroblock trees (Garrett-Glaser, "A novel
 * macroblock-tree algorithm for high-performance optimization of dependent video coding in
 * H.264/AVC", 2009) and of libvpx's and libaom's temporal dependency model (Han et al., "A
 * Technical Overview of AV1", Proc. IEEE 2021, on TPL), here through pyramids of dyadic length. */
#ifndef MUZERO_RC_LOOKAHEAD_PROPAGATION_H_
#define MUZERO_RC_LOOKAHEAD_PROPAGATION_H_

#include "lookahead/motion_search.h"

/* A frame between two ends, by block; all [blocks]. */
typedef struct muzero_rc_prediction {
  const muzero_rc_vector *back, *ahead; /* vectors into the near and the far end */
  const uint16_t *back_cost, *ahead_cost, *both_cost;
  const uint16_t *intra;
} muzero_rc_prediction;

/* Hands on `own` (SATD that live on the frame's blocks besides their own intra cost, [blocks])
 * and adds it to the ends' [blocks]. */
void muzero_rc_propagate(const muzero_rc_prediction *prediction, muzero_rc_block_grid grid,
                         const uint32_t *own, uint32_t *near_end, uint32_t *far_end);

#endif /* MUZERO_RC_LOOKAHEAD_PROPAGATION_H_ */
