#include "rate_control/quantizer.h"

#include <string.h>

#include "rate_control/quantizer_tables.h"

/* log2 and exp2 by their own series on the bits of a float: libm's differ in the
 * last place from machine to machine, these do not. Only the conversion between
 * exponent and integer is IEEE 754's. */
float muzero_rc_log2(float value) {
  uint32_t bits;
  if (!(value > 1.17549435e-38f)) value = 1.17549435e-38f; /* the smallest normal number */
  memcpy(&bits, &value, sizeof(bits));
  const int32_t exponent = (int32_t)(bits >> 23) - 126;
  bits = (bits & 0x007FFFFFu) | 0x3F000000u;
  float mantissa; /* [0.5, 1) */
  memcpy(&mantissa, &bits, sizeof(mantissa));
  const float z = (mantissa - 0.70710678f) / (mantissa + 0.70710678f);
  const float z2 = z * z;
  const float series = z * (1.0f + z2 * (1.0f / 3 + z2 * (1.0f / 5 + z2 * (1.0f / 7))));
  return (float)exponent - 0.5f + series * 2.88539008f;
}

float muzero_rc_exp2(float value) {
  if (!(value > -120.0f)) value = -120.0f;
  if (value > 120.0f) value = 120.0f;
  const int32_t truncated = (int32_t)value;
  const int32_t whole = (float)truncated > value ? truncated - 1 : truncated;
  const float f = (value - (float)whole) * 0.69314718f;
  const float series =
      1.0f + f * (1.0f + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f / 720)))));
  const uint32_t bits = (uint32_t)(whole + 127) << 23;
  float scale;
  memcpy(&scale, &bits, sizeof(scale));
  return series * scale;
}

int32_t muzero_rc_clamp_qindex(int32_t qindex) {
  if (qindex < MUZERO_RC_QINDEX_MIN) return MUZERO_RC_QINDEX_MIN;
  return qindex > MUZERO_RC_QINDEX_MAX ? MUZERO_RC_QINDEX_MAX : qindex;
}

float muzero_rc_qindex_to_step(int32_t qindex, int32_t bit_depth) {
  static const float kUnits[3] = {0.25f, 0.0625f, 0.015625f}; /* pixels of 8 bits */
  const int32_t q = qindex < 0 ? 0 : (qindex > 255 ? 255 : qindex);
  const int table = bit_depth <= 8 ? 0 : (bit_depth <= 10 ? 1 : 2);
  return muzero_rc_log2((float)kAcStep[table][q] * kUnits[table]);
}

float muzero_rc_clamp_step(float step) {
  const float finest = 1.0f;       /* of qindex 1 */
  const float coarsest = 8.83605f; /* of qindex 255 */
  return step < finest ? finest : (step > coarsest ? coarsest : step);
}

int32_t muzero_rc_step_to_qindex(float step, int32_t bit_depth) {
  int32_t low = MUZERO_RC_QINDEX_MIN;
  int32_t high = MUZERO_RC_QINDEX_MAX;
  while (low < high) { /* first qindex whose step reaches `step` */
    const int32_t middle = (low + high) / 2;
    if (muzero_rc_qindex_to_step(middle, bit_depth) < step) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low > MUZERO_RC_QINDEX_MIN &&
      step - muzero_rc_qindex_to_step(low - 1, bit_depth) <
          muzero_rc_qindex_to_step(low, bit_depth) - step) {
    --low;
  }
  return low;
}

int32_t muzero_rc_qindex_at(int32_t qindex, int32_t from, int32_t to) {
  if (from == to) return qindex;
  return muzero_rc_step_to_qindex(muzero_rc_qindex_to_step(qindex, from), to);
}
