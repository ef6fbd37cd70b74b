/* How many bits a frame will take: log2 of its bits per pixel, linear in what
 * the first pass says, its layer, its step and its distance to references. The
 * coefficients are fitted by scripts/fit_bits_model.py on real encodes. */
#ifndef MUZERO_RC_POLICY_BITS_MODEL_H_
#define MUZERO_RC_POLICY_BITS_MODEL_H_

#include "schedule.h"
#include "traits.h"

enum { MUZERO_RC_BITS_INPUTS = 27 };

typedef struct muzero_rc_bits_query {
  const muzero_rc_traits *traits; /* [count], of the clip */
  int32_t count;
  float log_pixels; /* log2 of luma pixels */
  muzero_rc_planned_frame frame;
  float step;           /* log2 quantizer step */
  float reference_step; /* of the nearest reference */
} muzero_rc_bits_query;

void muzero_rc_bits_inputs(const muzero_rc_bits_query *query,
                           float inputs[MUZERO_RC_BITS_INPUTS]);

/* log2 of the frame's expected bits. */
float muzero_rc_bits_predict(const muzero_rc_bits_query *query);

#endif /* MUZERO_RC_POLICY_BITS_MODEL_H_ */
