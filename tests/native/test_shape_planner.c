/* The planner of GOP lengths against trying everything, and the features that GOPs are judged by. */
#include "policy/shape_planner.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lookahead/analysis.h"

enum { FRAMES = 60, LENGTHS = MUZERO_RC_SHAPE_LENGTHS, SHORTEST = MUZERO_RC_SHAPE_SHORTEST };

static float worth[FRAMES * LENGTHS], best[FRAMES];
static int32_t lengths[FRAMES];

static void draw(uint32_t seed) {
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < FRAMES * LENGTHS; ++i) {
    state = state * 1664525u + 1013904223u;
    worth[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
  }
}

static muzero_rc_shape_plan plan_of(int32_t start, int32_t end, int32_t flush) {
  return (muzero_rc_shape_plan){.worth = worth,
                                .longest = MUZERO_RC_SHAPE_LONGEST,
                                .start = start,
                                .end = end,
                                .flush = flush,
                                .best = best,
                                .lengths = lengths};
}

static float worth_of(int32_t start, int32_t length) {
  return (float)length * worth[start * LENGTHS + length - SHORTEST];
}

/* The greatest worth of any sequence from `start` on; frames that no GOP fits into are worth 0. */
static float tried(int32_t start, int32_t end, int32_t flush, int32_t *first) {
  float greatest = -1e9f;
  *first = 0;
  for (int32_t length = SHORTEST; length <= MUZERO_RC_SHAPE_LONGEST && start + length <= end;
       ++length) {
    float sum = 0.0f;
    int32_t ignored;
    if (start < flush) {
      sum = worth_of(start, length) + tried(start + length, end, flush, &ignored);
    } else if ((end - start) % length == 0) {
      for (int32_t at = start; at < end; at += length) sum += worth_of(at, length);
    } else {
      continue;
    }
    if (sum > greatest) {
      greatest = sum;
      *first = length;
    }
  }
  return *first ? greatest : 0.0f;
}

static void test_the_plan_is_the_best_of_all(void) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const int32_t end = 24 + (int32_t)seed, flush = end - (int32_t)(seed % 3) * 8;
    int32_t expected;
    draw(seed);
    (void)tried(2, end, flush, &expected);
    const muzero_rc_shape_plan plan = plan_of(2, end, flush);
    CHECK_EQ(muzero_rc_shape_plan_length(&plan), expected);
  }
}

static void test_its_gops_follow_each_other(void) {
  int32_t ends[FRAMES], few[2];
  draw(3);
  const muzero_rc_shape_plan open = plan_of(4, 50, FRAMES);
  const int32_t first = muzero_rc_shape_plan_length(&open);
  const int32_t count = muzero_rc_shape_plan_ends(&open, ends, FRAMES);
  float sum = 0.0f;
  for (int32_t i = 0, start = 4; i < count; start = ends[i++])
    sum += worth_of(start, ends[i] - start);
  CHECK_EQ(ends[0], 4 + first);
  CHECK_EQ(ends[count - 1], 50);
  CHECK(sum > best[4] - 1e-3f && sum < best[4] + 1e-3f);
  CHECK_EQ(muzero_rc_shape_plan_ends(&open, few, 2), 2);
  const muzero_rc_shape_plan flush = plan_of(2, 50, 2);
  const int32_t length = muzero_rc_shape_plan_length(&flush);
  CHECK_EQ(muzero_rc_shape_plan_ends(&flush, ends, FRAMES), 48 / length);
  for (int32_t i = 0; i < 48 / length; ++i) CHECK_EQ(ends[i], 2 + (i + 1) * length);
}

static void test_what_is_left_is_filled(void) {
  draw(1);
  for (int32_t left = 0; left < SHORTEST; ++left) {
    const muzero_rc_shape_plan plan = plan_of(3, 3 + left, FRAMES);
    CHECK_EQ(muzero_rc_shape_plan_length(&plan), 0);
  }
  const muzero_rc_shape_plan whole = plan_of(5, 5 + 7, FRAMES);
  CHECK(muzero_rc_shape_plan_length(&whole) >= SHORTEST);
  const muzero_rc_shape_plan prime = plan_of(5, 5 + 29, 5); /* no length divides 29 */
  CHECK_EQ(muzero_rc_shape_plan_length(&prime), 0);
}

static void test_a_short_look_ahead_bounds_lengths(void) {
  for (size_t i = 0; i < FRAMES * LENGTHS; ++i) worth[i] = (float)(i % LENGTHS);
  muzero_rc_shape_plan plan = plan_of(0, 48, FRAMES);
  plan.longest = 8;
  CHECK_EQ(muzero_rc_shape_plan_length(&plan), 8);
}

/* A still clip whose frames are predicted at no cost. */
static void test_features_of_a_clip(void) {
  muzero_rc_lookahead_frame frames[30];
  const int32_t count = muzero_rc_shape_features().count;
  float *const out = malloc((size_t)(LENGTHS * count) * sizeof(float));
  memset(frames, 0, sizeof(frames));
  for (int t = 0; t < 30; ++t) frames[t].intra = 4000;
  CHECK(out != NULL);
  const int32_t fits = muzero_rc_observe_shapes(frames, 30, 16, 5.0f, out);
  CHECK_EQ(fits, 29 - 16 - SHORTEST + 1);
  for (int32_t i = 0; i < LENGTHS * count; ++i) {
    CHECK(out[i] > -20.0f && out[i] < 20.0f);
    if (i >= fits * count) CHECK(out[i] == 0.0f);
  }
  CHECK_EQ(muzero_rc_observe_shapes(frames, 30, 27, 5.0f, out), 0);
  free(out);
}

int main(void) {
  test_the_plan_is_the_best_of_all();
  test_its_gops_follow_each_other();
  test_what_is_left_is_filled();
  test_a_short_look_ahead_bounds_lengths();
  test_features_of_a_clip();
  return check_result();
}
