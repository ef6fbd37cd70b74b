#include "features/feature_table.h"

#include "features/lookahead_features.h"

#include "rate_control/budget.h"
#include "rate_control/qstep_offsets.h"
#include "rate_control/quantizer.h"
#include "rate_control/probe_notes.h"
#include "rate_control/clip_state_data.h"
#include "rate_control/frame_traits.h"

/* Each table is one list of X(name, unit, value); names, units and values cannot
 * drift apart. Values read `s` (the state) and what the observe functions below
 * put beside it. Bump the version with every change. Table 4 is table 3, then what
 * lookahead_features.h adds: so a policy of table 3 gets its columns, which come first. */
enum { OLDEST_VERSION = 3, NEWEST_VERSION = 4 };

static float log_ratio(double numerator, double denominator) {
  const double low = 1e-6;
  const double ratio =
      (numerator > low ? numerator : low) / (denominator > low ? denominator : low);
  const float value = muzero_rc_log2((float)ratio);
  return value > 8.0f ? 8.0f : (value < -8.0f ? -8.0f : value);
}

static float signed_log(double value) {
  return value < 0.0 ? -muzero_rc_log2(1.0f - (float)value) : muzero_rc_log2(1.0f + (float)value);
}

static float bounded(float value) {
  return value > 4.0f ? 4.0f : (value < -4.0f ? -4.0f : value);
}

static float raw(const muzero_rc_frame_stats *f, int32_t position) {
  const double value = f->field[position];
  return value > -1e9 && value < 1e9 ? (float)value : 0.0f; /* NaN fails both */
}

/* Bits of an average frame at the target rate. */
static double frame_share(const muzero_rc_clip_state *s) {
  return s->target_bits / (double)s->clip.frame_count;
}

/* ---- once per clip ---- */

#define CLIP_FEATURES(X)                                                                           \
  X("target_bits_per_pixel", "log2 / 4",                                                           \
    (muzero_rc_log2((float)frame_share(s)) - s->log_pixels) / 4.0f)                                \
  X("pixels", "log2 - 16", s->log_pixels - 16.0f)                                                  \
  X("frames", "(log2 - 6) / 2", (muzero_rc_log2((float)s->clip.frame_count) - 6.0f) / 2.0f)        \
  X("frame_rate", "Hz / 30", (float)(s->clip.frame_count / s->seconds) / 30.0f)                    \
  X("predicted", "log2 / 4", s->whole.predicted / 4.0f)                                            \
  X("still", "share", s->whole.still)                                                              \
  X("coded_error", "log2 / 8", s->whole.coded / 8.0f)                                              \
  X("first_intra_error", "log2 / 8", s->traits[0].intra / 8.0f)                                    \
  X("quick", "0/1", s->probe.known ? 1.0f : 0.0f)                                                  \
  X("quick_fine", "log2 bits per pixel / 4", s->probe.mean[0] / 4.0f)                              \
  X("quick_coarse", "log2 bits per pixel / 4", s->probe.mean[1] / 4.0f)                            \
  X("quick_key_fine", "log2 bits per pixel / 4", s->probe.key[0] / 4.0f)                           \
  X("quick_key_coarse", "log2 bits per pixel / 4", s->probe.key[1] / 4.0f)

/* ---- once per shown frame; t: its traits, f: its raw statistics ---- */

#define RAW(name) raw(f, MUZERO_RC_STAT_##name)

#define FRAME_FEATURES(X)                                                                          \
  X("intra_error", "log2 / 8", t->intra / 8.0f)                                                    \
  X("coded_error", "log2 / 8", t->coded / 8.0f)                                                    \
  X("second_ref_error", "log2 / 8", t->second_error / 8.0f)                                        \
  X("coded_to_intra", "log2 / 4", (t->coded - t->intra) / 4.0f)                                    \
  X("second_to_coded", "log2", t->second_error - t->coded)                                         \
  X("quick_fine", "log2 to the clip's / 2", (t->probe[0] - s->probe.mean[0]) / 2.0f)               \
  X("quick_coarse", "log2 to the clip's / 2", (t->probe[1] - s->probe.mean[1]) / 2.0f)             \
  X("key_response", "log2 of rate * 4",                                                            \
    4.0f * muzero_rc_probe_response_at(s->traits, s->clip.frame_count, s->first, show))            \
  X("coded_to_clip", "log2 / 2", (t->coded - s->whole.coded) / 2.0f)                               \
  X("noise", "log2 / 8", t->noise / 8.0f)                                                          \
  X("inter", "share", t->inter)                                                                    \
  X("motion", "share", t->motion)                                                                  \
  X("second_ref", "share", t->second_ref)                                                          \
  X("neutral", "share", t->neutral)                                                                \
  X("intra_low", "share", RAW(INTRA_LOW))                                                          \
  X("intra_high", "share", RAW(INTRA_HIGH))                                                        \
  X("intra_skip", "share", t->intra_skip)                                                          \
  X("intra_smooth", "share", t->intra_smooth)                                                      \
  X("inactive_rows", "log2 / 4", signed_log((double)RAW(INACTIVE_ROWS)) / 4.0f)                    \
  X("vector_row", "signed log2 / 4", signed_log((double)RAW(VECTOR_ROW)) / 4.0f)                   \
  X("vector_row_abs", "log2 / 4", signed_log((double)RAW(VECTOR_ROW_ABS)) / 4.0f)                  \
  X("vector_column", "signed log2 / 4", signed_log((double)RAW(VECTOR_COLUMN)) / 4.0f)             \
  X("vector_column_abs", "log2 / 4", signed_log((double)RAW(VECTOR_COLUMN_ABS)) / 4.0f)            \
  X("vector_row_variance", "log2 / 8", signed_log((double)RAW(ROW_VARIANCE)) / 8.0f)               \
  X("vector_column_variance", "log2 / 8", signed_log((double)RAW(COLUMN_VARIANCE)) / 8.0f)         \
  X("vectors_inward", "share", RAW(VECTORS_INWARD))                                                \
  X("weight", "libvpx", RAW(WEIGHT) - 1.0f)                                                        \
  X("position", "share of clip", position)                                                         \
  X("forward", "log2 of frames / 4", muzero_rc_log2(1.0f + t->forward) / 4.0f)                     \
  X("backward", "log2 of frames / 4", muzero_rc_log2(1.0f + t->backward) / 4.0f)                   \
  X("usual_bits", "log2 to clip's mean / 4", usual_bits)

/* ---- once per coded frame ---- */


#define REFERENCE(X, name, i)                                                                  \
  X(name "_valid", "0/1", ref[i] ? 1.0f : 0.0f)                                                \
  X(name "_distance", "shown frames / 16",                                                     \
    ref[i] ? (float)(ref[i]->show_index - frame->show_index) / 16.0f : 0.0f)                   \
  X(name "_step", "log2 to q_ref", ref[i] ? ref[i]->step - own_step : 0.0f)                    \
  X(name "_quality", "dB / 10 - 4", ref[i] ? ref[i]->quality / 10.0f - 4.0f : 0.0f)

#define MEMORY(X, name, l)                                                                         \
  X(name "_seen", "0/1", s->memory[l].count > 0 ? 1.0f : 0.0f)                                     \
  X(name "_last_step", "log2 to q_ref",                                                            \
    s->memory[l].count > 0 ? s->memory[l].last.step - own_step : 0.0f)                             \
  X(name "_last_bits", "log2 per pixel / 4",                                                       \
    s->memory[l].count > 0 ? (s->memory[l].last.bits - s->log_pixels) / 4.0f : 0.0f)               \
  X(name "_last_quality", "dB / 10 - 4",                                                           \
    s->memory[l].count > 0 ? s->memory[l].last.quality / 10.0f - 4.0f : 0.0f)                      \
  X(name "_last_surprise", "log2",                                                                 \
    s->memory[l].count > 0 ? bounded(s->memory[l].last.surprise) : 0.0f)                           \
  X(name "_correction", "log2", muzero_rc_budget_correction(&s->budget, l))

#define STEP_FEATURES(X)                                                                           \
  X("is_key", "0/1", s->request.frame_type == MUZERO_RC_KEY ? 1.0f : 0.0f)                         \
  X("is_inter", "0/1", s->request.frame_type == MUZERO_RC_INTER ? 1.0f : 0.0f)                     \
  X("is_altref", "0/1", s->request.frame_type == MUZERO_RC_ALTREF ? 1.0f : 0.0f)                   \
  X("is_overlay", "0/1", s->request.frame_type == MUZERO_RC_OVERLAY ? 1.0f : 0.0f)                 \
  X("is_golden", "0/1", s->request.frame_type == MUZERO_RC_GOLDEN ? 1.0f : 0.0f)                   \
  X("is_top", "0/1", frame->layer == MUZERO_RC_LAYER_TOP ? 1.0f : 0.0f)                            \
  X("is_second", "0/1", frame->layer == MUZERO_RC_LAYER_SECOND ? 1.0f : 0.0f)                      \
  X("is_third", "0/1", frame->layer == MUZERO_RC_LAYER_THIRD ? 1.0f : 0.0f)                        \
  X("is_fourth", "0/1", frame->layer == MUZERO_RC_LAYER_FOURTH ? 1.0f : 0.0f)                      \
  X("is_leaf", "0/1", frame->layer == MUZERO_RC_LAYER_LEAF ? 1.0f : 0.0f)                          \
  X("pyramid", "-1 unknown, 0, 1", (float)s->schedule.pyramid)                                     \
  X("position", "share of clip", (float)frame->show_index / (float)s->clip.frame_count)            \
  X("frames_left", "log2 / 4",                                                                     \
    muzero_rc_log2((float)(s->clip.frame_count - frame->show_index)) / 4.0f)                       \
  X("gop_position", "shown frames / 16",                                                           \
    (float)(frame->show_index - s->schedule.gop_start) / 16.0f)                                    \
  X("gop_length", "shown frames / 16",                                                             \
    (float)(s->schedule.gop_end - s->schedule.gop_start) / 16.0f)                                  \
  X("gop_index", "coded frames / 16", bounded((float)s->request.gop_index / 16.0f))                \
  X("past_distance", "shown frames / 16", (float)frame->past / 16.0f)                              \
  X("ahead_distance", "shown frames / 16", (float)frame->ahead / 16.0f)                            \
  X("hidden", "frames / 4", (float)s->schedule.hidden_count / 4.0f)                                \
  X("target_bits_per_pixel", "log2 / 4",                                                           \
    (muzero_rc_log2((float)frame_share(s)) - s->log_pixels) / 4.0f)                                \
  X("spent", "share of target", bounded((float)(s->budget.spent_bits / s->target_bits)))           \
  X("ahead_of_time", "share of target",                                                            \
    bounded((float)(s->budget.spent_bits / s->target_bits) -                                       \
            (float)frame->show_index / (float)s->clip.frame_count))                                \
  X("left_per_frame", "log2 to target's",                                                          \
    log_ratio(left / (double)(s->clip.frame_count - frame->show_index), frame_share(s)))           \
  X("plan_to_left", "log2",                                                                        \
    log_ratio(s->pending.rest_bits + (double)muzero_rc_exp2(s->pending.expected_bits), left))      \
  X("own_share", "log2 of own bits to left / 4",                                                   \
    log_ratio((double)muzero_rc_exp2(s->pending.expected_bits), left) / 4.0f)                      \
  X("correction", "log2", muzero_rc_budget_overall(&s->budget))                                    \
  X("base_step", "(log2 - 5) / 2", (s->pending.base - 5.0f) / 2.0f)                                \
  X("offset", "log2", s->pending.offset)                                                           \
  X("reference_qindex", "qindex / 128 - 1", (float)own_qindex / 128.0f - 1.0f)              \
  X("nearest_reference_step", "log2 to q_ref", s->pending.reference_step - own_step)               \
  X("expected_bits", "log2 per pixel / 4", (s->pending.expected_bits - s->log_pixels) / 4.0f)      \
  X("expected_to_share", "log2 to target's / 4",                                                   \
    (s->pending.expected_bits - muzero_rc_log2((float)frame_share(s))) / 4.0f)                     \
  X("gop_predicted", "log2 / 4", s->pending.gop.predicted / 4.0f)                                  \
  X("gop_still", "share", s->pending.gop.still)                                                    \
  X("gop_coded_error", "log2 / 8", s->pending.gop.coded / 8.0f)                                    \
  X("gop_hardness", "log2 / 2", (s->pending.gop.coded - s->whole.coded) / 2.0f)                    \
  X("importance", "log2 of frames / 4", muzero_rc_importance_of(s, frame) / 4.0f)                  \
  X("frame_hardness", "log2 / 2", (t->coded - s->pending.gop.coded) / 2.0f)                        \
  X("intra_error", "log2 / 8", t->intra / 8.0f)                                                    \
  X("coded_error", "log2 / 8", t->coded / 8.0f)                                                    \
  X("second_ref_error", "log2 / 8", t->second_error / 8.0f)                                        \
  X("coded_to_intra", "log2 / 4", (t->coded - t->intra) / 4.0f)                                    \
  X("noise", "log2 / 8", t->noise / 8.0f)                                                          \
  X("inter", "share", t->inter)                                                                    \
  X("motion", "share", t->motion)                                                                  \
  X("second_ref", "share", t->second_ref)                                                          \
  X("neutral", "share", t->neutral)                                                                \
  X("intra_skip", "share", t->intra_skip)                                                          \
  X("intra_smooth", "share", t->intra_smooth)                                                      \
  X("vectors", "log2 / 8", t->vectors / 8.0f)                                                      \
  REFERENCE(X, "last", 0)                                                                          \
  REFERENCE(X, "golden", 1)                                                                        \
  REFERENCE(X, "altref", 2)                                                                        \
  MEMORY(X, "key", MUZERO_RC_LAYER_KEY)                                                            \
  MEMORY(X, "top", MUZERO_RC_LAYER_TOP)                                                            \
  MEMORY(X, "second", MUZERO_RC_LAYER_SECOND)                                                      \
  MEMORY(X, "third", MUZERO_RC_LAYER_THIRD)                                                        \
  MEMORY(X, "fourth", MUZERO_RC_LAYER_FOURTH)                                                      \
  MEMORY(X, "leaf", MUZERO_RC_LAYER_LEAF)                                                          \
  MEMORY(X, "overlay", MUZERO_RC_LAYER_OVERLAY)

#define AS_ROW(name, unit, value) {name, unit},
#define AS_VALUE(name, unit, value) *out++ = (value);
#define COUNT_OF(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

static const muzero_rc_feature kClipFeatures[] = {CLIP_FEATURES(AS_ROW) CLIP_FEATURES_4(AS_ROW)};
static const muzero_rc_feature kFrameFeatures[] = {
    FRAME_FEATURES(AS_ROW) FRAME_FEATURES_4(AS_ROW)};
static const muzero_rc_feature kStepFeatures[] = {STEP_FEATURES(AS_ROW) STEP_FEATURES_4(AS_ROW)};

#define AS_ONE(name, unit, value) +1
static const muzero_rc_feature_widths kWidths[] = {
    {0 CLIP_FEATURES(AS_ONE), 0 FRAME_FEATURES(AS_ONE), 0 STEP_FEATURES(AS_ONE)},
    {COUNT_OF(kClipFeatures), COUNT_OF(kFrameFeatures), COUNT_OF(kStepFeatures)},
};
_Static_assert(COUNT_OF(kWidths) == NEWEST_VERSION - OLDEST_VERSION + 1, "one for each version");

int32_t muzero_rc_feature_version(void) { return NEWEST_VERSION; }

bool muzero_rc_feature_widths_of(int32_t version, muzero_rc_feature_widths *widths) {
  const bool known = version >= OLDEST_VERSION && version <= NEWEST_VERSION;
  if (known) *widths = kWidths[version - OLDEST_VERSION];
  return known;
}

int32_t muzero_rc_feature_oldest_version(void) { return OLDEST_VERSION; }

muzero_rc_feature_table muzero_rc_clip_features(void) {
  return (muzero_rc_feature_table){kClipFeatures, COUNT_OF(kClipFeatures)};
}

muzero_rc_feature_table muzero_rc_frame_features(void) {
  return (muzero_rc_feature_table){kFrameFeatures, COUNT_OF(kFrameFeatures)};
}

muzero_rc_feature_table muzero_rc_step_features(void) {
  return (muzero_rc_feature_table){kStepFeatures, COUNT_OF(kStepFeatures)};
}

/* Bits of shown frame `show` in the forecast's middle row. */
static float forecast_bits(const muzero_rc_clip_state *s, int32_t show) {
  const float *row =
      s->forecast + (size_t)(MUZERO_RC_FORECAST_STEPS / 2) * (size_t)(s->clip.frame_count + 1);
  return row[show] - row[show + 1];
}

void muzero_rc_observe_clip(const muzero_rc_clip_state *s, int32_t version, float *out) {
  CLIP_FEATURES(AS_VALUE)
  if (version < 4) return;
  CLIP_FEATURES_4(AS_VALUE)
}

void muzero_rc_observe_frames(const muzero_rc_clip_state *s, int32_t version, float *out) {
  const int32_t count = s->clip.frame_count;
  const float *row =
      s->forecast + (size_t)(MUZERO_RC_FORECAST_STEPS / 2) * (size_t)(count + 1);
  const double mean_bits = (double)row[0] / (double)count;
  for (int32_t show = 0; show < count; ++show) {
    const muzero_rc_frame_traits *t = &s->traits[show];
    const muzero_rc_frame_stats *f = &s->stats[show];
    const float position = (float)show / (float)count;
    const float usual_bits = log_ratio((double)forecast_bits(s, show), mean_bits) / 4.0f;
    FRAME_FEATURES(AS_VALUE)
    if (version < 4) continue;
    const muzero_rc_look look = muzero_rc_look_of(s, show), *const l = &look;
    FRAME_FEATURES_4(AS_VALUE)
  }
}

static const muzero_rc_coded *reference_of(const muzero_rc_clip_state *s, int32_t i) {
  const int32_t index = s->request.ref_coding_index[i];
  if (!s->request.ref_valid[i] || index < 0 || index >= s->coded_capacity) return NULL;
  return s->coded[index].layer < 0 ? NULL : &s->coded[index];
}

void muzero_rc_observe_step(const muzero_rc_clip_state *s, int32_t version, float *out) {
  const muzero_rc_planned_frame *frame = &s->schedule.pending;
  const muzero_rc_frame_traits *t = &s->traits[frame->show_index];
  const int32_t depth = s->clip.bit_depth;
  const float own_step = muzero_rc_qindex_to_step(s->pending.qindex, depth);
  const int32_t own_qindex = muzero_rc_qindex_at(s->pending.qindex, depth, 8);
  const double left = s->target_bits - s->budget.spent_bits;
  const muzero_rc_coded *const ref[MUZERO_RC_REFERENCES] = {
      reference_of(s, 0), reference_of(s, 1), reference_of(s, 2)};
  STEP_FEATURES(AS_VALUE)
  if (version < 4) return;
  const muzero_rc_step_look look = muzero_rc_step_look_of(s), *const k = &look;
  const muzero_rc_gop_candidate *const c = &k->gop;
  STEP_FEATURES_4(AS_VALUE)
}
