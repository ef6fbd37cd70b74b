/* What is known of the GOPs that may begin at a frame: a row of features for each length, from the
 * lookahead and the quantizer step that the budget allows. What a policy that decides GOP shapes
 * observes, in training and in use. Values are scaled to about [-3, 3]. */
#ifndef MUZERO_RC_FEATURES_SHAPE_FEATURES_H_
#define MUZERO_RC_FEATURES_SHAPE_FEATURES_H_

#include "features/feature_table.h"
#include "lookahead/analysis.h"
#include "rate_control/gop_shape.h"

enum {
  MUZERO_RC_SHAPE_LONGEST = 23, /* what a look-ahead of 25 frames has room for */
  MUZERO_RC_SHAPE_LENGTHS = MUZERO_RC_SHAPE_LONGEST - MUZERO_RC_SHAPE_SHORTEST + 1
};

muzero_rc_feature_table muzero_rc_shape_features(void);

/* frames: [count] of the clip; step: log2 quantizer step of plain inter frames, 0 at qindex 0.
 * out: [MUZERO_RC_SHAPE_LENGTHS, features], shortest first. Returns how many lengths fit into
 * the clip: the rows after them are 0. */
int32_t muzero_rc_observe_shapes(const muzero_rc_lookahead_frame *frames, int32_t count,
                                 int32_t start, float step, float *out);

#endif /* MUZERO_RC_FEATURES_SHAPE_FEATURES_H_ */
