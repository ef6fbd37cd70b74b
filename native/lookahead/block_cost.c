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

/* Three stages of butterflies down the columns. */
static void hadamard_columns(int16_t block[SIDE][SIDE]) {
  for (int half = SIDE / 2; half >= 1; half /= 2)
    for (int group = 0; group < SIDE; group += 2 * half)
      for (int y = group; y < group + half; ++y)
        for (int x = 0; x < SIDE; ++x) {
          const int16_t upper = block[y][x], lower = block[y + half][x];
          block[y][x] = (int16_t)(upper + lower);
          block[y + half][x] = (int16_t)(upper - lower);
        }
}

int muzero_rc_block_satd(const uint8_t *block, ptrdiff_t stride, const uint8_t *prediction) {
  int16_t rows[SIDE][SIDE], columns[SIDE][SIDE];
  for (int y = 0; y < SIDE; ++y)
    for (int x = 0; x < SIDE; ++x)
      rows[y][x] = (int16_t)(block[y * stride + x] - prediction[SIDE * y + x]);
  hadamard_columns(rows);
  for (int y = 0; y < SIDE; ++y)
    for (int x = 0; x < SIDE; ++x) columns[x][y] = rows[y][x];
  hadamard_columns(columns);
  int sum = 0;
  for (int y = 0; y < SIDE; ++y)
    for (int x = 0; x < SIDE; ++x) sum += abs(columns[y][x]);
  return sum / SIDE;
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

static void gather(const uint8_t *pixels, ptrdiff_t stride, uint8_t *block) {
  for (int y = 0; y < SIDE; ++y) memcpy(block + SIDE * y, pixels + y * stride, SIDE);
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
