#include "lookahead/analysis.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lookahead/block_cost.h"
#include "lookahead/motion_search.h"
#include "lookahead/propagation.h"

enum {
  DISTANCES = MUZERO_RC_DISTANCES,
  PYRAMIDS = MUZERO_RC_PYRAMIDS,
  SIDE = MUZERO_RC_BLOCK,
  SLOTS = (1 << (DISTANCES - 1)) + 1, /* frames that are held */
  LEAST_FRESH = SIDE * SIDE / 2,      /* SATD below which nothing is news */
  FRESH_NUMERATOR = 7,
  FRESH_DENOMINATOR = 8, /* what saves less than an eighth is no prediction */
  SIZE_MAX_SIDE = 16384
};

/* What is held of a frame; arrays are [blocks]. */
typedef struct slot {
  muzero_rc_picture picture;
  uint16_t *intra;
  muzero_rc_vector *vectors[DISTANCES];           /* into the frame 2^i before */
  uint16_t *cost[DISTANCES];                      /* SATD of that */
  uint16_t *sad;                                  /* SAD of the first */
  uint32_t *as_far[PYRAMIDS], *as_near[PYRAMIDS]; /* what lives on it as such an end */
} slot;

struct muzero_rc_lookahead {
  int width, height;
  muzero_rc_block_grid grid;
  int32_t count; /* frames told of */
  slot slots[SLOTS];
  muzero_rc_vector *coarse; /* [regions] */
  muzero_rc_vector *ahead;  /* [blocks], as those below */
  uint16_t *ahead_cost, *both_cost;
  uint16_t *second_sad, *sad; /* from the frame 2 before; scratch */
  uint32_t *own;
  uint8_t *memory; /* of all the above */
};

/* Cuts `bytes` off the memory; where there is none yet, only counts. */
static void *cut(uint8_t *memory, size_t *used, size_t bytes) {
  void *const part = memory ? memory + *used : NULL;
  *used += (bytes + 63) / 64 * 64;
  return part;
}

static void cut_slot(slot *s, muzero_rc_block_grid grid, uint8_t *memory, size_t *used) {
  const size_t blocks = (size_t)muzero_rc_grid_blocks(grid);
  const int width = SIDE * grid.columns, height = SIDE * grid.rows;
  const int shrunk_width = width / MUZERO_RC_COARSE_FACTOR;
  const int shrunk_height = height / MUZERO_RC_COARSE_FACTOR;
  uint8_t *const plane = cut(memory, used, muzero_rc_plane_bytes(width, height));
  uint8_t *const coarse = cut(memory, used, muzero_rc_plane_bytes(shrunk_width, shrunk_height));
  if (memory) {
    s->picture.plane = muzero_rc_plane_of(width, height, plane);
    s->picture.coarse = muzero_rc_plane_of(shrunk_width, shrunk_height, coarse);
  }
  s->intra = cut(memory, used, blocks * sizeof(*s->intra));
  s->sad = cut(memory, used, blocks * sizeof(*s->sad));
  for (int i = 0; i < DISTANCES; ++i) {
    s->vectors[i] = cut(memory, used, blocks * sizeof(*s->vectors[i]));
    s->cost[i] = cut(memory, used, blocks * sizeof(*s->cost[i]));
  }
  for (int i = 0; i < PYRAMIDS; ++i) {
    s->as_far[i] = cut(memory, used, blocks * sizeof(*s->as_far[i]));
    s->as_near[i] = cut(memory, used, blocks * sizeof(*s->as_near[i]));
  }
}

/* Lays everything out in the memory; returns how much it takes. */
static size_t lay_out(muzero_rc_lookahead *l) {
  const size_t blocks = (size_t)muzero_rc_grid_blocks(l->grid);
  const size_t regions = (size_t)muzero_rc_grid_blocks(muzero_rc_grid_regions(l->grid));
  size_t used = 0;
  for (int i = 0; i < SLOTS; ++i) cut_slot(&l->slots[i], l->grid, l->memory, &used);
  l->coarse = cut(l->memory, &used, regions * sizeof(*l->coarse));
  l->ahead = cut(l->memory, &used, blocks * sizeof(*l->ahead));
  l->ahead_cost = cut(l->memory, &used, blocks * sizeof(*l->ahead_cost));
  l->both_cost = cut(l->memory, &used, blocks * sizeof(*l->both_cost));
  l->second_sad = cut(l->memory, &used, blocks * sizeof(*l->second_sad));
  l->sad = cut(l->memory, &used, blocks * sizeof(*l->sad));
  l->own = cut(l->memory, &used, blocks * sizeof(*l->own));
  return used;
}

int muzero_rc_lookahead_open(int width, int height, muzero_rc_lookahead **lookahead) {
  *lookahead = NULL;
  if (width < 1 || height < 1 || width > SIZE_MAX_SIDE || height > SIZE_MAX_SIDE) return -EINVAL;
  muzero_rc_lookahead *const l = calloc(1, sizeof(*l));
  if (!l) return -ENOMEM;
  l->width = width;
  l->height = height;
  l->grid = (muzero_rc_block_grid){((width + 1) / 2 + SIDE - 1) / SIDE,
                                   ((height + 1) / 2 + SIDE - 1) / SIDE};
  l->memory = malloc(lay_out(l));
  if (!l->memory) {
    free(l);
    return -ENOMEM;
  }
  lay_out(l);
  *lookahead = l;
  return 0;
}

void muzero_rc_lookahead_close(muzero_rc_lookahead **lookahead) {
  if (!*lookahead) return;
  free((*lookahead)->memory);
  free(*lookahead);
  *lookahead = NULL;
}

static slot *slot_of(muzero_rc_lookahead *l, int32_t frame) { return &l->slots[frame % SLOTS]; }

static int32_t mean_of(int64_t sum, int64_t count, int unit) {
  return (int32_t)((sum * unit + count / 2) / count);
}

static int32_t mean_worth(const muzero_rc_lookahead *l, const uint32_t *worth) {
  const int blocks = muzero_rc_grid_blocks(l->grid);
  int64_t sum = 0;
  for (int block = 0; block < blocks; ++block) sum += worth[block];
  return mean_of(sum, blocks, MUZERO_RC_COST_UNIT);
}

static int32_t mean_luma(const muzero_rc_plane *plane) {
  int64_t sum = 0;
  for (int y = 0; y < plane->height; ++y) {
    uint32_t row = 0;
    for (int x = 0; x < plane->width; ++x) row += plane->pixels[y * plane->stride + x];
    sum += row;
  }
  return mean_of(sum, (int64_t)plane->width * plane->height, MUZERO_RC_COST_UNIT);
}

static void look_at(muzero_rc_lookahead *l, slot *s, const uint8_t *luma, ptrdiff_t stride,
                    muzero_rc_lookahead_frame *frame) {
  int64_t sum = 0;
  muzero_rc_plane_halve(luma, stride, l->width, l->height, &s->picture.plane);
  muzero_rc_plane_shrink(&s->picture.plane, &s->picture.coarse);
  for (int row = 0, block = 0; row < l->grid.rows; ++row)
    for (int column = 0; column < l->grid.columns; ++column, ++block) {
      s->intra[block] = (uint16_t)muzero_rc_block_intra(&s->picture.plane, column, row);
      sum += s->intra[block];
    }
  frame->luma = mean_luma(&s->picture.plane);
  frame->intra = mean_of(sum, muzero_rc_grid_blocks(l->grid), MUZERO_RC_COST_UNIT);
}

static void predict(const muzero_rc_picture *reference, int column, int row,
                    muzero_rc_vector vector, uint8_t *prediction) {
  muzero_rc_block_predict(&reference->plane, 2 * SIDE * column + vector.x,
                          2 * SIDE * row + vector.y, prediction);
}

static int satd_of(const muzero_rc_picture *picture, int column, int row,
                   const uint8_t *prediction) {
  const muzero_rc_plane *const plane = &picture->plane;
  return muzero_rc_block_satd(plane->pixels + SIDE * row * plane->stride + SIDE * column,
                              plane->stride, prediction);
}

/* Frame t from the one 2^i before; the SAD of its blocks go to `sad`. */
static void look_back(muzero_rc_lookahead *l, slot *s, int i, uint16_t *sad,
                      muzero_rc_lookahead_frame *frame) {
  const int32_t t = l->count, distance = 1 << i;
  const slot *const reference = slot_of(l, t - distance);
  const int blocks = muzero_rc_grid_blocks(l->grid);
  const muzero_rc_motion_hint hints[MUZERO_RC_MOTION_HINTS] = {
      {i > 0 ? s->vectors[i - 1] : NULL, 2},
      {t - 1 >= distance ? slot_of(l, t - 1)->vectors[i] : NULL, 1}};
  int64_t sum = 0, still = 0, fresh = 0;
  muzero_rc_motion_search(&s->picture, &reference->picture, l->grid, hints, l->coarse,
                          s->vectors[i], sad);
  for (int row = 0, block = 0; row < l->grid.rows; ++row) {
    for (int column = 0; column < l->grid.columns; ++column, ++block) {
      uint8_t prediction[SIDE * SIDE];
      const muzero_rc_vector vector = s->vectors[i][block];
      predict(&reference->picture, column, row, vector, prediction);
      const int cost = satd_of(&s->picture, column, row, prediction), intra = s->intra[block];
      const bool is_fresh =
          FRESH_DENOMINATOR * cost >= FRESH_NUMERATOR * intra && cost > LEAST_FRESH;
      s->cost[i][block] = (uint16_t)cost;
      sum += cost < intra ? cost : intra;
      fresh += is_fresh;
      still += !is_fresh && vector.x == 0 && vector.y == 0;
    }
  }
  frame->inter[i] = mean_of(sum, blocks, MUZERO_RC_COST_UNIT);
  frame->still[i] = mean_of(still, blocks, MUZERO_RC_SHARE_UNIT);
  frame->fresh[i] = mean_of(fresh, blocks, MUZERO_RC_SHARE_UNIT);
}

/* Of independent noise, the difference to any frame has the same SAD; that of change grows with
 * distance, and what happens once was not there a frame ago. */
static int32_t noise_of(muzero_rc_lookahead *l, const slot *s) {
  const int blocks = muzero_rc_grid_blocks(l->grid);
  const slot *const before = slot_of(l, l->count - 1);
  int64_t sum = 0;
  for (int block = 0; block < blocks; ++block) {
    const int near = s->sad[block], far = l->second_sad[block];
    int lasting = far < near ? near : 2 * near - far;
    if (before->sad[block] < lasting) lasting = before->sad[block];
    if (s->cost[0][block] < s->intra[block] && lasting > 0) sum += lasting;
  }
  return mean_of(sum, blocks, MUZERO_RC_COST_UNIT);
}

/* The frame 2^i before t, from both sides: what it costs, and what it hands on to its ends. */
static void look_between(muzero_rc_lookahead *l, slot *s, int i, muzero_rc_lookahead_frame *frame) {
  const int32_t distance = 1 << i, t = l->count;
  slot *const middle = slot_of(l, t - distance), *const near = slot_of(l, t - 2 * distance);
  const int blocks = muzero_rc_grid_blocks(l->grid);
  const muzero_rc_motion_hint hints[MUZERO_RC_MOTION_HINTS] = {{middle->vectors[i], -1}};
  int64_t sum = 0;
  muzero_rc_motion_search(&middle->picture, &s->picture, l->grid, hints, l->coarse, l->ahead,
                          l->sad);
  for (int row = 0, block = 0; row < l->grid.rows; ++row) {
    for (int column = 0; column < l->grid.columns; ++column, ++block) {
      uint8_t back[SIDE * SIDE], ahead[SIDE * SIDE], both[SIDE * SIDE];
      predict(&near->picture, column, row, middle->vectors[i][block], back);
      predict(&s->picture, column, row, l->ahead[block], ahead);
      muzero_rc_block_average(back, ahead, both);
      const int ahead_cost = satd_of(&middle->picture, column, row, ahead);
      const int both_cost = satd_of(&middle->picture, column, row, both);
      int cost = middle->intra[block];
      cost = middle->cost[i][block] < cost ? middle->cost[i][block] : cost;
      cost = ahead_cost < cost ? ahead_cost : cost;
      sum += both_cost < cost ? both_cost : cost;
      l->ahead_cost[block] = (uint16_t)ahead_cost;
      l->both_cost[block] = (uint16_t)both_cost;
    }
  }
  frame->both[i] = mean_of(sum, blocks, MUZERO_RC_COST_UNIT);
  const muzero_rc_prediction prediction = {middle->vectors[i], l->ahead,     middle->cost[i],
                                           l->ahead_cost,      l->both_cost, middle->intra};
  const size_t bytes = (size_t)blocks * sizeof(*l->own);
  if (i > 0) {
    for (int block = 0; block < blocks; ++block)
      l->own[block] = middle->as_far[i - 1][block] + middle->as_near[i - 1][block];
    memcpy(s->as_far[i], s->as_far[i - 1], bytes);
    memcpy(near->as_near[i], near->as_near[i - 1], bytes);
  } else {
    memset(l->own, 0, bytes);
    memset(s->as_far[i], 0, bytes);
    memset(near->as_near[i], 0, bytes);
  }
  muzero_rc_propagate(&prediction, l->grid, l->own, near->as_near[i], s->as_far[i]);
  frame->worth_far[i] = mean_worth(l, s->as_far[i]);
  frame->worth_near[i] = mean_worth(l, near->as_near[i]);
}

static void forget(muzero_rc_lookahead_frame *frame) {
  for (int i = 0; i < DISTANCES; ++i)
    frame->inter[i] = frame->still[i] = frame->fresh[i] = MUZERO_RC_UNKNOWN;
  for (int i = 0; i < PYRAMIDS; ++i)
    frame->both[i] = frame->worth_far[i] = frame->worth_near[i] = MUZERO_RC_UNKNOWN;
  frame->noise = MUZERO_RC_UNKNOWN;
}

void muzero_rc_lookahead_push(muzero_rc_lookahead *l, const uint8_t *luma, ptrdiff_t stride,
                              muzero_rc_lookahead_frame *frame) {
  slot *const s = slot_of(l, l->count);
  forget(frame);
  look_at(l, s, luma, stride, frame);
  for (int i = 0; i < DISTANCES && l->count >= 1 << i; ++i)
    look_back(l, s, i, i == 0 ? s->sad : i == 1 ? l->second_sad : l->sad, frame);
  if (l->count >= 2) frame->noise = noise_of(l, s);
  for (int i = 0; i < PYRAMIDS && l->count >= 2 << i; ++i) look_between(l, s, i, frame);
  ++l->count;
}
