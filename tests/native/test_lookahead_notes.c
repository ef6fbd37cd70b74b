/* What the lookahead says goes into first-pass statistics and comes back rounded; anything else
 * is no note. */
#include "rate_control/lookahead_notes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lookahead/codes.h"
#include "rate_control/frame_traits.h"
#include "vpx/convert.h"
#include "vpx/image.h"
#include "vpx/lookahead_worker.h"

enum { WIDTH = 72, HEIGHT = 50, FRAMES = 40, FIELDS = sizeof(muzero_rc_lookahead_frame) / 4 };

static uint32_t state = 1;

static int32_t draw(int32_t below) {
  state = state * 1664525u + 1013904223u;
  return (int32_t)(state >> 8) % below;
}

static muzero_rc_lookahead_frame some_frame(void) {
  muzero_rc_lookahead_frame frame = {.luma = draw(4081), .intra = 100 << draw(11)};
  frame.intra += draw(frame.intra);
  frame.noise = draw(frame.intra);
  for (int i = 0; i < MUZERO_RC_DISTANCES; ++i) {
    frame.inter[i] = draw(frame.intra + 1) >> draw(6);
    frame.still[i] = draw(1025);
    frame.fresh[i] = draw(1025 - frame.still[i]);
  }
  for (int i = 0; i < MUZERO_RC_PYRAMIDS; ++i) {
    frame.both[i] = draw(frame.intra + 1) >> draw(6);
    frame.worth_far[i] = draw((2 << i) * frame.intra);
    frame.worth_near[i] = draw((2 << i) * frame.intra);
  }
  return frame;
}

static muzero_rc_frame_stats some_stats(int32_t show) {
  muzero_rc_frame_stats stats;
  for (int i = 0; i < MUZERO_RC_STATS_FIELDS; ++i) stats.field[i] = 0.37 * i + 1e-3 * show;
  stats.field[MUZERO_RC_STAT_FRAME] = show;
  stats.field[MUZERO_RC_STAT_INACTIVE_COLUMNS] = 0.0;
  stats.field[MUZERO_RC_STAT_DURATION] = 333333.0;
  stats.field[MUZERO_RC_STAT_COUNT] = 1.0;
  return stats;
}

static int differs(int32_t found, int32_t expected, int percent, int32_t floor) {
  return abs(found - expected) > (int64_t)abs(expected) * percent / 100 + floor;
}

static void test_codes_round_and_no_more(void) {
  for (int trial = 0; trial < 5000; ++trial) {
    const muzero_rc_lookahead_frame frame = some_frame();
    const muzero_rc_lookahead_code code = muzero_rc_lookahead_encode(&frame);
    const muzero_rc_lookahead_frame back = muzero_rc_lookahead_decode(&code, 1000);
    const int32_t least = frame.intra / 150 + 1; /* 7.75 octaves below it */
    CHECK(!(code.words[2] >> (MUZERO_RC_LOOKAHEAD_CODE_BITS - 128)));
    CHECK(!differs(back.intra, frame.intra, 3, 1));
    CHECK(!differs(back.luma, frame.luma, 0, 8));
    CHECK(!differs(back.noise, frame.noise, 9, least));
    for (int i = 0; i < MUZERO_RC_DISTANCES; ++i)
      CHECK(!differs(back.inter[i], frame.inter[i], 9, least));
    for (int i = 0; i < MUZERO_RC_PYRAMIDS; ++i) {
      CHECK(!differs(back.both[i], frame.both[i], 9, least));
      CHECK(i == 0 || frame.worth_far[i] > 14 * frame.intra ||
            !differs(back.worth_far[i], frame.worth_far[i], 8, frame.intra / 16));
      CHECK(!differs(back.fresh[i], frame.fresh[i], 0, 35));
    }
    /* What is read is noted as it is. */
    const muzero_rc_lookahead_code again = muzero_rc_lookahead_encode(&back);
    const muzero_rc_lookahead_frame same = muzero_rc_lookahead_decode(&again, 1000);
    CHECK(!differs(same.inter[2], back.inter[2], 9, 1));
  }
}

static void test_extremes_are_coded(void) {
  muzero_rc_lookahead_frame frame = {0};
  muzero_rc_lookahead_code code = muzero_rc_lookahead_encode(&frame);
  muzero_rc_lookahead_frame back = muzero_rc_lookahead_decode(&code, 100);
  CHECK(!memcmp(&back, &frame, sizeof(frame)));
  for (size_t i = 0; i < FIELDS; ++i) ((int32_t *)&frame)[i] = INT32_MAX;
  code = muzero_rc_lookahead_encode(&frame);
  back = muzero_rc_lookahead_decode(&code, 100);
  for (size_t i = 0; i < FIELDS; ++i) CHECK(((int32_t *)&back)[i] >= 0);
  for (size_t i = 0; i < FIELDS; ++i) ((int32_t *)&frame)[i] = MUZERO_RC_UNKNOWN;
  frame.intra = 5000;
  code = muzero_rc_lookahead_encode(&frame);
  back = muzero_rc_lookahead_decode(&code, 0);
  CHECK_EQ(back.inter[0], MUZERO_RC_UNKNOWN);
  CHECK_EQ(back.noise, MUZERO_RC_UNKNOWN);
  back = muzero_rc_lookahead_decode(&code, 8);
  CHECK(back.inter[3] != MUZERO_RC_UNKNOWN && back.inter[4] == MUZERO_RC_UNKNOWN);
  CHECK(back.both[2] != MUZERO_RC_UNKNOWN && back.both[3] == MUZERO_RC_UNKNOWN);
}

static void test_what_is_noted_is_read(void) {
  static const int32_t kFrames[] = {0, 1, 17, 4095, 1048575};
  for (size_t i = 0; i < sizeof(kFrames) / sizeof(*kFrames); ++i) {
    const int32_t show = kFrames[i];
    for (int trial = 0; trial < 500; ++trial) {
      const muzero_rc_frame_stats before = some_stats(show);
      const muzero_rc_lookahead_frame told = some_frame();
      const muzero_rc_lookahead_code code = muzero_rc_lookahead_encode(&told);
      const muzero_rc_lookahead_frame expected = muzero_rc_lookahead_decode(&code, show);
      muzero_rc_frame_stats stats = before;
      muzero_rc_lookahead_frame noted;
      CHECK(!muzero_rc_lookahead_note_read(&stats, show, &noted));
      muzero_rc_lookahead_note_write(&stats, show, &told);
      muzero_rc_lookahead_note_write(&stats, show, &told); /* over itself */
      CHECK(muzero_rc_lookahead_note_read(&stats, show, &noted));
      CHECK(!memcmp(&noted, &expected, sizeof(noted)));
      CHECK(!muzero_rc_lookahead_note_read(&stats, show + 1, &noted));
      CHECK_EQ((int32_t)stats.field[MUZERO_RC_STAT_FRAME], show);
      CHECK(muzero_rc_shown_seconds(&stats, 1) == muzero_rc_shown_seconds(&before, 1));
      /* As libvpx's second pass reads the columns. */
      const double columns = stats.field[MUZERO_RC_STAT_INACTIVE_COLUMNS];
      CHECK(!(columns > 0) && (int)(columns * 2) == 0);
      CHECK(fabs(stats.field[MUZERO_RC_STAT_COUNT] - 1.0) < 0.07);
      stats.field[MUZERO_RC_STAT_COUNT] += 0x1p-40;
      CHECK(!muzero_rc_lookahead_note_read(&stats, show, &noted));
    }
  }
}

static void test_numbers_without_room_are_left_alone(void) {
  static const double kFrames[] = {-1.0, 1048576.0, INFINITY, NAN};
  static const double kDurations[] = {-5.0, 268435456.0, INFINITY, NAN};
  const muzero_rc_lookahead_frame told = some_frame();
  for (int i = 0; i < 8; ++i) {
    muzero_rc_frame_stats stats = some_stats(3);
    if (i < 4)
      stats.field[MUZERO_RC_STAT_FRAME] = kFrames[i];
    else
      stats.field[MUZERO_RC_STAT_DURATION] = kDurations[i - 4];
    const muzero_rc_frame_stats before = stats;
    muzero_rc_lookahead_frame noted;
    muzero_rc_lookahead_note_write(&stats, 3, &told);
    CHECK(!memcmp(&stats, &before, sizeof(stats)));
    CHECK(!muzero_rc_lookahead_note_read(&stats, 3, &noted));
  }
}

static void test_one_frame_without_a_note_and_none_counts(void) {
  muzero_rc_frame_stats stats[FRAMES];
  muzero_rc_lookahead_frame frames[FRAMES];
  for (int32_t show = 0; show < FRAMES; ++show) {
    const muzero_rc_lookahead_frame told = some_frame();
    stats[show] = some_stats(show);
    muzero_rc_lookahead_note_write(&stats[show], show, &told);
  }
  CHECK(muzero_rc_lookahead_notes_read(stats, FRAMES, frames));
  CHECK(frames[7].intra > 0);
  stats[FRAMES - 1] = some_stats(FRAMES - 1);
  CHECK(!muzero_rc_lookahead_notes_read(stats, FRAMES, frames));
  CHECK_EQ(frames[7].intra, 0);
}

static void draw_frame(const vpx_image_t *image, int t) {
  for (int y = 0; y < HEIGHT; ++y)
    for (int x = 0; x < WIDTH; ++x)
      image->planes[VPX_PLANE_Y][y * image->stride[VPX_PLANE_Y] + x] =
          (unsigned char)((x + 2 * t) * (y + 3) % 251);
}

/* The worker says what the lookahead says, however many frames the first pass holds back. */
static void test_a_worker_notes_every_frame(void) {
  for (int held = 0; held < 30; held += 29) {
    uint8_t *const frame = calloc(1, muzero_rc_image_bytes(WIDTH, HEIGHT, 8));
    const vpx_image_t image = muzero_rc_image_of(WIDTH, HEIGHT, 8, frame);
    muzero_rc_lookahead_worker *worker = muzero_rc_lookahead_worker_open(WIDTH, HEIGHT, 8);
    muzero_rc_lookahead *lookahead = NULL;
    muzero_rc_lookahead_frame told[FRAMES];
    CHECK(frame && worker && !muzero_rc_lookahead_open(WIDTH, HEIGHT, &lookahead));
    for (int t = 0, next = 0; next <= FRAMES; ++t) {
      if (t < FRAMES) {
        draw_frame(&image, t);
        muzero_rc_lookahead_push(lookahead, image.planes[VPX_PLANE_Y], image.stride[VPX_PLANE_Y],
                                 &told[t]);
        muzero_rc_lookahead_worker_frame(worker, &image);
        memset(image.planes[VPX_PLANE_Y], t, (size_t)image.stride[VPX_PLANE_Y] * HEIGHT);
      }
      if (t < held) continue;
      char record[sizeof(muzero_rc_frame_stats) + 8] = {0};
      const vpx_fixed_buf_t packet = {.buf = record, .sz = sizeof(record)};
      muzero_rc_frame_stats stats = some_stats(next);
      memcpy(record, &stats, sizeof(stats));
      muzero_rc_lookahead_worker_note(worker, &packet);
      muzero_rc_lookahead_frame noted;
      CHECK(muzero_rc_packet_stats(&packet, &stats));
      const bool has_note = muzero_rc_lookahead_note_read(&stats, next, &noted);
      CHECK_EQ(has_note, next < FRAMES); /* the last is the closing total */
      if (has_note) {
        const muzero_rc_lookahead_code code = muzero_rc_lookahead_encode(&told[next]);
        const muzero_rc_lookahead_frame expected = muzero_rc_lookahead_decode(&code, next);
        CHECK(!memcmp(&noted, &expected, sizeof(noted)));
      }
      ++next;
    }
    muzero_rc_lookahead_close(&lookahead);
    muzero_rc_lookahead_worker_close(&worker);
    CHECK(!worker);
    muzero_rc_lookahead_worker_close(&worker);
    free(frame);
  }
}

static void test_another_size_ends_the_notes(void) {
  uint8_t *const frame = calloc(1, muzero_rc_image_bytes(WIDTH, HEIGHT, 8));
  const vpx_image_t image = muzero_rc_image_of(WIDTH, HEIGHT, 8, frame);
  muzero_rc_lookahead_worker *worker = muzero_rc_lookahead_worker_open(WIDTH, HEIGHT + 2, 8);
  char record[sizeof(muzero_rc_frame_stats) + 8] = {0};
  const char before[sizeof(record)] = {0};
  const vpx_fixed_buf_t packet = {.buf = record, .sz = sizeof(record)};
  CHECK(frame && worker);
  draw_frame(&image, 0);
  muzero_rc_lookahead_worker_frame(worker, &image);
  muzero_rc_lookahead_worker_note(worker, &packet);
  CHECK(!memcmp(record, before, sizeof(record)));
  muzero_rc_lookahead_worker_close(&worker);
  free(frame);
}

int main(void) {
  test_codes_round_and_no_more();
  test_extremes_are_coded();
  test_what_is_noted_is_read();
  test_numbers_without_room_are_left_alone();
  test_one_frame_without_a_note_and_none_counts();
  test_a_worker_notes_every_frame();
  test_another_size_ends_the_notes();
  return check_result();
}
