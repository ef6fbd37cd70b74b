/* The lookahead: known motion is found, cuts, flashes and fades are seen as such, and the
 * numbers depend on nothing but the pixels. */
#include "lookahead/candidate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lookahead/block_cost.h"
#include "lookahead/motion_search.h"

enum { WIDTH = 160, HEIGHT = 96, FRAMES = 40 };

/* Smooth noise: a texture in which a place can be told from another. */
static uint8_t texture(uint32_t seed, int x, int y) {
  int sum = 0;
  for (int j = 0; j < 2; ++j)
    for (int i = 0; i < 2; ++i) {
      uint32_t mixed =
          seed * 2654435761u + (uint32_t)(x / 6 + i) * 40503u + (uint32_t)(y / 6 + j) * 92821u;
      mixed = (mixed ^ mixed >> 15) * 2246822519u;
      mixed ^= mixed >> 13;
      sum += (int)(mixed & 255) * (i ? x % 6 : 6 - x % 6) * (j ? y % 6 : 6 - y % 6);
    }
  return (uint8_t)(sum / 36);
}

typedef struct clip {
  uint8_t *luma; /* [FRAMES, height, width] */
  int width, height;
  muzero_rc_lookahead_frame frames[FRAMES];
} clip;

static clip clip_of(int width, int height) {
  return (clip){
      .luma = malloc((size_t)(FRAMES * width * height)), .width = width, .height = height};
}

/* Frame t shows the texture `seed`, moved by x, y. */
static void draw(clip *c, int t, uint32_t seed, int x, int y) {
  uint8_t *out = c->luma + (size_t)(t * c->width * c->height);
  for (int row = 0; row < c->height; ++row)
    for (int column = 0; column < c->width; ++column)
      *out++ = texture(seed, column + x + 4096, row + y + 4096);
}

static void look(clip *c) {
  muzero_rc_lookahead *lookahead = NULL;
  if (muzero_rc_lookahead_open(c->width, c->height, &lookahead)) abort();
  for (int t = 0; t < FRAMES; ++t)
    muzero_rc_lookahead_push(lookahead, c->luma + (size_t)(t * c->width * c->height), c->width,
                             &c->frames[t]);
  muzero_rc_lookahead_close(&lookahead);
}

static void test_costs_of_known_blocks(void) {
  uint8_t block[64], other[64];
  for (int i = 0; i < 64; ++i) block[i] = (uint8_t)(i * 37 + 11);
  memcpy(other, block, sizeof(other));
  CHECK_EQ(muzero_rc_block_sad(block, 8, other, 8), 0);
  CHECK_EQ(muzero_rc_block_satd(block, 8, other), 0);
  memset(block, 3, sizeof(block));
  memset(other, 10, sizeof(other));
  CHECK_EQ(muzero_rc_block_sad(block, 8, other, 8), 7 * 64);
  CHECK_EQ(muzero_rc_block_satd(block, 8, other), 7 * 64 / 8); /* one coefficient */
  memcpy(block, other, sizeof(other));
  block[20] = 26;
  CHECK_EQ(muzero_rc_block_sad(block, 8, other, 8), 16);
  CHECK_EQ(muzero_rc_block_satd(block, 8, other), 16 * 64 / 8); /* all of them */
  memset(block, 0, sizeof(block));
  memset(other, 255, sizeof(other));
  CHECK_EQ(muzero_rc_block_sad(block, 8, other, 8), 255 * 64);
  for (int i = 0; i < 64; ++i) other[i] = (i ^ i >> 3) & 1 ? 255 : 0;
  CHECK_EQ(muzero_rc_block_satd(block, 8, other), 2 * 127 * 64 / 8 + 2 * 64 / 16);
}

static void test_a_moved_picture_has_its_vectors(void) {
  enum { SIDE = 96, GRID = SIDE / 8, REGIONS = GRID / 2 };
  static const int kMoves[][2] = {{0, 0}, {2, 0}, {-3, 5}, {9, -7}, {-20, 0}, {1, 14}};
  uint8_t *memory[2][2];
  for (int i = 0; i < 4; ++i) memory[i / 2][i % 2] = malloc(muzero_rc_plane_bytes(SIDE, SIDE));
  for (size_t move = 0; move < sizeof(kMoves) / sizeof(*kMoves); ++move) {
    muzero_rc_picture pictures[2];
    muzero_rc_vector coarse[REGIONS * REGIONS], vectors[GRID * GRID];
    uint16_t sad[GRID * GRID];
    const muzero_rc_motion_hint none[MUZERO_RC_MOTION_HINTS] = {{NULL, 0}, {NULL, 0}};
    const int x = kMoves[move][0], y = kMoves[move][1];
    for (int i = 0; i < 2; ++i) {
      uint8_t luma[4 * SIDE * SIDE];
      for (int j = 0; j < 4 * SIDE * SIDE; ++j)
        luma[j] = texture(5, j % (2 * SIDE) / 2 + (i ? x : 0) + 99,
                          j / (2 * SIDE) / 2 + (i ? y : 0) + 99);
      pictures[i].plane = muzero_rc_plane_of(SIDE, SIDE, memory[i][0]);
      pictures[i].coarse = muzero_rc_plane_of(SIDE / 4, SIDE / 4, memory[i][1]);
      muzero_rc_plane_halve(luma, 2 * SIDE, 2 * SIDE, 2 * SIDE, &pictures[i].plane);
      muzero_rc_plane_shrink(&pictures[i].plane, &pictures[i].coarse);
    }
    muzero_rc_motion_search(&pictures[1], &pictures[0], (muzero_rc_block_grid){GRID, GRID}, none,
                            coarse, vectors, sad);
    int right = 0, inner = 0;
    for (int row = 3; row < GRID - 3; ++row)
      for (int column = 3; column < GRID - 3; ++column, ++inner) {
        const muzero_rc_vector vector = vectors[row * GRID + column];
        right += vector.x == 2 * x && vector.y == 2 * y && sad[row * GRID + column] == 0;
      }
    CHECK(right * 10 >= inner * 9);
  }
  for (int i = 0; i < 4; ++i) free(memory[i / 2][i % 2]);
}

static void test_a_still_picture_costs_nothing(void) {
  clip c = clip_of(WIDTH, HEIGHT);
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, 1, 0, 0);
  look(&c);
  const muzero_rc_lookahead_frame *const last = &c.frames[FRAMES - 1];
  CHECK(last->intra > 500);
  CHECK_EQ(c.frames[0].inter[0], MUZERO_RC_UNKNOWN);
  CHECK_EQ(c.frames[15].inter[4], MUZERO_RC_UNKNOWN);
  for (int i = 0; i < MUZERO_RC_DISTANCES; ++i) {
    CHECK_EQ(last->inter[i], 0);
    CHECK_EQ(last->still[i], MUZERO_RC_SHARE_UNIT);
    CHECK_EQ(last->fresh[i], 0);
  }
  CHECK_EQ(last->noise, 0);
  /* Everything between lives on the ends, half on each but for rounding. */
  for (int i = 0; i < MUZERO_RC_PYRAMIDS; ++i) {
    const int32_t between = (2 << i) - 1, all = last->worth_far[i] + last->worth_near[i];
    CHECK_EQ(last->both[i], 0);
    CHECK(abs(all - between * last->intra) <= 16 * between);
    CHECK(abs(last->worth_far[i] - last->worth_near[i]) <= 16);
  }
  free(c.luma);
}

static void test_motion_is_followed_over_distances(void) {
  clip c = clip_of(WIDTH, HEIGHT);
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, 2, 2 * t, -2 * (t / 2));
  look(&c);
  const muzero_rc_lookahead_frame *const last = &c.frames[FRAMES - 1];
  for (int i = 0; i < 4; ++i) { /* at 16 frames too much has left the picture */
    CHECK(last->inter[i] * 3 < last->intra);
    CHECK(last->still[i] < 100);
    CHECK(i == 0 || last->inter[i] >= last->inter[i - 1]);
  }
  CHECK(last->inter[0] * 8 < last->intra);
  CHECK(last->both[0] * 8 < last->intra);
  CHECK(last->worth_far[3] > 5 * last->worth_far[0]);
  free(c.luma);
}

static void test_a_cut_is_seen_as_a_cut(void) {
  enum { CUT = 21 };
  clip c = clip_of(WIDTH, HEIGHT);
  muzero_rc_gop_candidate across, after;
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, t < CUT ? 3 : 4, t, 0);
  look(&c);
  CHECK(c.frames[CUT].fresh[0] > 500);
  CHECK(c.frames[CUT - 1].fresh[0] < 100);
  CHECK(c.frames[CUT + 1].fresh[0] < 100);
  CHECK(c.frames[CUT + 1].fresh[1] > 500);
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, CUT - 5, 10, &across));
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, CUT, 10, &after));
  CHECK(across.cut > 500);
  CHECK(after.cut < 100);
  CHECK(across.far * 4 > across.far_intra * 3);
  CHECK(after.far * 3 < after.far_intra);
  CHECK(across.flash * 8 < across.far_intra);
  free(c.luma);
}

static void test_a_flash_is_no_cut(void) {
  enum { FLASH = 21 };
  clip c = clip_of(WIDTH, HEIGHT);
  muzero_rc_gop_candidate across, before;
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, t == FLASH ? 9 : 3, 0, 0);
  look(&c);
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, FLASH - 4, 8, &across));
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, FLASH - 12, 8, &before));
  CHECK(across.cut < 100);
  CHECK(across.flash * 2 > across.far_intra);
  CHECK_EQ(before.flash, 0);
  CHECK_EQ(across.far, 0);
  free(c.luma);
}

static void test_a_fade_and_noise_are_told_apart(void) {
  clip c = clip_of(WIDTH, HEIGHT);
  muzero_rc_gop_candidate fading, noisy;
  const size_t area = WIDTH * HEIGHT;
  for (int t = 0; t < FRAMES; ++t) {
    draw(&c, t, 3, 0, 0);
    for (size_t i = 0; i < area; ++i)
      c.luma[(size_t)t * area + i] =
          (uint8_t)(c.luma[(size_t)t * area + i] * (FRAMES - t) / FRAMES);
  }
  look(&c);
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, 4, 16, &fading));
  CHECK(fading.fade < -16 * 30);
  uint32_t state = 7;
  for (int t = 0; t < FRAMES; ++t) {
    draw(&c, t, 3, 0, 0);
    for (size_t i = 0; i < area; ++i) {
      state = state * 1664525u + 1013904223u;
      uint8_t *const pixel = &c.luma[(size_t)t * area + i];
      *pixel = (uint8_t)(*pixel * 7u / 8u + (state >> 24) % 32u);
    }
  }
  look(&c);
  CHECK(muzero_rc_gop_candidate_of(c.frames, FRAMES, 4, 16, &noisy));
  CHECK(abs(noisy.fade) < 16);
  CHECK(noisy.noise > 4 * fading.noise);
  CHECK(noisy.noise > 16 * 64 * 3); /* sd 4.6 on half-size luma: the mean difference is 5.2 */
  CHECK(noisy.noise < 16 * 64 * 6);
  free(c.luma);
}

static void test_numbers_depend_on_pixels_only(void) {
  enum { STRIDE = WIDTH + 37 };
  clip c = clip_of(WIDTH, HEIGHT), again = clip_of(WIDTH, HEIGHT);
  uint8_t *const wide = malloc(STRIDE * HEIGHT);
  muzero_rc_lookahead *lookahead = NULL;
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, (uint32_t)t / 15, t * t / 7, t);
  look(&c);
  CHECK_EQ(muzero_rc_lookahead_open(WIDTH, HEIGHT, &lookahead), 0);
  for (int t = 0; t < FRAMES; ++t) {
    memset(wide, t, STRIDE * HEIGHT);
    for (int y = 0; y < HEIGHT; ++y)
      memcpy(wide + y * STRIDE, c.luma + (t * HEIGHT + y) * WIDTH, WIDTH);
    muzero_rc_lookahead_push(lookahead, wide, STRIDE, &again.frames[t]);
  }
  CHECK(!memcmp(c.frames, again.frames, sizeof(c.frames)));
  muzero_rc_lookahead_close(&lookahead);
  CHECK(!lookahead);
  muzero_rc_lookahead_close(&lookahead);
  free(wide);
  free(again.luma);
  free(c.luma);
}

static void test_odd_and_tiny_sizes(void) {
  static const int kSizes[][2] = {{1, 1}, {8, 8}, {2, 50}, {17, 15}, {33, 47}, {65, 9}, {400, 3}};
  for (size_t i = 0; i < sizeof(kSizes) / sizeof(*kSizes); ++i) {
    clip c = clip_of(kSizes[i][0], kSizes[i][1]);
    for (int t = 0; t < FRAMES; ++t) draw(&c, t, (uint32_t)t / 20, t, 0);
    look(&c);
    for (int t = 0; t < FRAMES; ++t) {
      const muzero_rc_lookahead_frame *const frame = &c.frames[t];
      for (int d = 0; d < MUZERO_RC_DISTANCES; ++d) {
        CHECK_EQ(frame->inter[d] == MUZERO_RC_UNKNOWN, t < 1 << d);
        CHECK(frame->inter[d] <= frame->intra);
      }
    }
    free(c.luma);
  }
}

static void test_impossible_sizes_are_refused(void) {
  muzero_rc_lookahead *lookahead = NULL;
  CHECK_EQ(muzero_rc_lookahead_open(0, 8, &lookahead), -EINVAL);
  CHECK_EQ(muzero_rc_lookahead_open(8, -1, &lookahead), -EINVAL);
  CHECK_EQ(muzero_rc_lookahead_open(8, 100000, &lookahead), -EINVAL);
  CHECK(!lookahead);
}

static void test_candidates_end_with_the_clip(void) {
  clip c = clip_of(64, 48);
  muzero_rc_gop_candidate candidate;
  for (int t = 0; t < FRAMES; ++t) draw(&c, t, 3, t, 0);
  look(&c);
  for (int start = 0; start < FRAMES; ++start)
    for (int length = 1; length < 30; ++length) {
      const bool fits = start + length < FRAMES;
      CHECK_EQ(muzero_rc_gop_candidate_of(c.frames, FRAMES, start, length, &candidate), fits);
      CHECK_EQ(candidate.far == MUZERO_RC_UNKNOWN, !fits);
      CHECK(!fits || (candidate.inside >= 0 && candidate.inside <= candidate.inside_intra));
    }
  CHECK(!muzero_rc_gop_candidate_of(c.frames, 1, 0, 1, &candidate));
  CHECK(!muzero_rc_gop_candidate_of(c.frames, FRAMES, 0, 0, &candidate));
  CHECK(!muzero_rc_gop_candidate_of(c.frames, FRAMES, -1, 4, &candidate));
  free(c.luma);
}

int main(void) {
  test_costs_of_known_blocks();
  test_a_moved_picture_has_its_vectors();
  test_a_still_picture_costs_nothing();
  test_motion_is_followed_over_distances();
  test_a_cut_is_seen_as_a_cut();
  test_a_flash_is_no_cut();
  test_a_fade_and_noise_are_told_apart();
  test_numbers_depend_on_pixels_only();
  test_odd_and_tiny_sizes();
  test_impossible_sizes_are_refused();
  test_candidates_end_with_the_clip();
  return check_result();
}
