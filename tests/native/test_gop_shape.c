/* The rules of GOP shapes, and where the tracker says that libvpx stands. */
#include "check.h"
#include "rate_control/gop_schedule.h"
#include "rate_control/gop_shape.h"
#include "rate_control/gop_tracker.h"

static bool takes(int32_t length, int32_t layers, int32_t strength, int32_t frames, int32_t lag) {
  const muzero_rc_gop_shape shape = {length, layers, strength, frames};
  return muzero_rc_gop_shape_is_valid(&shape, lag);
}

static void test_ranges(void) {
  const muzero_rc_gop_shape own = MUZERO_RC_OWN_SHAPE;
  CHECK(muzero_rc_gop_shape_is_valid(&own, 25));
  CHECK(takes(4, 1, 0, 0, 25) && takes(23, 6, 6, 15, 25) && takes(0, 0, -1, -1, 6));
  CHECK(!takes(3, 1, 0, 0, 25) && !takes(24, 1, 0, 0, 25) && !takes(-1, 1, 0, 0, 25));
  CHECK(!takes(5, 1, 0, 0, 6) && takes(4, 1, 0, 0, 6));
  CHECK(!takes(8, 7, 0, 0, 25) && !takes(8, -2, 0, 0, 25));
  CHECK(!takes(8, 1, 7, 0, 25) && !takes(8, 1, 0, 16, 25));
}

static int32_t fit(int32_t length, int32_t left, bool flush) {
  const muzero_rc_shape_question question = {.frames_left = left, .flush = flush};
  return muzero_rc_gop_length_fit(length, &question);
}

static void test_a_length_keeps_its_alt_ref(void) {
  CHECK_EQ(fit(0, 20, false), 0);
  CHECK_EQ(fit(16, 100, false), 16);
  CHECK_EQ(fit(16, 16, false), 16);
  CHECK_EQ(fit(16, 7, false), 7);
  CHECK_EQ(fit(16, 3, false), 0);
  CHECK_EQ(fit(16, -1, false), 0);
}

/* In the flush every GOP has its alt-ref, but for a rest of three frames. */
static void test_a_flush_leaves_no_flat_tail(void) {
  CHECK_EQ(fit(8, 24, true), 8);
  CHECK_EQ(fit(8, 23, true), 8);  /* 8, 8 and 7, which is enough */
  CHECK_EQ(fit(16, 19, true), 16);
  CHECK_EQ(fit(16, 22, true), 11);
  CHECK_EQ(fit(0, 22, true), 0);
  for (int32_t left = 4; left < 25; ++left)
    for (int32_t length = 4; length < 24; ++length) {
      const int32_t fitted = fit(length, left, true);
      CHECK(fitted >= MUZERO_RC_SHAPE_SHORTEST && fitted <= length && fitted <= left);
      const int32_t rest = left % fitted;
      CHECK(rest < MUZERO_RC_SHAPE_SHORTEST || rest == fitted - 1);
    }
}

static void code(muzero_rc_gop_tracker *tracker, int32_t type, int32_t show, int32_t gop_index) {
  const muzero_rc_frame_request request = {
      .frame_type = type, .show_index = show, .gop_index = gop_index};
  muzero_rc_gop_tracker_request(tracker, &request);
  muzero_rc_gop_tracker_result(tracker);
}

static void test_a_pyramid_ends_with_its_alt_ref_shown(void) {
  muzero_rc_gop_tracker tracker;
  muzero_rc_gop_tracker_init(&tracker);
  CHECK(tracker.begun == 0 && tracker.shown == -1 && tracker.alt_ref == -1);
  code(&tracker, MUZERO_RC_KEY, 0, 0);
  code(&tracker, MUZERO_RC_ALTREF, 4, 1);
  code(&tracker, MUZERO_RC_ALTREF, 2, 2);
  CHECK(tracker.begun == 1 && tracker.alt_ref == 4 && tracker.shown == 0 && tracker.key == 0);
  code(&tracker, MUZERO_RC_INTER, 1, 3);
  muzero_rc_gop_tracker_result(&tracker);
  CHECK(tracker.begun == 1 && tracker.shown == 2);
  code(&tracker, MUZERO_RC_INTER, 3, 5);
  muzero_rc_gop_tracker_result(&tracker);
  CHECK(tracker.begun == 2 && tracker.start == 4 && tracker.shown == 4 && tracker.alt_ref == -1);
  code(&tracker, MUZERO_RC_ALTREF, 9, 1);
  CHECK(tracker.begun == 2 && tracker.alt_ref == 9);
}

static void test_overlays_golden_and_key_frames_begin_gops(void) {
  muzero_rc_gop_tracker tracker;
  muzero_rc_gop_tracker_init(&tracker);
  code(&tracker, MUZERO_RC_KEY, 0, 0);
  code(&tracker, MUZERO_RC_ALTREF, 2, 1);
  code(&tracker, MUZERO_RC_INTER, 1, 2);
  code(&tracker, MUZERO_RC_OVERLAY, 2, 0);
  CHECK(tracker.begun == 2 && tracker.start == 2 && tracker.hidden_count == 0);
  code(&tracker, MUZERO_RC_INTER, 3, 1);
  code(&tracker, MUZERO_RC_GOLDEN, 4, 0);
  CHECK(tracker.begun == 3 && tracker.start == 4 && tracker.alt_ref == -1);
  code(&tracker, MUZERO_RC_KEY, 5, 0);
  CHECK(tracker.begun == 4 && tracker.key == 5 && tracker.shown == 5);
}

static void test_any_order_is_survived(void) {
  muzero_rc_gop_tracker tracker;
  uint32_t random = 1;
  muzero_rc_gop_tracker_init(&tracker);
  for (int i = 0; i < 100000; ++i) {
    random = random * 1664525u + 1013904223u;
    if (random >> 31)
      muzero_rc_gop_tracker_result(&tracker);
    else
      code(&tracker, (int32_t)(random >> 8) % 5, (int32_t)(random >> 16) % 40,
           (int32_t)(random >> 24) % 9);
    CHECK(tracker.hidden_count >= 0 && tracker.hidden_count <= MUZERO_RC_MAX_HIDDEN);
  }
}

static void begin(muzero_rc_gop_schedule *schedule, int32_t type, int32_t show, int32_t gop_index) {
  const muzero_rc_frame_request request = {
      .frame_type = type, .show_index = show, .gop_index = gop_index};
  muzero_rc_gop_schedule_begin(schedule, &request);
}

/* A planned GOP is foreseen from its first frame on. */
static void test_the_schedule_knows_what_is_planned(void) {
  muzero_rc_gop_schedule schedule;
  muzero_rc_planned_frame ahead[MUZERO_RC_MAX_GOP];
  muzero_rc_gop_schedule_init(&schedule, 100);
  muzero_rc_gop_schedule_plan(&schedule, 10, 2);
  begin(&schedule, MUZERO_RC_KEY, 0, 0);
  CHECK_EQ(schedule.gop_end, 10);
  CHECK_EQ(muzero_rc_gop_schedule_ahead(&schedule, ahead), 10);
  CHECK_EQ(ahead[0].show_index, 10);
  CHECK_EQ(ahead[1].show_index, 5);
  CHECK_EQ(ahead[1].layer, MUZERO_RC_LAYER_SECOND);
  for (int i = 2; i < 10; ++i) CHECK_EQ(ahead[i].layer, MUZERO_RC_LAYER_LEAF); /* two layers */
  muzero_rc_gop_schedule_end(&schedule);
  CHECK_EQ(schedule.pyramid, -1); /* what was asked for says nothing of libvpx's own */
  muzero_rc_gop_schedule_plan(&schedule, 0, -1);
  begin(&schedule, MUZERO_RC_KEY, 20, 0);
  CHECK_EQ(schedule.gop_end, 20 + MUZERO_RC_USUAL_GOP);
  CHECK_EQ(schedule.layers, 0);
}

int main(void) {
  test_ranges();
  test_a_length_keeps_its_alt_ref();
  test_a_flush_leaves_no_flat_tail();
  test_a_pyramid_ends_with_its_alt_ref_shown();
  test_overlays_golden_and_key_frames_begin_gops();
  test_any_order_is_survived();
  test_the_schedule_knows_what_is_planned();
  return check_result();
}
