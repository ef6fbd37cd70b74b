/* The fuzz target of first-pass notes without libFuzzer: statistics with notes, damaged by a fixed seed. */
#include "fuzz/fuzz_notes.c"

#include "check.h"
#include "rate_control/lookahead_notes.h"

enum { FRAMES = 12, RUNS = 1500, RECORD = (FUZZ_FIELDS + 1) * 8, SIZE = (FRAMES + 1) * RECORD };

static uint32_t state = 1;

static uint32_t draw(uint32_t below) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % below;
}

static void fill(uint8_t *blob) {
  for (int32_t show = 0; show < FRAMES; ++show) {
    muzero_rc_frame_stats stats;
    const muzero_rc_probe_frame probe = {{4000 + show, 400 + show}, {0.1f}};
    const muzero_rc_lookahead_frame told = {.luma = 100, .intra = 2000, .noise = 20};
    for (int i = 0; i < FUZZ_FIELDS; ++i) stats.field[i] = 0.5 + 0.01 * i * show;
    stats.field[MUZERO_RC_STAT_FRAME] = show;
    stats.field[MUZERO_RC_STAT_INACTIVE_COLUMNS] = 0.0;
    stats.field[MUZERO_RC_STAT_DURATION] = 400000.0;
    stats.field[MUZERO_RC_STAT_COUNT] = 1.0;
    muzero_rc_probe_note_write(&stats, show, &probe);
    muzero_rc_lookahead_note_write(&stats, show, &told);
    memcpy(blob + (size_t)show * RECORD, &stats, sizeof(stats));
  }
  blob[FRAMES * RECORD] = (uint8_t)draw(FRAMES);
}

static void damage(uint8_t *blob) {
  static const double kExtremes[] = {0.0, -1.0, 1e300, -1e300, 1e-300, INFINITY, -INFINITY, NAN, 1e12};
  const uint32_t at = 8 * draw(SIZE / 8);
  switch (draw(3)) {
    case 0: blob[at + draw(8)] ^= (uint8_t)(1u << draw(8)); return;
    case 1: blob[at + draw(8)] = (uint8_t)draw(256); return;
    default: memcpy(blob + at, &kExtremes[draw(sizeof(kExtremes) / sizeof(*kExtremes))], 8); return;
  }
}

static void test_damaged_statistics_are_read_or_refused(void) {
  static uint8_t blob[SIZE];
  for (int run = 0; run < RUNS; ++run) {
    fill(blob);
    for (uint32_t count = draw(12); count > 0; --count) damage(blob);
    (void)LLVMFuzzerTestOneInput(blob, SIZE - (draw(8) ? 0 : RECORD * draw(FRAMES)));
  }
}

int main(void) {
  test_damaged_statistics_are_read_or_refused();
  return check_result();
}
