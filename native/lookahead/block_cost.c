#include "lookahead/block_cost.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = MUZERO_RC_BLOCK, AREA = SIDE * SIDE };

int muzero_rc_block_sad(const uint8_t *block, ptrdiff_t stride, const uint8_t *other,
                        ptrdiff_t other_stride) {
  int sum = 0;
  for (int y = 0; y < SIDE; ++y, block += stride, other += other_stride)
    for (int x = 0; x < SIDE; ++x) sum += abs(block[x] - other[x]);
  return sum;
}

static void gather(const uint8_t *pixels, ptrdiff_t stride, uint8_t *block) {
  for (int y = 0; y < SIDE; ++y) memcpy(block + SIDE * y, pixels + y * stride, SIDE);
}

/* One of the six like stages of a Hadamard transform of 64, which is that of 8 x 8: sums and
 * differences of the two halves, interleaved. So compilers need no transposition. */
static inline void hadamard_stage(const int16_t *restrict in, int16_t *restrict out) {
  for (int i = 0; i < AREA / 2; ++i) {
    out[2 * i] = (int16_t)(in[i] + in[i + AREA / 2]);
    out[2 * i + 1] = (int16_t)(in[i] - in[i + AREA / 2]);
  }
}

int muzero_rc_block_satd(const uint8_t *block, ptrdiff_t stride, const uint8_t *prediction) {
  int16_t first[AREA], second[AREA];
  uint8_t gathered[AREA];
  gather(block, stride, gathered);
  for (int i = 0; i < AREA; ++i) first[i] = (int16_t)(gathered[i] - prediction[i]);
  hadamard_stage(first, second);
  hadamard_stage(second, first);
  hadamard_stage(first, second);
  hadamard_stage(second, first);
  hadamard_stage(first, second);
  /* The last: |a + b| + |a - b| is twice the greater of both. */
  int sum = 0;
  for (int i = 0; i < AREA / 2; ++i) {
    const int16_t a = (int16_t)abs(second[i]), b = (int16_t)abs(second[i + AREA / 2]);
    sum += a > b ? a : b;
  }
  return 2 * sum / SIDE;
}

int muzero_rc_block_intra(const muzero_rc_plane *plane, int column, int row) {
  const uint8_t *const block = plane->pixels + SIDE * row * plane->stride + SIDE * column;
  uint8_t prediction[AREA];
  int mean = 128, sum = 0, best;
  for (int i = 0; i < SIDE && row > 0; ++i) sum += block[i - plane->stride];
  for (int i = 0; i < SIDE && column > 0; ++i) sum += block[i * plane->stride - 1];
  if (row > 0 && column > 0)
    mean = (sum + SIDE) / (2 * SIDE);
  else if (row > 0 || column > 0)
    mean = (sum + SIDE / 2) / SIDE;
  memset(prediction, mean, AREA);
  best = muzero_rc_block_satd(block, plane->stride, prediction);
  if (row > 0) {
    for (int y = 0; y < SIDE; ++y) memcpy(prediction + SIDE * y, block - plane->stride, SIDE);
    const int cost = muzero_rc_block_satd(block, plane->stride, prediction);
    best = cost < best ? cost : best;
  }
  if (column > 0) {
    for (int y = 0; y < SIDE; ++y)
      memset(prediction + SIDE * y, block[y * plane->stride - 1], SIDE);
    const int cost = muzero_rc_block_satd(block, plane->stride, prediction);
    best = cost < best ? cost : best;
  }
  return best;
}

void muzero_rc_block_average(const uint8_t *restrict first, const uint8_t *restrict second,
                             uint8_t *restrict mean) {
  for (int i = 0; i < AREA; ++i) mean[i] = (uint8_t)((first[i] + second[i] + 1) >> 1);
}

void muzero_rc_block_predict(const muzero_rc_plane *plane, int x, int y, uint8_t *prediction) {
  const uint8_t *const pixels = plane->pixels + (y >> 1) * plane->stride + (x >> 1);
  const ptrdiff_t stride = plane->stride, next = x & 1 ? 1 : stride;
  uint8_t first[AREA], second[AREA], upper[AREA], lower[AREA];
  if (!(x & 1 || y & 1)) {
    gather(pixels, stride, prediction);
    return;
  }
  gather(pixels, stride, first);
  gather(pixels + next, stride, second);
  if (!(x & 1 && y & 1)) {
    muzero_rc_block_average(first, second, prediction);
    return;
  }
  muzero_rc_block_average(first, second, upper);
  gather(pixels + stride, stride, first);
  gather(pixels + stride + 1, stride, second);
  muzero_rc_block_average(first, second, lower);
  muzero_rc_block_average(upper, lower, prediction);
}
