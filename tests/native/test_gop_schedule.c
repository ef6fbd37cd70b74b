/* The schedule against what libvpx 1.12 asked for with auto-alt-ref 6 and 1. */
#include <string.h>

#include "check.h"
#include "rate_control/gop_schedule.h"

static muzero_rc_frame_request request(int32_t type, int32_t show, int32_t gop_index) {
  return (muzero_rc_frame_request){.frame_type = type, .show_index = show, .gop_index = gop_index};
}

static void code(muzero_rc_gop_schedule *schedule, int32_t type, int32_t show, int32_t gop_index) {
  const muzero_rc_frame_request asked = request(type, show, gop_index);
  muzero_rc_gop_schedule_begin(schedule, &asked);
  muzero_rc_gop_schedule_end(schedule);
}

static void first_pyramid_gop_is_foreseen(void) {
  static const struct { int32_t type, show, layer; } coded[] = {
      {2, 7, 2}, {2, 4, 3}, {2, 2, 4}, {1, 1, 5}, {-1, 2, 0}, {1, 3, 5},  {-1, 4, 0}, {1, 5, 5},
      {1, 6, 5}, {-1, 7, 0}, {2, 11, 3}, {2, 9, 4}, {1, 8, 5}, {-1, 9, 0}, {1, 10, 5},
      {-1, 11, 0}, {1, 12, 5}, {1, 13, 5}};
  muzero_rc_gop_schedule schedule;
  muzero_rc_planned_frame ahead[MUZERO_RC_MAX_GOP];
  muzero_rc_gop_schedule_init(&schedule, 100);
  code(&schedule, MUZERO_RC_KEY, 0, 0);
  const muzero_rc_frame_request top = request(MUZERO_RC_ALTREF, 14, 1);
  muzero_rc_gop_schedule_begin(&schedule, &top);
  CHECK_EQ(schedule.pending.layer, MUZERO_RC_LAYER_TOP);
  CHECK_EQ(schedule.pending.past, 14);
  CHECK_EQ(schedule.gop_end, 14);
  const int32_t count = muzero_rc_gop_schedule_ahead(&schedule, ahead);
  muzero_rc_gop_schedule_end(&schedule);
  int32_t next = 0;
  for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); ++i) {
    if (coded[i].type < 0) {
      muzero_rc_gop_schedule_show_existing(&schedule);
      CHECK_EQ(schedule.shown, coded[i].show);
      continue;
    }
    const muzero_rc_frame_request asked = request(coded[i].type, coded[i].show, 2 + (int32_t)i);
    muzero_rc_gop_schedule_begin(&schedule, &asked);
    CHECK_EQ(schedule.pending.layer, coded[i].layer);
    CHECK(next < count);
    CHECK_EQ(ahead[next].show_index, coded[i].show);
    CHECK_EQ(ahead[next].layer, coded[i].layer);
    CHECK_EQ(ahead[next].past, schedule.pending.past);
    CHECK_EQ(ahead[next].ahead, schedule.pending.ahead);
    ++next;
    muzero_rc_gop_schedule_end(&schedule);
  }
  CHECK_EQ(next, count);
  CHECK_EQ(schedule.pyramid, 1);
}

static void next_gop_starts_without_overlay(void) {
  muzero_rc_gop_schedule schedule;
  muzero_rc_gop_schedule_init(&schedule, 100);
  code(&schedule, MUZERO_RC_KEY, 0, 0);
  code(&schedule, MUZERO_RC_ALTREF, 2, 1);
  code(&schedule, MUZERO_RC_INTER, 1, 2);
  muzero_rc_gop_schedule_show_existing(&schedule);
  CHECK_EQ(schedule.shown, 2);
  code(&schedule, MUZERO_RC_ALTREF, 18, 1);
  CHECK_EQ(schedule.pending.layer, MUZERO_RC_LAYER_TOP);
  CHECK_EQ(schedule.gop_start, 2);
  CHECK_EQ(schedule.gop_end, 18);
}

static void flat_gop_is_learned(void) {
  muzero_rc_gop_schedule schedule;
  muzero_rc_planned_frame ahead[MUZERO_RC_MAX_GOP];
  muzero_rc_gop_schedule_init(&schedule, 100);
  code(&schedule, MUZERO_RC_KEY, 0, 0);
  code(&schedule, MUZERO_RC_ALTREF, 14, 1);
  CHECK_EQ(schedule.pyramid, -1);
  const muzero_rc_frame_request leaf = request(MUZERO_RC_INTER, 1, 2);
  muzero_rc_gop_schedule_begin(&schedule, &leaf);
  CHECK_EQ(schedule.pyramid, 0);
  CHECK_EQ(muzero_rc_gop_schedule_ahead(&schedule, ahead), 12);
  for (int32_t i = 0; i < 12; ++i) {
    CHECK_EQ(ahead[i].show_index, 2 + i);
    CHECK_EQ(ahead[i].layer, MUZERO_RC_LAYER_LEAF);
    CHECK_EQ(ahead[i].ahead, 12 - i);
  }
}

static void any_request_is_survived(void) {
  uint32_t random = 1;
  muzero_rc_gop_schedule schedule;
  muzero_rc_planned_frame ahead[MUZERO_RC_MAX_GOP];
  muzero_rc_gop_schedule_init(&schedule, 40);
  for (int32_t i = 0; i < 200000; ++i) {
    random = random * 1664525u + 1013904223u;
    const muzero_rc_frame_request asked =
        request((int32_t)(random >> 8) % 5, (int32_t)(random >> 16) % 40, (int32_t)(random >> 24) % 9);
    muzero_rc_gop_schedule_begin(&schedule, &asked);
    const int32_t count = muzero_rc_gop_schedule_ahead(&schedule, ahead);
    CHECK(count >= 0 && count <= MUZERO_RC_MAX_GOP);
    for (int32_t j = 0; j < count; ++j) {
      CHECK(ahead[j].show_index >= 0 && ahead[j].show_index < 40);
      CHECK(ahead[j].layer >= 0 && ahead[j].layer < MUZERO_RC_LAYERS);
    }
    muzero_rc_gop_schedule_end(&schedule);
    if (random & 1024u) muzero_rc_gop_schedule_show_existing(&schedule);
    CHECK(schedule.hidden_count >= 0 && schedule.hidden_count <= MUZERO_RC_MAX_HIDDEN);
  }
}

static void gop_pattern_codes_every_frame_once(void) {
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
  for (int32_t length = 1; length <= 25; ++length) {
    for (int32_t layers = 1; layers <= MUZERO_RC_MAX_HIDDEN; ++layers) {
      bool seen[32] = {false};
      const int32_t count = muzero_rc_gop_pattern(10, 10 + length, layers, frames);
      CHECK_EQ(count, length);
      for (int32_t i = 0; i < count; ++i) {
        const int32_t place = frames[i].show_index - 10;
        CHECK(place >= 1 && place <= length && !seen[place]);
        seen[place] = true;
      }
    }
  }
}

int main(void) {
  first_pyramid_gop_is_foreseen();
  next_gop_starts_without_overlay();
  flat_gop_is_learned();
  any_request_is_survived();
  gop_pattern_codes_every_frame_once();
  return check_result();
}
