/* A film in parts: statistics are cut out with their notes, and one budget is dealt out. */
#include "rate_control/film.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rate_control/clip_state_data.h"
#include "vpx/convert.h"
#include "vpx/first_pass_part.h"

enum { FRAMES = 90, FIRST = 30, COUNT = 40, FIELDS = MUZERO_RC_STATS_FIELDS, HARD = 60 };
static const muzero_rc_clip kFilm = {.width = 176, .height = 144, .frame_count = FRAMES, .target_kbps = 200};

static muzero_rc_lookahead_frame told_of(int32_t show) {
  muzero_rc_lookahead_frame frame = {.luma = 100 + show, .intra = 2000 + 10 * show, .noise = 30};
  for (int i = 0; i < MUZERO_RC_DISTANCES; ++i) frame.inter[i] = frame.still[i] = 300 + show;
  return frame;
}

/* Frames from HARD on predict badly. */
static muzero_rc_frame_stats stats_of(int32_t show) {
  muzero_rc_frame_stats stats = {{0}};
  const muzero_rc_lookahead_frame told = told_of(show);
  const muzero_rc_probe_frame probe = {{show < HARD ? 4000 : 40000, show < HARD ? 400 : 4000}, {0.1f}};
  stats.field[MUZERO_RC_STAT_FRAME] = show;
  stats.field[MUZERO_RC_STAT_INTRA_ERROR] = show < HARD ? 900.0 : 4000.0;
  stats.field[MUZERO_RC_STAT_CODED_ERROR] = show < HARD ? 40.0 : 2500.0;
  stats.field[MUZERO_RC_STAT_INTER] = show < HARD ? 0.95 : 0.6;
  stats.field[MUZERO_RC_STAT_DURATION] = 400000.0;
  stats.field[MUZERO_RC_STAT_COUNT] = 1.0;
  muzero_rc_probe_note_write(&stats, show, &probe);
  muzero_rc_lookahead_note_write(&stats, show, &told);
  return stats;
}

/* As libvpx gives it: doubles and a layer number each, and a total, which is the caller's to free. */
static char *blob_of(size_t *size) {
  const size_t record = (FIELDS + 1) * sizeof(double);
  char *const blob = calloc(FRAMES + 1, record);
  if (!blob) abort();
  for (int32_t show = 0; show < FRAMES; ++show) {
    const muzero_rc_frame_stats stats = stats_of(show);
    memcpy(blob + (size_t)show * record, &stats, sizeof(stats));
  }
  *size = (FRAMES + 1) * record;
  return blob;
}

static void test_a_part_keeps_its_notes_under_new_numbers(void) {
  size_t size;
  char *const blob = blob_of(&size), *const part = malloc(muzero_rc_first_pass_part_bytes(COUNT, FIELDS));
  muzero_rc_frame_stats stats[COUNT];
  int wrong = muzero_rc_first_pass_part(blob, size, FIELDS, FIRST, COUNT, part);
  wrong += muzero_rc_blob_frames(part, muzero_rc_first_pass_part_bytes(COUNT, FIELDS), FIELDS) != COUNT;
  muzero_rc_blob_stats(part, COUNT, FIELDS, stats);
  for (int32_t i = 0; i < COUNT; ++i) {
    const muzero_rc_frame_stats film = stats_of(FIRST + i);
    muzero_rc_probe_note probe, film_probe;
    muzero_rc_lookahead_frame look, film_look;
    wrong += !muzero_rc_probe_note_read(&stats[i], i, &probe);
    wrong += !muzero_rc_probe_note_read(&film, FIRST + i, &film_probe);
    wrong += memcmp(&probe, &film_probe, sizeof(probe)) != 0;
    wrong += !muzero_rc_lookahead_note_read(&stats[i], i, &look);
    wrong += !muzero_rc_lookahead_note_read(&film, FIRST + i, &film_look);
    wrong += look.luma != film_look.luma || look.intra != film_look.intra;
    wrong += floor(stats[i].field[MUZERO_RC_STAT_FRAME]) != i;
  }
  const double *const total = (const double *)(const void *)part + (size_t)COUNT * (FIELDS + 1);
  wrong += total[MUZERO_RC_STAT_COUNT] != COUNT || total[MUZERO_RC_STAT_DURATION] != COUNT * 400000.0;
  free(part);
  free(blob);
  CHECK_EQ(wrong, 0);
}

static void test_frames_that_are_not_there_are_refused(void) {
  size_t size;
  char *const blob = blob_of(&size), *const part = malloc(size);
  const int32_t ranges[][2] = {{-1, 5}, {0, 0}, {0, FRAMES + 1}, {FRAMES, 1}, {5, INT32_MAX}};
  int taken = 0;
  for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); ++i)
    taken += !muzero_rc_first_pass_part(blob, size, FIELDS, ranges[i][0], ranges[i][1], part);
  taken += !muzero_rc_first_pass_part(blob, size - 1, FIELDS, 0, 1, part);
  free(part);
  free(blob);
  CHECK_EQ(taken, 0);
}

static muzero_rc_frame_stats *film_stats(void) {
  muzero_rc_frame_stats *const stats = calloc(FRAMES, sizeof(*stats));
  if (!stats) abort();
  for (int32_t show = 0; show < FRAMES; ++show) stats[show] = stats_of(show);
  return stats;
}

static void test_all_bits_are_dealt_out_by_what_frames_take(void) {
  muzero_rc_frame_stats *const stats = film_stats();
  const int32_t starts[] = {0, FIRST, HARD}, wrong[] = {0, HARD, FIRST};
  double bits[3] = {0};
  const int error = muzero_rc_film_deal(&kFilm, stats, starts, 3, bits);
  const int refused = muzero_rc_film_deal(&kFilm, stats, wrong, 3, bits + 0) == -EINVAL;
  free(stats);
  CHECK_EQ(error, 0);
  CHECK(refused);
  CHECK(fabs(bits[0] + bits[1] + bits[2] - 200e3 * FRAMES * 0.04) < 1.0);
  CHECK(bits[0] > 0.0 && bits[1] > 0.0 && bits[2] > 0.0 && bits[1] != bits[2]);
}

static void test_a_part_is_judged_by_the_film(void) {
  muzero_rc_frame_stats *const stats = film_stats();
  muzero_rc_clip clip = kFilm;
  muzero_rc_clip_state *film = NULL, *part = NULL;
  const muzero_rc_film_part where = {stats, FRAMES, HARD, 5e5}, beyond = {stats, FRAMES, HARD + 1, 5e5};
  int wrong = muzero_rc_clip_state_open(&clip, stats, &film);
  clip.frame_count = FRAMES - HARD;
  wrong += muzero_rc_clip_state_open(&clip, stats + HARD, &part);
  CHECK_EQ(wrong, 0);
  CHECK_EQ(muzero_rc_clip_state_set_part(part, &beyond), -EINVAL);
  wrong += muzero_rc_clip_state_set_part(part, &where);
  wrong += part->whole.coded != film->whole.coded || part->target_bits != 5e5;
  wrong += part->traits[0].inter != film->traits[HARD].inter;
  wrong += part->traits[3].forward != film->traits[HARD + 3].forward;
  muzero_rc_clip_state_close(&part);
  muzero_rc_clip_state_close(&film);
  free(stats);
  CHECK_EQ(wrong, 0);
}

int main(void) {
  test_a_part_keeps_its_notes_under_new_numbers();
  test_frames_that_are_not_there_are_refused();
  test_all_bits_are_dealt_out_by_what_frames_take();
  test_a_part_is_judged_by_the_film();
  return check_result();
}
