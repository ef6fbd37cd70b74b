/* The arithmetic of a network, the same to the last bit on every x86-64: float
 * adds and multiplies in one written order, no libm but sqrtf (which IEEE 754
 * fixes), no fast-math, no contraction. Each output sums its inputs in index
 * order, so that vectorised and scalar code agree. */
#ifndef MUZERO_RC_NETWORK_KERNELS_H_
#define MUZERO_RC_NETWORK_KERNELS_H_

#include <stdint.h>

/* out[o] = bias[o] + sum of x[i] * weights[i][o], i rising. bias may be NULL:
 * zeros. `out` overlaps nothing. */
void muzero_rc_dense(const float *weights, const float *bias, int32_t inputs, int32_t outputs,
                     const float *x, float *out);

/* out[i] += x[i] */
void muzero_rc_add(const float *x, int32_t count, float *out);

void muzero_rc_relu(float *x, int32_t count);

/* out = (x - mean) / sqrt(variance + 1e-5) * scale + offset; out may be x. */
void muzero_rc_layer_norm(const float *scale, const float *offset, const float *x, int32_t count,
                          float *out);

float muzero_rc_dot(const float *a, const float *b, int32_t count);

/* e to the power of x: within 2e-7 relative for x in [-87, 88], 0 below, inf above;
 * NaN stays NaN. */
float muzero_rc_exp(float x);

/* In place; NaN or infinite logits give NaN. */
void muzero_rc_softmax(float *logits, int32_t count);

#endif /* MUZERO_RC_NETWORK_KERNELS_H_ */
