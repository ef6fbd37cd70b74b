/* libFuzzer: whatever the statistics of a first pass say, and whatever was noted in them, they are read, cut
 * into parts and controlled by; every number that comes of them is one. test_fuzz_notes.c runs the same
 * without libFuzzer. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rate_control/clip_state_data.h"
#include "rate_control/film.h"
#include "vpx/convert.h"
#include "vpx/first_pass_part.h"

enum { FUZZ_FIELDS = MUZERO_RC_STATS_FIELDS, FUZZ_MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void control(const muzero_rc_frame_stats *film, int32_t frames, int32_t first) {
  const muzero_rc_film_part part = {.stats = film, .frame_count = frames, .first = first, .target_bits = 1e5};
  const muzero_rc_clip clip = {.width = 64, .height = 48, .frame_count = frames - first, .target_kbps = 100};
  const int32_t starts[] = {0, first};
  double bits[2];
  muzero_rc_clip_state *state = NULL;
  const muzero_rc_clip whole = {.width = 64, .height = 48, .frame_count = frames, .target_kbps = 100};
  if (muzero_rc_film_deal(&whole, film, starts, first > 0 ? 2 : 1, bits) == 0 && !isfinite(bits[0])) abort();
  if (muzero_rc_clip_state_open(&clip, film + first, &state)) abort();
  if (muzero_rc_clip_state_set_part(state, &part)) abort();
  for (int32_t show = 0; show < 3 && show < clip.frame_count; ++show) {
    const muzero_rc_frame_request request = {
        .frame_type = show ? MUZERO_RC_INTER : MUZERO_RC_KEY, .show_index = show, .coding_index = show};
    muzero_rc_frame_result result = {.bits = 4000, .sse = 90000, .pixels = 4608};
    muzero_rc_clip_state_begin(state, &request);
    result.qindex = muzero_rc_clip_state_commit(state, muzero_rc_clip_state_q_ref(state), true);
    if (result.qindex < 1 || result.qindex > 255) abort();
    muzero_rc_clip_state_end(state, &result);
  }
  muzero_rc_clip_state_close(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const size_t record = (FUZZ_FIELDS + 1) * sizeof(double);
  muzero_rc_frame_stats film[FUZZ_MOST];
  const int32_t frames = muzero_rc_blob_frames(bytes, size, FUZZ_FIELDS);
  if (frames < 1 || frames > FUZZ_MOST) return 0;
  muzero_rc_blob_stats(bytes, frames, FUZZ_FIELDS, film);
  const int32_t first = bytes[record * (size_t)frames] % frames;
  char *const part = malloc(muzero_rc_first_pass_part_bytes(frames - first, FUZZ_FIELDS));
  if (!part) return 0;
  if (muzero_rc_first_pass_part(bytes, size, FUZZ_FIELDS, first, frames - first, part)) abort();
  free(part);
  control(film, frames, first);
  return 0;
}
