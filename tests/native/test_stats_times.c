/* Durations in the statistics of a first pass whose program says one tick of every frame. */
#include "plugin/stats_times.h"

#include <math.h>
#include <string.h>

#include "check.h"

enum { FRAMES = 6, FIELDS = 25, DURATION = 23 };

static const double kTick = 400000.0, kNote = 0.25; /* what follows the point is a note's */

typedef struct record {
  double field[FIELDS];
} record;

static record record_of(double duration) {
  record made = {{0}};
  made.field[DURATION] = duration;
  return made;
}

/* The durations of a first pass that gives each frame's packet `lag` frames late, and at the end
 * their sum. */
static int play(const int64_t pts[FRAMES], int lag, double durations[FRAMES + 1]) {
  const vpx_codec_enc_cfg_t cfg = {.g_timebase = {1, 25}};
  muzero_rc_stats_times times;
  int given = 0, out = 0;
  muzero_rc_stats_times_init(&times, &cfg);
  for (int call = 0; call <= FRAMES; ++call) {
    const bool flush = call == FRAMES;
    muzero_rc_stats_times_frame(&times, flush ? 0 : pts[call], 1, flush);
    const vpx_codec_cx_pkt_t *const due = muzero_rc_stats_times_take(&times);
    if (due) durations[out++] = ((const record *)due->data.twopass_stats.buf)->field[DURATION];
    for (; given < (flush ? FRAMES + 1 : call + 1 - lag); ++given) {
      record now = record_of(given < FRAMES ? kTick + kNote : FRAMES * kTick);
      vpx_codec_cx_pkt_t packet = {.kind = VPX_CODEC_STATS_PKT};
      packet.data.twopass_stats = (vpx_fixed_buf_t){&now, sizeof(now)};
      if (muzero_rc_stats_times_give(&times, &packet)) durations[out++] = now.field[DURATION];
    }
  }
  return out;
}

static void every_frame_lasts_until_the_next(void) {
  static const int64_t pts[FRAMES] = {7, 8, 11, 12, 13, 20};
  static const double ticks[FRAMES] = {1, 3, 1, 1, 7, 1};
  for (int lag = 0; lag < 4; ++lag) {
    double durations[FRAMES + 1];
    CHECK_EQ(play(pts, lag, durations), FRAMES + 1);
    for (int i = 0; i < FRAMES; ++i) CHECK(durations[i] == ticks[i] * kTick + kNote);
    CHECK(durations[FRAMES] == 14 * kTick);
  }
}

static void what_is_right_stays(void) {
  static const int64_t pts[FRAMES] = {0, 1, 2, 3, 4, 5};
  double durations[FRAMES + 1];
  CHECK_EQ(play(pts, 0, durations), FRAMES + 1);
  for (int i = 0; i < FRAMES; ++i) CHECK(durations[i] == kTick + kNote);
  CHECK(durations[FRAMES] == FRAMES * kTick);
}

static void times_that_go_back_tell_nothing(void) {
  static const int64_t pts[FRAMES] = {0, 5, 5, 3, 4, 5};
  double durations[FRAMES + 1];
  CHECK_EQ(play(pts, 0, durations), FRAMES + 1);
  CHECK(durations[0] == 5 * kTick + kNote && durations[1] == kTick + kNote);
  CHECK(durations[2] == kTick + kNote && durations[3] == kTick + kNote);
}

int main(void) {
  every_frame_lasts_until_the_next();
  what_is_right_stays();
  times_that_go_back_tell_nothing();
  return check_result();
}
