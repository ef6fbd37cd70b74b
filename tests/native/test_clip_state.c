/* Budget, guard and features of a whole clip, against an encoder that takes the
 * bits that the controller's model foresees, times an error of the test's choice. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rate_control/bits_model.h"
#include "rate_control/controller.h"
#include "rate_control/forecast.h"
#include "features/feature_table.h"
#include "rate_control/qstep_offsets.h"
#include "rate_control/quantizer.h"
#include "rate_control/clip_state_data.h"

enum { FRAMES = 97 };

static muzero_rc_frame_stats kStats[FRAMES];

static void make_stats(double coded_error) {
  for (int i = 0; i < FRAMES; ++i) {
    double *field = kStats[i].field;
    for (int j = 0; j < MUZERO_RC_STATS_FIELDS; ++j) field[j] = 0.0;
    field[1] = 1.0;
    field[MUZERO_RC_STAT_INTRA_ERROR] = 600.0 + 10.0 * (i % 7);
    field[MUZERO_RC_STAT_CODED_ERROR] = i ? coded_error + 5.0 * (i % 5) : 600.0;
    field[MUZERO_RC_STAT_SECOND_REF_ERROR] = i ? 1.2 * coded_error : 600.0;
    field[MUZERO_RC_STAT_NOISE] = 200.0;
    field[MUZERO_RC_STAT_INTER] = i ? 0.95 : 0.0;
    field[MUZERO_RC_STAT_MOTION] = i ? 0.4 : 0.0;
    field[MUZERO_RC_STAT_DURATION] = 1e7 / 30.0;
  }
}

static muzero_rc_clip_state *opened(int32_t kbps) {
  const muzero_rc_clip clip = {
      .width = 352, .height = 288, .frame_count = FRAMES, .target_kbps = kbps};
  muzero_rc_clip_state *state = NULL;
  return muzero_rc_clip_state_open(&clip, kStats, &state) ? NULL : state;
}

typedef int32_t (*chooser)(const muzero_rc_clip_state *state, int32_t coding_index);

static int32_t take_reference(const muzero_rc_clip_state *state, int32_t coding_index) {
  (void)coding_index;
  return muzero_rc_clip_state_q_ref(state);
}

static int32_t always_finest(const muzero_rc_clip_state *state, int32_t coding_index) {
  (void)state;
  (void)coding_index;
  return 1;
}

static double kFlash = 1.0; /* the first alt-ref takes so many times what was foreseen */
static int32_t kFirstGop = 16;

/* Codes the clip in flat GOPs, of 16 frames but for the first; returns the share of the target
 * spent. */
static double encode(muzero_rc_clip_state *state, double error, bool guard, chooser choose) {
  double spent = 0.0;
  int32_t coding = 0, golden = 0;
  for (int32_t start = 0; start < FRAMES;) {
    const int32_t alt_ref = coding + 1;
    const int32_t length = start == 0 ? kFirstGop : 16;
    const int32_t end = start + length < FRAMES ? start + length : FRAMES - 1;
    for (int32_t step = 0; step <= end - start; ++step) {
      muzero_rc_frame_request request = {.coding_index = coding, .gop_index = step};
      if (step == 0) {
        request.frame_type = start == 0 ? MUZERO_RC_KEY : MUZERO_RC_OVERLAY;
        request.show_index = start;
      } else if (step == 1) {
        request.frame_type = MUZERO_RC_ALTREF;
        request.show_index = end;
      } else {
        request.frame_type = MUZERO_RC_INTER;
        request.show_index = start + step - 1;
      }
      if (start >= FRAMES - 1 && step > 0) break;
      request.ref_valid[0] = coding > 0;
      request.ref_coding_index[0] = coding - 1;
      request.ref_valid[1] = coding > 0;
      request.ref_coding_index[1] = golden; /* the last GOP's alt-ref, or the key frame */
      muzero_rc_clip_state_begin(state, &request);
      const int32_t used = muzero_rc_clip_state_commit(state, choose(state, coding), guard);
      const float log_bits =
          muzero_rc_controller_bits(state, muzero_rc_qindex_to_step(used, 8)) -
          muzero_rc_budget_correction(&state->budget, state->schedule.pending.layer);
      const muzero_rc_frame_result result = {
          .sse = 1 << 20, .bits = (int64_t)(error * (coding == 1 ? kFlash : 1.0) *
                                                   (double)muzero_rc_exp2(log_bits)),
          .pixels = 352 * 288 * 3 / 2, .qindex = used};
      muzero_rc_clip_state_end(state, &result);
      spent += (double)result.bits;
      ++coding;
    }
    golden = alt_ref;
    start = end > start ? end : FRAMES;
  }
  return spent / state->target_bits;
}

static void budget_is_kept_whatever_the_models_error(void) {
  static const double errors[] = {0.6, 0.8, 1.0, 1.3, 1.6};
  make_stats(60.0);
  for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); ++i) {
    muzero_rc_clip_state *state = opened(300);
    CHECK(state != NULL);
    const double share = encode(state, errors[i], true, take_reference);
    muzero_rc_clip_state_close(&state);
    CHECK(share < 1.0 && share > 0.9);
  }
}

/* Told on the way where GOPs will end, the forecast is the one of who knew it from the start. */
static void expected_gops_are_forecast_as_planned_ones_are(void) {
  enum { GOPS = 8 };
  static const int32_t ends[GOPS] = {8, 16, 24, 32, 40, 60, 80, 96};
  muzero_rc_gop_shape shapes[GOPS];
  for (int i = 0; i < GOPS; ++i) {
    shapes[i] = MUZERO_RC_OWN_SHAPE;
    shapes[i].length = ends[i] - (i > 0 ? ends[i - 1] : 0);
  }
  make_stats(60.0);
  muzero_rc_clip_state *planned = opened(300), *expected = opened(300), *usual = opened(300);
  CHECK(planned != NULL && expected != NULL && usual != NULL);
  muzero_rc_clip_state_foresee(planned, shapes, GOPS);
  muzero_rc_clip_state_expect(expected, ends, GOPS);
  for (int i = 0; i < GOPS - 1; ++i) {
    muzero_rc_forecast_join(expected, ends[i]);
    muzero_rc_forecast_join(usual, ends[i]);
    const double bits = muzero_rc_forecast_bits(planned, ends[i] + 1, 5.0f);
    CHECK(fabs(muzero_rc_forecast_bits(expected, ends[i] + 1, 5.0f) / bits - 1.0) < 1e-5);
    if (i == 0) CHECK(fabs(muzero_rc_forecast_bits(usual, 9, 5.0f) / bits - 1.0) > 1e-3);
  }
  muzero_rc_clip_state_expect(expected, NULL, 0);
  muzero_rc_forecast_join(expected, 8);
  muzero_rc_forecast_join(usual, 8);
  CHECK(muzero_rc_forecast_bits(expected, 9, 5.0f) == muzero_rc_forecast_bits(usual, 9, 5.0f));
  muzero_rc_clip_state_close(&planned);
  muzero_rc_clip_state_close(&expected);
  muzero_rc_clip_state_close(&usual);
}

/* Wherever libvpx's GOPs begin, what is still to come is foreseen without their alt-refs
 * being counted twice. */
static void the_target_is_filled_whatever_the_length_of_the_first_gop(void) {
  make_stats(60.0);
  for (kFirstGop = 5; kFirstGop <= 16; ++kFirstGop) {
    muzero_rc_clip_state *state = opened(300);
    CHECK(state != NULL);
    const double share = encode(state, 1.0, true, take_reference);
    muzero_rc_clip_state_close(&state);
    CHECK(share < 1.0001 && share > 0.98);
  }
  kFirstGop = 16;
}

/* Four GOPs after a frame that took half of the budget, what is left is spent again. */
static void a_flash_does_not_starve_the_rest_of_the_clip(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(60);
  CHECK(state != NULL);
  kFlash = 6.0;
  const double share = encode(state, 0.7, true, take_reference);
  kFlash = 1.0;
  CHECK(state->chosen < 255);
  CHECK(share > 0.95);
  muzero_rc_clip_state_close(&state);
}

static void guard_holds_a_policy_that_wants_everything(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  const double guarded = encode(state, 1.0, true, always_finest);
  muzero_rc_clip_state_close(&state);
  CHECK(guarded < 1.02);
  state = opened(300);
  const double free_running = encode(state, 1.0, false, always_finest);
  muzero_rc_clip_state_close(&state);
  CHECK(free_running > 3.0);
}

/* A late key frame may take two thirds more than is expected and still fits into what is left. */
static void a_late_key_frame_leaves_room_for_more_bits(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  const muzero_rc_frame_request first = {.frame_type = MUZERO_RC_KEY};
  const muzero_rc_frame_result result = {
      .sse = 1 << 20, .bits = 40000, .pixels = 352 * 288 * 3 / 2, .qindex = 60};
  muzero_rc_clip_state_begin(state, &first);
  muzero_rc_clip_state_commit(state, 60, true);
  muzero_rc_clip_state_end(state, &result);
  state->budget.spent_bits = 0.95 * state->target_bits;
  const muzero_rc_frame_request late = {
      .coding_index = 1, .show_index = FRAMES - 1, .frame_type = MUZERO_RC_KEY};
  muzero_rc_clip_state_begin(state, &late);
  const int32_t used = muzero_rc_clip_state_commit(state, 1, true);
  const float bits = muzero_rc_controller_bits(state, muzero_rc_qindex_to_step(used, 8));
  CHECK(used > 1 && used < 255);
  CHECK(1.66 * (double)muzero_rc_exp2(bits) < 0.051 * state->target_bits);
  muzero_rc_clip_state_close(&state);
}

static void impossible_targets_end_at_255(void) {
  make_stats(4000.0);
  muzero_rc_clip_state *state = opened(1);
  CHECK(state != NULL);
  encode(state, 1.0, true, take_reference);
  CHECK_EQ(state->chosen, 255);
  muzero_rc_clip_state_close(&state);
}

static void decisions_are_clamped(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(300);
  const muzero_rc_frame_request key = {.frame_type = MUZERO_RC_KEY};
  muzero_rc_clip_state_begin(state, &key);
  CHECK_EQ(muzero_rc_clip_state_commit(state, -5, false), 1);
  CHECK_EQ(muzero_rc_clip_state_commit(state, 0, false), 1);
  CHECK_EQ(muzero_rc_clip_state_commit(state, 100000, false), 255);
  CHECK_EQ(muzero_rc_clip_state_commit(state, 77, false), 77);
  muzero_rc_clip_state_close(&state);
}

static void wild_stats_give_finite_features(void) {
  static float frames[FRAMES * 96];
  float clip[64];
  float step[256];
  make_stats(60.0);
  for (int i = 0; i < FRAMES; ++i) {
    for (int j = 0; j < MUZERO_RC_STATS_FIELDS; ++j) {
      if ((i + j) % 3 == 0) kStats[i].field[j] = (i & 1) ? NAN : INFINITY;
      if ((i + j) % 7 == 0) kStats[i].field[j] = -1e300;
    }
  }
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  CHECK(muzero_rc_frame_features().count <= 96 && muzero_rc_step_features().count <= 256);
  const int32_t version = muzero_rc_feature_version();
  muzero_rc_observe_clip(state, version, clip);
  muzero_rc_observe_frames(state, version, frames);
  const muzero_rc_frame_request key = {.frame_type = MUZERO_RC_KEY};
  muzero_rc_clip_state_begin(state, &key);
  muzero_rc_observe_step(state, version, step);
  for (int i = 0; i < muzero_rc_clip_features().count; ++i) CHECK(isfinite(clip[i]));
  for (int i = 0; i < FRAMES * muzero_rc_frame_features().count; ++i) CHECK(isfinite(frames[i]));
  for (int i = 0; i < muzero_rc_step_features().count; ++i) CHECK(isfinite(step[i]));
  CHECK(state->pending.qindex >= 1 && state->pending.qindex <= 255);
  muzero_rc_clip_state_close(&state);
}

/* A clip whose statistics have notes of the lookahead, where `noted`. */
static muzero_rc_clip_state *opened_with_notes(bool noted) {
  make_stats(60.0);
  for (int32_t show = 0; show < FRAMES; ++show) {
    muzero_rc_lookahead_frame told = {.luma = 1600, .intra = 8000, .noise = 500};
    for (int i = 0; i < MUZERO_RC_DISTANCES; ++i) told.inter[i] = 1000 << (i / 2);
    for (int i = 0; i < MUZERO_RC_PYRAMIDS; ++i) {
      told.both[i] = 800 + 100 * i;
      told.worth_far[i] = 4000 << i;
      told.worth_near[i] = 3000 << i;
    }
    kStats[show].field[MUZERO_RC_STAT_FRAME] = show;
    if (noted) muzero_rc_lookahead_note_write(&kStats[show], show, &told);
  }
  return opened(300);
}

static float feature_of(const float *row, muzero_rc_feature_table table, const char *name) {
  for (int32_t i = 0; i < table.count; ++i)
    if (strcmp(table.features[i].name, name) == 0) return row[i];
  return NAN;
}

static void a_table_begins_with_those_before_it(void) {
  static float all[FRAMES * 96], old[FRAMES * 96];
  muzero_rc_feature_widths now, before;
  const int32_t newest = muzero_rc_feature_version();
  CHECK(!muzero_rc_feature_widths_of(muzero_rc_feature_oldest_version() - 1, &before));
  CHECK(!muzero_rc_feature_widths_of(newest + 1, &before));
  CHECK(muzero_rc_feature_widths_of(newest, &now));
  CHECK_EQ(now.clip, muzero_rc_clip_features().count);
  CHECK_EQ(now.frame, muzero_rc_frame_features().count);
  CHECK_EQ(now.step, muzero_rc_step_features().count);
  for (int32_t version = muzero_rc_feature_oldest_version(); version <= newest; ++version) {
    muzero_rc_clip_state *state = opened_with_notes(true);
    const muzero_rc_frame_request key = {.frame_type = MUZERO_RC_KEY};
    CHECK(state && muzero_rc_feature_widths_of(version, &before));
    muzero_rc_observe_clip(state, newest, all);
    muzero_rc_observe_clip(state, version, old);
    CHECK(!memcmp(all, old, (size_t)before.clip * sizeof(*old)));
    muzero_rc_observe_frames(state, newest, all);
    muzero_rc_observe_frames(state, version, old);
    for (int32_t show = 0; show < FRAMES; ++show)
      CHECK(!memcmp(all + show * now.frame, old + show * before.frame,
                    (size_t)before.frame * sizeof(*old)));
    muzero_rc_clip_state_begin(state, &key);
    all[before.step] = old[before.step] = 47.11f;
    muzero_rc_observe_step(state, newest, all);
    muzero_rc_observe_step(state, version, old);
    CHECK(!memcmp(all, old, (size_t)before.step * sizeof(*old)));
    CHECK(old[before.step] == 47.11f); /* nothing is written past its columns */
    muzero_rc_clip_state_close(&state);
  }
}

static void the_lookahead_is_seen_where_it_is_noted(void) {
  static float frames[FRAMES * 96];
  float step[256];
  const int32_t version = muzero_rc_feature_version();
  const int32_t width = muzero_rc_frame_features().count;
  for (int noted = 0; noted < 2; ++noted) {
    muzero_rc_clip_state *state = opened_with_notes(noted);
    const muzero_rc_frame_request key = {.frame_type = MUZERO_RC_KEY};
    CHECK(state != NULL);
    CHECK_EQ(state->looked, noted);
    muzero_rc_observe_frames(state, version, frames);
    const float *const row = frames + 40 * width;
    const muzero_rc_feature_table table = muzero_rc_frame_features();
    const float inter = feature_of(row, table, "look_inter_1");
    CHECK(fabsf(inter - (noted ? -3.0f / 4.0f : 0.0f)) < 0.03f); /* an eighth */
    const float worth = feature_of(row, table, "look_worth_near_8");
    CHECK(fabsf(worth - (noted ? 1.322f / 4.0f : 0.0f)) < 0.03f); /* 1 + 12000 / 8000 */
    muzero_rc_clip_state_begin(state, &key);
    muzero_rc_observe_step(state, version, step);
    CHECK_EQ(feature_of(step, muzero_rc_step_features(), "gop_far") != 0.0f, noted);
    CHECK_EQ(feature_of(step, muzero_rc_step_features(), "gop_before_seen") != 0.0f, 0);
    muzero_rc_clip_state_close(&state);
  }
}

static void gops_are_remembered(void) {
  muzero_rc_gop_memory memory = {0};
  muzero_rc_gop_schedule schedule = {.gop_count = 1, .gop_start = 0, .gop_end = 16};
  muzero_rc_gop_memory_begin(&memory, &schedule);
  muzero_rc_gop_memory_add(&memory, 900, 40.0f);
  schedule.hidden_count = 3;
  muzero_rc_gop_memory_begin(&memory, &schedule);
  muzero_rc_gop_memory_add(&memory, 100, 36.0f);
  muzero_rc_gop_memory_add(&memory, 8, 0.0f); /* shown again */
  CHECK_EQ(memory.before[0].coded, 0);
  schedule = (muzero_rc_gop_schedule){.gop_count = 2, .gop_start = 16, .gop_end = 22};
  muzero_rc_gop_memory_begin(&memory, &schedule);
  CHECK_EQ(memory.before[0].coded, 2);
  CHECK_EQ(memory.before[0].length, 16);
  CHECK_EQ(memory.before[0].hidden, 3);
  CHECK_EQ((int)memory.before[0].bits, 1008);
  CHECK_EQ((int)memory.before[0].quality, 76);
  CHECK_EQ(memory.present.length, 6);
  muzero_rc_gop_memory_add(&memory, 50, 30.0f);
  schedule.gop_count = 3;
  muzero_rc_gop_memory_begin(&memory, &schedule);
  CHECK_EQ(memory.before[1].length, 16);
  CHECK_EQ(memory.before[0].length, 6);
}

static void feature_names_are_unique(void) {
  const muzero_rc_feature_table tables[] = {muzero_rc_clip_features(), muzero_rc_frame_features(),
                                            muzero_rc_step_features()};
  for (int t = 0; t < 3; ++t) {
    for (int i = 0; i < tables[t].count; ++i) {
      CHECK(tables[t].features[i].unit[0] != '\0');
      for (int j = 0; j < i; ++j) {
        const char *a = tables[t].features[i].name, *b = tables[t].features[j].name;
        int k = 0;
        while (a[k] && a[k] == b[k]) ++k;
        CHECK(a[k] != b[k]);
      }
    }
  }
}

/* Frame 20 is a cut: neither the frame before nor its motion helps. */
static void make_cut(void) {
  make_stats(60.0);
  kStats[20].field[MUZERO_RC_STAT_CODED_ERROR] = 600.0;
  kStats[20].field[MUZERO_RC_STAT_INTER] = 0.05;
}

static void scenes_end_at_cuts(void) {
  make_cut();
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  CHECK(state->traits[0].scene == 19 && state->traits[19].scene == 0);
  CHECK(state->traits[20].scene == FRAMES - 21 && state->traits[FRAMES - 1].scene == 0);
  muzero_rc_clip_state_close(&state);
}

static float key_offset_at(const muzero_rc_clip_state *state, int32_t show_index) {
  const muzero_rc_planned_frame key = {show_index, MUZERO_RC_LAYER_KEY, 0, 0};
  const muzero_rc_frame_span opening = muzero_rc_opening_of(state, show_index);
  return muzero_rc_offset_of(state, &key, &opening, 6.0f);
}

static void few_bits_for_the_key_frame_of_a_short_scene(void) {
  make_stats(60.0);
  muzero_rc_clip_state *whole = opened(300);
  make_cut();
  muzero_rc_clip_state *cut = opened(300);
  CHECK(whole != NULL && cut != NULL);
  CHECK(key_offset_at(cut, 0) > key_offset_at(whole, 0) + 0.3f);
  muzero_rc_clip_state_close(&whole);
  muzero_rc_clip_state_close(&cut);
}

/* What lies beyond a cut says nothing about the scene that a key frame opens. */
static void a_key_frame_looks_no_further_than_its_scene(void) {
  make_cut();
  muzero_rc_clip_state *still = opened(300);
  for (int i = 21; i < FRAMES; ++i) kStats[i].field[MUZERO_RC_STAT_MOTION] = 0.95;
  muzero_rc_clip_state *moving = opened(300);
  CHECK(still != NULL && moving != NULL);
  const muzero_rc_frame_span one = muzero_rc_opening_of(still, 0);
  const muzero_rc_frame_span other = muzero_rc_opening_of(moving, 0);
  CHECK(one.still == other.still && one.coded == other.coded);
  muzero_rc_clip_state_close(&still);
  muzero_rc_clip_state_close(&moving);
}

static float offset_in_gop(const muzero_rc_clip_state *state, int32_t layer, int32_t first) {
  const muzero_rc_planned_frame frame = {first + 5, layer, 1, 1};
  const muzero_rc_frame_span gop =
      muzero_rc_frame_span_of(state->traits, FRAMES, first, first + 15);
  return muzero_rc_offset_of(state, &frame, &gop, 6.0f);
}

/* Frames 4 to 19 lie before the cut, 81 to 96 at the end. */
static void the_last_gop_of_a_scene_is_coded_coarser(void) {
  make_cut();
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  const int32_t layers[] = {MUZERO_RC_LAYER_TOP, MUZERO_RC_LAYER_LEAF};
  for (int i = 0; i < 2; ++i) {
    const float usual = offset_in_gop(state, layers[i], 50);
    CHECK(offset_in_gop(state, layers[i], 4) > usual + 0.3f);
    CHECK(offset_in_gop(state, layers[i], FRAMES - 16) > usual + 0.3f);
    CHECK(fabsf(offset_in_gop(state, layers[i], 65) - usual) < 0.2f);
  }
  muzero_rc_clip_state_close(&state);
}

/* Bits per pixel are those of any other size with the same statistics: a size that
 * the model was never fitted to cannot lead it astray. */
static void bits_grow_with_pixels_and_not_otherwise(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(300);
  CHECK(state != NULL);
  for (int32_t layer = MUZERO_RC_LAYER_KEY; layer <= MUZERO_RC_LAYER_OVERLAY; ++layer) {
    muzero_rc_bits_query query = {.traits = state->traits,
                                  .count = FRAMES,
                                  .probe = &state->probe,
                                  .log_pixels = 16.0f,
                                  .frame = {40, layer, 1, 1},
                                  .step = 5.0f,
                                  .reference_step = 4.0f};
    const float small = muzero_rc_bits_predict(&query);
    query.log_pixels = 21.0f;
    CHECK(fabsf(muzero_rc_bits_predict(&query) - small - 5.0f) < 1e-4f);
  }
  muzero_rc_clip_state_close(&state);
}

/* One GOP of noise in a clip that stands still is not coded as coarsely as can be. */
static void a_hard_gop_is_coarser_but_not_without_limit(void) {
  make_stats(60.0);
  muzero_rc_clip_state *state = opened(300);
  const muzero_rc_planned_frame leaf = {40, MUZERO_RC_LAYER_LEAF, 1, 1};
  muzero_rc_frame_span gop = state->whole;
  float offsets[3];
  for (int i = 0; i < 3; ++i) {
    state->whole.coded = gop.coded - (float)(2 * i);
    offsets[i] = muzero_rc_offset_of(state, &leaf, &gop, 6.0f);
  }
  muzero_rc_clip_state_close(&state);
  CHECK(offsets[1] > offsets[0] + 0.1f && fabsf(offsets[2] - offsets[1]) < 1e-5f);
}

static void senseless_clips_are_refused(void) {
  muzero_rc_clip_state *state = NULL;
  const muzero_rc_clip none = {.width = 352, .height = 288, .target_kbps = 300};
  const muzero_rc_clip flat = {.height = 288, .frame_count = FRAMES, .target_kbps = 300};
  make_stats(60.0);
  CHECK_EQ(muzero_rc_clip_state_open(&none, kStats, &state), -EINVAL);
  CHECK_EQ(muzero_rc_clip_state_open(&flat, kStats, &state), -EINVAL);
  CHECK(state == NULL);
  muzero_rc_clip_state_close(&state);
}

int main(void) {
  budget_is_kept_whatever_the_models_error();
  expected_gops_are_forecast_as_planned_ones_are();
  the_target_is_filled_whatever_the_length_of_the_first_gop();
  a_flash_does_not_starve_the_rest_of_the_clip();
  guard_holds_a_policy_that_wants_everything();
  a_late_key_frame_leaves_room_for_more_bits();
  impossible_targets_end_at_255();
  decisions_are_clamped();
  wild_stats_give_finite_features();
  a_table_begins_with_those_before_it();
  the_lookahead_is_seen_where_it_is_noted();
  gops_are_remembered();
  feature_names_are_unique();
  scenes_end_at_cuts();
  few_bits_for_the_key_frame_of_a_short_scene();
  a_key_frame_looks_no_further_than_its_scene();
  the_last_gop_of_a_scene_is_coded_coarser();
  bits_grow_with_pixels_and_not_otherwise();
  a_hard_gop_is_coarser_but_not_without_limit();
  senseless_clips_are_refused();
  return check_result();
}
