/* 10 and 12 bits: the same decisions in finer qindexes, and frames that become 8 bits for who looks at them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "features/feature_table.h"
#include "rate_control/clip_state.h"
#include "rate_control/frame_traits.h"
#include "rate_control/quantizer.h"
#include "vpx/abi/release.h"
#include "vpx/image.h"

#include "check.h"

enum { FRAMES = 24, WIDTH = 5, HEIGHT = 3 };

static muzero_rc_frame_stats stats[FRAMES];

static void fill_stats(void) {
  for (int i = 0; i < FRAMES; ++i) {
    double *const field = stats[i].field;
    field[MUZERO_RC_STAT_INTRA_ERROR] = 600.0 + 10.0 * (i % 7);
    field[MUZERO_RC_STAT_CODED_ERROR] = i ? 80.0 + 5.0 * (i % 5) : 600.0;
    field[MUZERO_RC_STAT_SECOND_REF_ERROR] = i ? 100.0 : 600.0;
    field[MUZERO_RC_STAT_INTER] = i ? 0.95 : 0.0;
    field[MUZERO_RC_STAT_DURATION] = 1e7 / 30.0;
  }
}

static muzero_rc_clip_state *opened(int32_t bit_depth, int32_t error_depth) {
  const muzero_rc_clip clip = {.width = 352,
                               .height = 288,
                               .frame_count = FRAMES,
                               .target_kbps = 300,
                               .bit_depth = bit_depth,
                               .error_depth = error_depth};
  muzero_rc_clip_state *state = NULL;
  return muzero_rc_clip_state_open(&clip, stats, &state) ? NULL : state;
}

/* Codes some frames, each at the qindex with the step of `taken` at 8 bits, with the same bits and
 * the same quality at every depth; the features of the last but one are in `features`. */
static void code(muzero_rc_clip_state *state, int32_t depth, int32_t error_depth, float *steps,
                 float *features) {
  for (int32_t i = 0; i < 6; ++i) {
    const muzero_rc_frame_request request = {.frame_type = i ? MUZERO_RC_INTER : MUZERO_RC_KEY,
                                             .show_index = i,
                                             .coding_index = i,
                                             .gop_index = i,
                                             .ref_coding_index = {i - 1, 0, 0},
                                             .ref_valid = {i > 0, i > 0, i > 0}};
    muzero_rc_clip_state_begin(state, &request);
    steps[i] = muzero_rc_qindex_to_step(muzero_rc_clip_state_q_ref(state), depth);
    if (i == 5) muzero_rc_observe_step(state, muzero_rc_feature_version(), features);
    const int32_t asked = muzero_rc_qindex_at(100 + i, 8, depth);
    const int32_t used = muzero_rc_clip_state_commit(state, asked, false);
    CHECK_EQ(used, asked);
    const int64_t sse = (int64_t)(1000000 + 1000 * i) << (2 * (error_depth - 8));
    const muzero_rc_frame_result result = {
        .sse = sse, .bits = i ? 4000 : 60000, .pixels = 152064, .qindex = used};
    muzero_rc_clip_state_end(state, &result);
  }
}

static void test_decisions_and_features_are_those_of_8_bits(void) {
  const int32_t depths[][2] = {{0, 0}, {10, 10}, {12, 12}, {10, 8}};
  enum { ROOM = 256 };
  float steps[4][6], features[4][ROOM];
  CHECK(muzero_rc_step_features().count <= ROOM);
  for (int i = 0; i < 4; ++i) {
    muzero_rc_clip_state *state = opened(depths[i][0], depths[i][1]);
    const int32_t depth = i ? depths[i][0] : 8, errors = i ? depths[i][1] : 8;
    CHECK(state && muzero_rc_clip_state_bit_depth(state) == depth);
    code(state, depth, errors, steps[i], features[i]);
    muzero_rc_clip_state_close(&state);
  }
  for (int i = 1; i < 4; ++i) {
    for (int frame = 0; frame < 6; ++frame) CHECK(fabsf(steps[i][frame] - steps[0][frame]) < 0.05f);
    for (int32_t j = 0; j < muzero_rc_step_features().count; ++j)
      CHECK(fabsf(features[i][j] - features[0][j]) < 0.05f);
  }
}

static void test_other_depths_are_refused(void) {
  CHECK(!opened(9, 0));
  CHECK(!opened(16, 0));
  CHECK(!opened(8, 10)); /* no error is finer than what is coded */
  CHECK(!opened(10, 7));
}

static void test_qindexes_keep_their_step(void) {
  for (int32_t depth = 10; depth <= 12; depth += 2) {
    CHECK_EQ(muzero_rc_qindex_at(255, 8, depth), 255);
    int32_t before = 0;
    for (int32_t qindex = 1; qindex <= 255; ++qindex) {
      const int32_t same = muzero_rc_qindex_at(qindex, 8, depth);
      const float gap = muzero_rc_qindex_to_step(same, depth) - muzero_rc_qindex_to_step(qindex, 8);
      CHECK(same >= before && fabsf(gap) < 0.1f);
      before = same;
    }
  }
  CHECK(muzero_rc_qindex_to_step(1, 12) < muzero_rc_qindex_to_step(1, 10));
  CHECK(muzero_rc_qindex_to_step(1, 10) < 0.0f);
}

static void test_images_become_8_bits(void) {
  for (int32_t depth = 10; depth <= 12; depth += 2) {
    const size_t samples = muzero_rc_image_bytes(WIDTH, HEIGHT, 8);
    CHECK_EQ(muzero_rc_image_bytes(WIDTH, HEIGHT, depth), 2 * samples);
    uint16_t *const frame = malloc(2 * samples);
    uint8_t *const narrow = malloc(samples);
    CHECK(frame && narrow);
    for (size_t i = 0; i < samples; ++i)
      frame[i] = (uint16_t)((i * 9 + 3) << (depth - 8) | (size_t)(depth - 9));
    const vpx_image_t image = muzero_rc_image_of(WIDTH, HEIGHT, depth, (const uint8_t *)frame);
    CHECK(image.fmt == VPX_IMG_FMT_I42016 && image.stride[0] == 2 * WIDTH);
    muzero_rc_image_copy(&image, depth, narrow);
    for (size_t i = 0; i < samples; ++i) CHECK_EQ(narrow[i], (uint8_t)(i * 9 + 3));
    free(narrow);
    free(frame);
  }
}

static void test_samples_beyond_their_depth_are_cut(void) {
  const uint16_t wild[6] = {65535, 1024, 1023, 0, 65535, 65535};
  uint8_t narrow[6];
  const vpx_image_t image = muzero_rc_image_of(2, 2, 10, (const uint8_t *)wild);
  muzero_rc_image_copy(&image, 10, narrow);
  CHECK(narrow[0] == 255 && narrow[1] == 255 && narrow[2] == 255 && narrow[3] == 0);
}

static void test_whose_filter_spoils_pictures(void) {
  char error[256];
  const muzero_rc_release *const old = muzero_rc_release_of("v1.12.0", 25, error, sizeof(error));
  const muzero_rc_release *const mended = muzero_rc_release_of("v1.14.0", 34, error, sizeof(error));
  CHECK(muzero_rc_filter_spoils(old, 12) && !muzero_rc_filter_spoils(old, 10));
  CHECK(!muzero_rc_filter_spoils(mended, 12) && !muzero_rc_filter_spoils(NULL, 12));
}

int main(void) {
  fill_stats();
  test_decisions_and_features_are_those_of_8_bits();
  test_other_depths_are_refused();
  test_qindexes_keep_their_step();
  test_images_become_8_bits();
  test_samples_beyond_their_depth_are_cut();
  test_whose_filter_spoils_pictures();
  return check_result();
}
