#include "lookahead/candidate.h"

#include <stdbool.h>

enum {
  DISTANCES = MUZERO_RC_DISTANCES,
  PYRAMIDS = MUZERO_RC_PYRAMIDS,
  UNKNOWN = MUZERO_RC_UNKNOWN,
  FIELDS = sizeof(muzero_rc_gop_candidate) / sizeof(int32_t)
};

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }

/* The value at `distance` from those at first, 2 first, 4 first ..., up to the first unknown; past
 * the last two as they go on. 0 or more. */
static int32_t at_distance(const int32_t *values, int count, int first, int distance) {
  int known = 0, i = 0;
  while (known < count && values[known] != UNKNOWN) ++known;
  if (known == 0) return UNKNOWN;
  if (known == 1) return values[0];
  while (i + 2 < known && first << (i + 1) <= distance) ++i;
  const int64_t low = first << i;
  const int64_t change = (int64_t)(values[i + 1] - values[i]) * (distance - low) / low;
  return greatest((int32_t)(values[i] + change), 0);
}

typedef struct clip {
  const muzero_rc_lookahead_frame *frames;
  int32_t count;
} clip;

static int32_t between(const clip *c, int32_t show, int32_t span) {
  int32_t values[PYRAMIDS];
  for (int i = 0; i < PYRAMIDS; ++i) {
    const int32_t far = show + (1 << i);
    values[i] = far < c->count ? c->frames[far].both[i] : UNKNOWN;
  }
  const muzero_rc_lookahead_frame *const frame = &c->frames[show];
  int32_t cost = at_distance(values, PYRAMIDS, 2, span);
  if (cost == UNKNOWN) cost = frame->inter[0];
  return cost == UNKNOWN ? frame->intra : least(cost, frame->intra);
}

/* Sums of what lies between two ends that are coded. */
typedef struct pyramid {
  int64_t cost, intra, leaves;
  int32_t leaf_count;
} pyramid;

static void add_between(const clip *c, int32_t near, int32_t far, pyramid *sums) {
  const int32_t middle = near + (far - near) / 2;
  if (far - near < 2) return;
  const int32_t cost = between(c, middle, far - near);
  sums->cost += cost;
  sums->intra += c->frames[middle].intra;
  if (far - near <= 3) {
    sums->leaves += cost;
    ++sums->leaf_count;
  }
  add_between(c, near, middle, sums);
  add_between(c, middle, far, sums);
}

static int32_t worth_near(const clip *c, int32_t start, int32_t length) {
  int32_t values[PYRAMIDS];
  for (int i = 0; i < PYRAMIDS; ++i) {
    const int32_t far = start + (2 << i);
    values[i] = far < c->count ? c->frames[far].worth_near[i] : UNKNOWN;
  }
  return at_distance(values, PYRAMIDS, 2, length);
}

/* Across a flash, the frames before and after it predict one another. */
static int32_t cut_at(const clip *c, int32_t show) {
  int32_t share = greatest(c->frames[show].fresh[0], 0);
  if (show >= 2) share = least(share, c->frames[show].fresh[1]);
  if (show + 1 < c->count && show >= 1) share = least(share, c->frames[show + 1].fresh[1]);
  return share;
}

static int32_t flash_at(const clip *c, int32_t show) {
  if (show + 1 >= c->count || c->frames[show + 1].inter[1] == UNKNOWN) return 0;
  const int32_t there = least(c->frames[show].inter[0], c->frames[show + 1].inter[0]);
  return greatest(there - c->frames[show + 1].inter[1], 0);
}

static void look_along(const clip *c, int32_t start, int32_t length,
                       muzero_rc_gop_candidate *candidate) {
  int64_t noise = 0;
  for (int32_t show = start + 1; show <= start + length; ++show) {
    noise += greatest(c->frames[show].noise, 0);
    candidate->cut = greatest(candidate->cut, cut_at(c, show));
    if (show < start + length) candidate->flash = greatest(candidate->flash, flash_at(c, show));
  }
  candidate->noise = (int32_t)(noise / length);
}

bool muzero_rc_gop_candidate_of(const muzero_rc_lookahead_frame *frames, int32_t count,
                                int32_t start, int32_t length, muzero_rc_gop_candidate *candidate) {
  const clip c = {frames, count};
  const bool fits = start >= 0 && length >= 1 && length < count - start;
  if (!fits) {
    for (size_t i = 0; i < FIELDS; ++i) ((int32_t *)candidate)[i] = UNKNOWN;
    return false;
  }
  const muzero_rc_lookahead_frame *const far = &frames[start + length];
  pyramid sums = {0};
  add_between(&c, start, start + length, &sums);
  *candidate = (muzero_rc_gop_candidate){
      .far = least(at_distance(far->inter, DISTANCES, 1, length), far->intra),
      .far_intra = far->intra,
      .far_still = least(at_distance(far->still, DISTANCES, 1, length), MUZERO_RC_SHARE_UNIT),
      .far_fresh = least(at_distance(far->fresh, DISTANCES, 1, length), MUZERO_RC_SHARE_UNIT),
      .inside = length > 1 ? (int32_t)(sums.cost / (length - 1)) : 0,
      .inside_intra = length > 1 ? (int32_t)(sums.intra / (length - 1)) : 0,
      .leaves = sums.leaf_count ? (int32_t)(sums.leaves / sums.leaf_count) : 0,
      .worth_far = at_distance(far->worth_far, PYRAMIDS, 2, length),
      .worth_near = worth_near(&c, start, length),
      .fade = far->luma - frames[start].luma,
  };
  look_along(&c, start, length, candidate);
  return true;
}

int32_t muzero_rc_lookahead_between(const muzero_rc_lookahead_frame *frames, int32_t count,
                                    int32_t show, int32_t span) {
  const clip c = {frames, count};
  return between(&c, show, span);
}

int32_t muzero_rc_lookahead_cut(const muzero_rc_lookahead_frame *frames, int32_t count,
                                int32_t show) {
  const clip c = {frames, count};
  return cut_at(&c, show);
}

int32_t muzero_rc_lookahead_flash(const muzero_rc_lookahead_frame *frames, int32_t count,
                                  int32_t show) {
  const clip c = {frames, count};
  return flash_at(&c, show);
}
