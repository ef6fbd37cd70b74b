/* The quantizer: qindex to step and back, and log2 and exp2 that give the same bits on every
 * machine. A "step" here is log2 of the luma AC step in pixels of 8 bits, whatever the bit depth:
 * 1.0 at qindex 1 of 8 bits, 8.8 at qindex 255 of any; bits fall about linearly with it. At 10 and
 * 12 bits the low qindexes are finer than any of 8 bits. */
#ifndef MUZERO_RC_RATE_CONTROL_QUANTIZER_H_
#define MUZERO_RC_RATE_CONTROL_QUANTIZER_H_

#include <muzero_rc/policy.h>

float muzero_rc_log2(float value); /* value > 0 */
float muzero_rc_exp2(float value); /* clamped to ±120 */

int32_t muzero_rc_clamp_qindex(int32_t qindex); /* to [1, 255] */
float muzero_rc_clamp_step(float step);         /* to the steps of qindex 1 and 255 at 8 bits */

/* `bit_depth` is 8, 10 or 12. */
float muzero_rc_qindex_to_step(int32_t qindex, int32_t bit_depth);    /* clamps to [0, 255] */
int32_t muzero_rc_step_to_qindex(float step, int32_t bit_depth);      /* nearest, within [1, 255] */
int32_t muzero_rc_qindex_at(int32_t qindex, int32_t from, int32_t to); /* of the nearest step */

#endif /* MUZERO_RC_RATE_CONTROL_QUANTIZER_H_ */
