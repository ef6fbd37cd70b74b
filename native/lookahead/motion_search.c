#include "lookahead/motion_search.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lookahead/block_cost.h"

enum {
  SIDE = MUZERO_RC_BLOCK,
  COARSE_SIDE = 2 * SIDE / MUZERO_RC_COARSE_FACTOR, /* of a region, in coarse pixels */
  GRID_REACH = 6,
  GRID_STEP = 2, /* of the coarse search, in coarse pixels */
  COARSE_STEPS = 6,
  FINE_STEPS = 6,
  CANDIDATES_MAX = 9,
  GOOD_ENOUGH = SIDE * SIDE / 2, /* SAD that needs no search */
  VECTOR_PRICE = 2               /* SAD for every pixel that a vector differs from its forecast */
};

/* One block's search, on either level; vectors in whole pixels. */
typedef struct search {
  const uint8_t *block;
  const muzero_rc_plane *reference;
  int x, y; /* where the block lies */
  muzero_rc_vector forecast;
  muzero_rc_vector best;
  int best_price, best_sad;
} search;

static int bounded(int value, int low, int high) {
  return value < low ? low : (value > high ? high : value);
}

/* A vector that stays within the border, with a pixel to spare for half pixels. */
static muzero_rc_vector within(const search *s, int x, int y) {
  enum { REACH = MUZERO_RC_PLANE_BORDER - 1 };
  return (muzero_rc_vector){
      (int16_t)bounded(x, -REACH - s->x, s->reference->width + REACH - SIDE - s->x),
      (int16_t)bounded(y, -REACH - s->y, s->reference->height + REACH - SIDE - s->y)};
}

static bool try_vector(search *s, int x, int y) {
  const muzero_rc_plane *const reference = s->reference;
  const muzero_rc_vector vector = within(s, x, y);
  const uint8_t *const other =
      reference->pixels + (s->y + vector.y) * reference->stride + s->x + vector.x;
  const int sad = muzero_rc_block_sad(s->block, reference->stride, other, reference->stride);
  const int price =
      sad + VECTOR_PRICE * (abs(vector.x - s->forecast.x) + abs(vector.y - s->forecast.y));
  if (price >= s->best_price) return false;
  s->best = vector;
  s->best_price = price;
  s->best_sad = sad;
  return true;
}

/* Follows the best of the four neighbours for at most `steps`. */
static void descend(search *s, int steps) {
  for (bool better = true; better && steps > 0; --steps) {
    const muzero_rc_vector centre = s->best;
    better = try_vector(s, centre.x - 1, centre.y);
    better |= try_vector(s, centre.x + 1, centre.y);
    better |= try_vector(s, centre.x, centre.y - 1);
    better |= try_vector(s, centre.x, centre.y + 1);
  }
}

static search search_of(const muzero_rc_plane *plane, const muzero_rc_plane *reference, int x,
                        int y) {
  return (search){.block = plane->pixels + y * plane->stride + x,
                  .reference = reference,
                  .x = x,
                  .y = y,
                  .best_price = INT32_MAX,
                  .best_sad = INT32_MAX};
}

/* The vectors of the neighbours that were searched before: left, above, above to the right. */
static int neighbours_of(const muzero_rc_vector *vectors, muzero_rc_block_grid grid, int column,
                         int row, muzero_rc_vector *found) {
  const muzero_rc_vector *const own = vectors + row * grid.columns + column;
  int count = 0;
  if (column > 0) found[count++] = own[-1];
  if (row > 0) found[count++] = own[-grid.columns];
  if (row > 0 && column + 1 < grid.columns) found[count++] = own[1 - grid.columns];
  return count;
}

/* Half pixels of the plane, as whole coarse ones. */
static int as_coarse(int half_pixels) { return half_pixels / (2 * MUZERO_RC_COARSE_FACTOR); }

static muzero_rc_vector search_region(const muzero_rc_picture *picture,
                                      const muzero_rc_picture *reference, muzero_rc_block_grid grid,
                                      int column, int row, const muzero_rc_motion_hint *hint,
                                      const muzero_rc_vector *coarse) {
  const muzero_rc_block_grid regions = muzero_rc_grid_regions(grid);
  const int margin = (SIDE - COARSE_SIDE) / 2;
  muzero_rc_vector starts[3];
  search s = search_of(&picture->coarse, &reference->coarse, COARSE_SIDE * column - margin,
                       COARSE_SIDE * row - margin);
  try_vector(&s, 0, 0);
  const int count = neighbours_of(coarse, regions, column, row, starts);
  for (int i = 0; i < count; ++i) try_vector(&s, starts[i].x, starts[i].y);
  if (hint->vectors) {
    const muzero_rc_vector hinted = hint->vectors[2 * row * grid.columns + 2 * column];
    try_vector(&s, as_coarse(hint->scale * hinted.x), as_coarse(hint->scale * hinted.y));
  }
  if (s.best_sad > GOOD_ENOUGH && !hint->vectors) {
    for (int y = -GRID_REACH; y <= GRID_REACH; y += GRID_STEP)
      for (int x = -GRID_REACH; x <= GRID_REACH; x += GRID_STEP) try_vector(&s, x, y);
  }
  if (s.best_sad > GOOD_ENOUGH) descend(&s, COARSE_STEPS);
  return s.best;
}

/* Of half pixels, the nearest whole one towards 0. */
static muzero_rc_vector whole(muzero_rc_vector vector, int scale) {
  return (muzero_rc_vector){(int16_t)(scale * vector.x / 2), (int16_t)(scale * vector.y / 2)};
}

/* SAD of the block x, y half pixels from where it lies. */
static int half_pixel_sad(const search *s, int x, int y) {
  uint8_t prediction[SIDE * SIDE];
  muzero_rc_block_predict(s->reference, 2 * s->x + x, 2 * s->y + y, prediction);
  return muzero_rc_block_sad(s->block, s->reference->stride, prediction, SIDE);
}

/* The best of the half pixels left and right, then of those above and below that. */
static muzero_rc_vector refine(search *s) {
  int x = 2 * s->best.x, y = 2 * s->best.y;
  const int centre_x = x, centre_y = y;
  for (int step = -1; step <= 1 && s->best_sad > GOOD_ENOUGH; step += 2) {
    const int sad = half_pixel_sad(s, centre_x + step, centre_y);
    if (sad >= s->best_sad) continue;
    s->best_sad = sad;
    x = centre_x + step;
  }
  for (int step = -1; step <= 1 && s->best_sad > GOOD_ENOUGH; step += 2) {
    const int sad = half_pixel_sad(s, x, centre_y + step);
    if (sad >= s->best_sad) continue;
    s->best_sad = sad;
    y = centre_y + step;
  }
  return (muzero_rc_vector){(int16_t)x, (int16_t)y};
}

static muzero_rc_vector search_block(search *s, const muzero_rc_vector *starts, int count) {
  for (int i = 0; i < count; ++i) try_vector(s, starts[i].x, starts[i].y);
  if (s->best_sad > GOOD_ENOUGH) descend(s, FINE_STEPS);
  return refine(s);
}

void muzero_rc_motion_search(const muzero_rc_picture *picture, const muzero_rc_picture *reference,
                             muzero_rc_block_grid grid,
                             const muzero_rc_motion_hint hints[MUZERO_RC_MOTION_HINTS],
                             muzero_rc_vector *coarse, muzero_rc_vector *vectors, uint16_t *sad) {
  const muzero_rc_block_grid regions = muzero_rc_grid_regions(grid);
  for (int row = 0; row < regions.rows; ++row)
    for (int column = 0; column < regions.columns; ++column)
      coarse[row * regions.columns + column] =
          search_region(picture, reference, grid, column, row, &hints[0], coarse);
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column) {
      const int block = row * grid.columns + column;
      const muzero_rc_vector region = coarse[row / 2 * regions.columns + column / 2];
      muzero_rc_vector starts[CANDIDATES_MAX] = {{0, 0}};
      search s = search_of(&picture->plane, &reference->plane, SIDE * column, SIDE * row);
      int count = 1 + neighbours_of(vectors, grid, column, row, starts + 1);
      for (int i = 1; i < count; ++i) starts[i] = whole(starts[i], 1);
      s.forecast = starts[count > 1 ? 1 : 0];
      starts[count++] = (muzero_rc_vector){(int16_t)(MUZERO_RC_COARSE_FACTOR * region.x),
                                           (int16_t)(MUZERO_RC_COARSE_FACTOR * region.y)};
      for (int i = 0; i < MUZERO_RC_MOTION_HINTS; ++i)
        if (hints[i].vectors) starts[count++] = whole(hints[i].vectors[block], hints[i].scale);
      vectors[block] = search_block(&s, starts, count);
      sad[block] = (uint16_t)s.best_sad;
    }
  }
}
