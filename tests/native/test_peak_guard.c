/* Peaks of a whole clip with a hard scene, against an encoder that takes the bits that the
 * controller's model foresees, times an error of the test's choice. What the packets take is summed
 * here, over every stretch of them. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "rate_control/controller.h"
#include "rate_control/peak_guard.h"
#include "rate_control/quantizer.h"

enum { FRAMES = 160, HARD_FROM = 64, HARD_TO = 112, FPS = 25, LAYERS = 6 };

static muzero_rc_frame_stats kStats[FRAMES];

static void make_stats(bool even) {
  for (int i = 0; i < FRAMES; ++i) {
    const bool hard = i >= HARD_FROM && i < HARD_TO;
    double *const field = kStats[i].field;
    for (int j = 0; j < MUZERO_RC_STATS_FIELDS; ++j) field[j] = 0.0;
    field[1] = 1.0;
    field[MUZERO_RC_STAT_INTRA_ERROR] = hard ? 1200.0 : 600.0;
    field[MUZERO_RC_STAT_CODED_ERROR] = hard ? 300.0 : 50.0;
    field[MUZERO_RC_STAT_SECOND_REF_ERROR] = hard ? 350.0 : 60.0;
    field[MUZERO_RC_STAT_INTER] = i ? 0.95 : 0.0;
    field[MUZERO_RC_STAT_MOTION] = i ? 0.4 : 0.0;
    field[MUZERO_RC_STAT_DURATION] = 1e7 / FPS * (even ? 1.0 : i % 2 ? 1.8 : 0.2);
  }
}

static muzero_rc_clip_state *opened(int32_t kbps, const muzero_rc_peak *peak) {
  const muzero_rc_clip clip = {
      .width = 352, .height = 288, .frame_count = FRAMES, .target_kbps = kbps};
  muzero_rc_clip_state *state = NULL;
  if (muzero_rc_clip_state_open(&clip, kStats, &state)) return NULL;
  if (peak && muzero_rc_clip_state_set_peak(state, peak)) muzero_rc_clip_state_close(&state);
  return state;
}

typedef struct encoded {
  double packets[FRAMES]; /* bits */
  double sum;
  int32_t coarsest, finest;
} encoded;

static void code(muzero_rc_clip_state *state, double error, int32_t wish, int32_t frame_type,
                 int32_t show, encoded *out) {
  const muzero_rc_frame_request request = {
      .frame_type = frame_type, .show_index = show, .coding_index = state->coded_count};
  muzero_rc_clip_state_begin(state, &request);
  const int32_t asked = muzero_rc_clip_state_q_ref(state) + wish;
  const int32_t used = muzero_rc_clip_state_commit(state, asked, true);
  const float log_bits = muzero_rc_controller_bits(state, muzero_rc_qindex_to_step(used, 8)) -
                         muzero_rc_budget_correction(&state->budget, state->schedule.pending.layer);
  const muzero_rc_frame_result result = {.sse = 1 << 20,
                                         .bits = (int64_t)(error * (double)muzero_rc_exp2(log_bits)),
                                         .pixels = 352 * 288 * 3 / 2,
                                         .qindex = used};
  const int32_t packet = state->schedule.shown + 1;
  muzero_rc_clip_state_end(state, &result);
  out->packets[packet] += (double)result.bits;
  out->sum += (double)result.bits;
  if (used > out->coarsest) out->coarsest = used;
  if (used < out->finest) out->finest = used;
}

/* Shows a hidden frame again. */
static void show(muzero_rc_clip_state *state, encoded *out) {
  const muzero_rc_frame_result result = {.bits = 8};
  out->packets[state->schedule.shown + 1] += 8.0;
  out->sum += 8.0;
  muzero_rc_clip_state_end(state, &result);
}

/* Pyramids of 16 frames with key frames where the hard scene begins and ends. */
static encoded encode(muzero_rc_clip_state *state, double error, int32_t wish) {
  encoded out = {.finest = 255};
  for (int32_t next = 0; next < FRAMES;) {
    muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
    const bool cut = next == 0 || next == HARD_FROM || next == HARD_TO;
    if (cut) code(state, error, wish, MUZERO_RC_KEY, next++, &out);
    int32_t end = next + 15;
    if (next <= HARD_FROM && end >= HARD_FROM) end = HARD_FROM - 1;
    if (next <= HARD_TO && end >= HARD_TO) end = HARD_TO - 1;
    if (end >= FRAMES) end = FRAMES - 1;
    const int32_t count = muzero_rc_gop_pattern(next - 1, end, LAYERS, frames);
    for (int32_t i = 0; i < count; ++i) {
      const bool leaf = frames[i].layer == MUZERO_RC_LAYER_LEAF;
      code(state, error, wish, leaf ? MUZERO_RC_INTER : MUZERO_RC_ALTREF, frames[i].show_index,
           &out);
      while (leaf && state->schedule.hidden_count > 0 &&
             state->schedule.hidden[state->schedule.hidden_count - 1] == state->schedule.shown + 1)
        show(state, &out);
    }
    next = end + 1;
  }
  return out;
}

/* The highest share of its allowance that any stretch of packets takes. */
static double worst_stretch(const encoded *out, const muzero_rc_peak *peak) {
  double worst = 0.0;
  for (int first = 0; first < FRAMES; ++first) {
    double bits = 0.0, seconds = 0.0;
    for (int last = first; last < FRAMES; ++last) {
      bits += out->packets[last];
      const double over = bits - 1000.0 * peak->max_kbps * seconds;
      if (over > worst) worst = over;
      seconds += kStats[last].field[MUZERO_RC_STAT_DURATION] / 1e7;
    }
  }
  return worst / (1000.0 * peak->buffer_kbits);
}

static void without_a_peak_a_hard_scene_takes_what_it_is_worth(void) {
  const muzero_rc_peak peak = {400, 400};
  make_stats(true);
  muzero_rc_clip_state *state = opened(400, NULL);
  const encoded out = encode(state, 1.0, 0);
  muzero_rc_clip_state_close(&state);
  CHECK(worst_stretch(&out, &peak) > 1.3); /* or the tests below say nothing */
}

static void the_bucket_holds_whatever_the_models_error(void) {
  static const double errors[] = {0.7, 1.0, 1.4};
  static const muzero_rc_peak peaks[] = {{400, 400}, {400, 800}, {600, 300}};
  make_stats(true);
  for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); ++i) {
    for (size_t j = 0; j < sizeof(peaks) / sizeof(*peaks); ++j) {
      muzero_rc_clip_state *state = opened(400, &peaks[j]);
      CHECK(state != NULL);
      const encoded out = encode(state, errors[i], 0);
      const double booked = muzero_rc_clip_state_spent(state).peak;
      const double worst = worst_stretch(&out, &peaks[j]);
      muzero_rc_clip_state_close(&state);
      CHECK(worst < 1.0);
      CHECK(worst > 0.5); /* and is used */
      CHECK(booked >= worst && booked < worst + 0.01); /* indices of packets on top */
      CHECK(out.sum < 1000.0 * 400 * FRAMES / FPS);
    }
  }
}

static void real_times_count(void) {
  const muzero_rc_peak peak = {400, 400};
  make_stats(false);
  muzero_rc_clip_state *state = opened(400, &peak);
  const encoded out = encode(state, 1.0, 0);
  muzero_rc_clip_state_close(&state);
  CHECK(worst_stretch(&out, &peak) < 1.0);
}

static void a_policy_that_wants_more_is_held(void) {
  const muzero_rc_peak peak = {400, 400};
  make_stats(true);
  muzero_rc_clip_state *state = opened(4000, &peak); /* the target allows it */
  const encoded out = encode(state, 1.0, -40);
  muzero_rc_clip_state_close(&state);
  CHECK(worst_stretch(&out, &peak) < 1.0);
}

static void where_no_qindex_fits_it_is_255(void) {
  const muzero_rc_peak peak = {1, 1};
  make_stats(true);
  muzero_rc_clip_state *state = opened(400, &peak);
  const encoded out = encode(state, 1.0, 0);
  muzero_rc_clip_state_close(&state);
  CHECK_EQ(out.finest, 255);
}

static void what_a_scene_may_not_take_the_others_get(void) {
  const muzero_rc_peak peak = {400, 400};
  double easy[2] = {0.0, 0.0};
  make_stats(true);
  for (int with = 0; with < 2; ++with) {
    muzero_rc_clip_state *state = opened(300, with ? &peak : NULL);
    const encoded out = encode(state, 1.0, 0);
    muzero_rc_clip_state_close(&state);
    for (int i = 0; i < HARD_FROM; ++i) easy[with] += out.packets[i];
  }
  CHECK(easy[1] > 1.02 * easy[0]);
}

static void a_wide_peak_changes_no_decision(void) {
  const muzero_rc_peak peak = {1000000, 1000000};
  make_stats(true);
  muzero_rc_clip_state *with = opened(400, &peak), *without = opened(400, NULL);
  const encoded a = encode(with, 1.0, 0), b = encode(without, 1.0, 0);
  muzero_rc_clip_state_close(&with);
  muzero_rc_clip_state_close(&without);
  for (int i = 0; i < FRAMES; ++i) CHECK(a.packets[i] == b.packets[i]);
}

static void senseless_peaks_are_refused(void) {
  static const muzero_rc_peak peaks[] = {{0, 1}, {1, 0}, {-1, 1}, {1, -1}};
  make_stats(true);
  muzero_rc_clip_state *state = opened(400, NULL);
  for (size_t i = 0; i < sizeof(peaks) / sizeof(*peaks); ++i)
    CHECK_EQ(muzero_rc_clip_state_set_peak(state, &peaks[i]), -EINVAL);
  CHECK(muzero_rc_clip_state_spent(state).peak == 0.0);
  muzero_rc_clip_state_close(&state);
}

int main(void) {
  without_a_peak_a_hard_scene_takes_what_it_is_worth();
  the_bucket_holds_whatever_the_models_error();
  real_times_count();
  a_policy_that_wants_more_is_held();
  where_no_qindex_fits_it_is_255();
  what_a_scene_may_not_take_the_others_get();
  a_wide_peak_changes_no_decision();
  senseless_peaks_are_refused();
  return check_result();
}
