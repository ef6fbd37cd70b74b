#include "rate_control/quantizer.h"

#include <string.h>

/* The VP9 specification's ac_qlookup for 8 bits, section 8.6.1. */
static const int16_t kAcStep[256] = {
  4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
  20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
  33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
  46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
  59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71,
  72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84,
  85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97,
  98, 99, 100, 101, 102, 104, 106, 108, 110, 112, 114, 116, 118,
  120, 122, 124, 126, 128, 130, 132, 134, 136, 138, 140, 142, 144,
  146, 148, 150, 152, 155, 158, 161, 164, 167, 170, 173, 176, 179,
  182, 185, 188, 191, 194, 197, 200, 203, 207, 211, 215, 219, 223,
  227, 231, 235, 239, 243, 247, 251, 255, 260, 265, 270, 275, 280,
  285, 290, 295, 300, 305, 311, 317, 323, 329, 335, 341, 347, 353,
  359, 366, 373, 380, 387, 394, 401, 408, 416, 424, 432, 440, 448,
  456, 465, 474, 483, 492, 501, 510, 520, 530, 540, 550, 560, 571,
  582, 593, 604, 615, 627, 639, 651, 663, 676, 689, 702, 715, 729,
  743, 757, 771, 786, 801, 816, 832, 848, 864, 881, 898, 915, 933,
  951, 969, 988, 1007, 1026, 1046, 1066, 1087, 1108, 1129, 1151, 1173, 1196,
  1219, 1243, 1267, 1292, 1317, 1343, 1369, 1396, 1423, 1451, 1479, 1508, 1537,
  1567, 1597, 1628, 1660, 1692, 1725, 1759, 1793, 1828,
};

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

float muzero_rc_qindex_to_step(int32_t qindex) {
  const int32_t q = qindex < 0 ? 0 : (qindex > 255 ? 255 : qindex);
  return muzero_rc_log2((float)kAcStep[q] * 0.25f);
}

float muzero_rc_clamp_step(float step) {
  const float finest = 1.0f;       /* of qindex 1 */
  const float coarsest = 8.83605f; /* of qindex 255 */
  return step < finest ? finest : (step > coarsest ? coarsest : step);
}

int32_t muzero_rc_step_to_qindex(float step) {
  int32_t low = MUZERO_RC_QINDEX_MIN;
  int32_t high = MUZERO_RC_QINDEX_MAX;
  while (low < high) { /* first qindex whose step reaches `step` */
    const int32_t middle = (low + high) / 2;
    if (muzero_rc_qindex_to_step(middle) < step) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low > MUZERO_RC_QINDEX_MIN &&
      step - muzero_rc_qindex_to_step(low - 1) < muzero_rc_qindex_to_step(low) - step) {
    --low;
  }
  return low;
}
