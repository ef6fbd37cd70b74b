#include "lookahead/propagation.h"

enum { UNITS = 2 * MUZERO_RC_BLOCK /* half pixels of a block's side */ };

static int bounded(int value, int end) { return value < 0 ? 0 : (value < end ? value : end - 1); }

/* Adds to the four blocks that the one at x, y (half pixels) covers, in proportion. */
static void spread(uint32_t amount, int x, int y, muzero_rc_block_grid grid, uint32_t *sums) {
  const int column = x >= 0 ? x / UNITS : -1 - (-1 - x) / UNITS;
  const int row = y >= 0 ? y / UNITS : -1 - (-1 - y) / UNITS;
  const uint32_t right = (uint32_t)(x - column * UNITS), below = (uint32_t)(y - row * UNITS);
  const int columns[2] = {bounded(column, grid.columns), bounded(column + 1, grid.columns)};
  const int rows[2] = {bounded(row, grid.rows), bounded(row + 1, grid.rows)};
  const uint32_t across[2] = {UNITS - right, right}, down[2] = {UNITS - below, below};
  for (int j = 0; j < 2; ++j)
    for (int i = 0; i < 2; ++i)
      sums[rows[j] * grid.columns + columns[i]] +=
          (uint32_t)((uint64_t)amount * across[i] * down[j] / (UNITS * UNITS));
}

void muzero_rc_propagate(const muzero_rc_prediction *prediction, muzero_rc_block_grid grid,
                         const uint32_t *own, uint32_t *near_end, uint32_t *far_end) {
  for (int row = 0, block = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column, ++block) {
      const muzero_rc_prediction *const p = prediction;
      const uint32_t intra = p->intra[block];
      const uint32_t back = p->back_cost[block], ahead = p->ahead_cost[block];
      const uint32_t better = back < ahead ? back : ahead;
      const uint32_t both = p->both_cost[block];
      const uint32_t cost = both <= better ? both : better;
      if (cost >= intra) continue;
      uint32_t amount = (uint32_t)((uint64_t)(intra + own[block]) * (intra - cost) / intra);
      const int x = UNITS * column, y = UNITS * row;
      if (both <= better) amount /= 2;
      if (both <= better || back <= ahead)
        spread(amount, x + p->back[block].x, y + p->back[block].y, grid, near_end);
      if (both <= better || back > ahead)
        spread(amount, x + p->ahead[block].x, y + p->ahead[block].y, grid, far_end);
    }
  }
}
