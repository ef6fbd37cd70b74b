/* The quantizer: qindex to step and back, and log2 and exp2 that give the same bits on every
 * machine. A "step" here is log2 of the luma AC step in pixels: 1.0 at qindex 1, 8.8 at qindex
 * 255; bits fall about linearly with it. */
#ifndef MUZERO_RC_RATE_CONTROL_QUANTIZER_H_
#define MUZERO_RC_RATE_CONTROL_QUANTIZER_H_

#include <muzero_rc/policy.h>

float muzero_rc_log2(float value); /* value > 0 */
float muzero_rc_exp2(float value); /* clamped to ±120 */

int32_t muzero_rc_clamp_qindex(int32_t qindex);  /* to [1, 255] */
float muzero_rc_qindex_to_step(int32_t qindex);  /* clamps to [0, 255] */
float muzero_rc_clamp_step(float step);          /* to the steps of qindex 1 and 255 */
int32_t muzero_rc_step_to_qindex(float step);    /* the nearest, within [1, 255] */

#endif /* MUZERO_RC_RATE_CONTROL_QUANTIZER_H_ */
