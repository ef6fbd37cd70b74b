#include "features/shape_features.h"

#include <string.h>

#include "lookahead/candidate.h"
#include "rate_control/gop_shape.h"
#include "rate_control/quantizer.h"

/* From costs in 1/16 of SATD to residuals that a quantizer step keeps, as logarithms. */
static const float kStepOffset = 4.0f;

/* A candidate, as logarithms and shares. */
typedef struct shape_row {
  float length;
  float far, far_intra, inside, inside_intra, leaves, worth_far, worth_near, noise; /* log2 */
  float still, fresh, cut, flash, fade;
  float bits; /* a guess, log2 a frame */
} shape_row;

/* Over the lengths that fit. */
typedef struct shape_means {
  float far, inside, worth, ratio, bits;
} shape_means;

static float log_of(int32_t value) { return muzero_rc_log2(1.0f + (float)(value > 0 ? value : 0)); }

static float bounded(float value, float limit) {
  if (!(value > -limit)) return -limit;
  return value < limit ? value : limit;
}

/* Bits that a residual leaves, which are few below the quantizer step. */
static float kept(float log_cost, float step) {
  const float above = bounded(log_cost - step - kStepOffset, 12.0f);
  return muzero_rc_log2(1.0f + muzero_rc_exp2(above));
}

static shape_row row_of(const muzero_rc_gop_candidate *c, int32_t length, float step) {
  const float share = 1.0f / (float)MUZERO_RC_SHARE_UNIT, unit = (float)MUZERO_RC_COST_UNIT;
  shape_row row = {.length = (float)length,
                   .far = log_of(c->far),
                   .far_intra = log_of(c->far_intra),
                   .inside = log_of(c->inside),
                   .inside_intra = log_of(c->inside_intra),
                   .leaves = log_of(c->leaves),
                   .worth_far = log_of(c->worth_far),
                   .worth_near = log_of(c->worth_near),
                   .noise = log_of(c->noise),
                   .still = (float)c->far_still * share,
                   .fresh = (float)c->far_fresh * share,
                   .cut = (float)c->cut * share,
                   .flash = log_of(c->flash),
                   .fade = bounded((float)c->fade / (10.0f * unit), 4.0f)};
  if (row.fade < 0.0f) row.fade = -row.fade;
  row.bits = (kept(row.far, step) + (row.length - 1.0f) * kept(row.inside, step)) / row.length;
  return row;
}

#define SHAPE_FEATURES(X)                                                                        \
  X("length", "log2 of frames / 10", muzero_rc_log2(r->length / 10.0f))                          \
  X("frames", "/ 10", r->length / 10.0f)                                                         \
  X("far_to_intra", "log2", r->far - r->far_intra)                                               \
  X("inside_to_intra", "log2", r->inside - r->inside_intra)                                      \
  X("leaves_to_inside", "log2", r->leaves - r->inside)                                           \
  X("inside_to_far", "log2", r->inside - r->far)                                                 \
  X("far_still", "share", r->still)                                                              \
  X("far_fresh", "share", r->fresh)                                                              \
  X("cut", "share", r->cut)                                                                      \
  X("flash", "log2 to intra", r->flash - r->inside_intra)                                        \
  X("fade", "luma / 10", r->fade)                                                                \
  X("worth_far", "log2 to intra", r->worth_far - r->far_intra)                                   \
  X("worth_near", "log2 to intra", r->worth_near - r->far_intra)                                 \
  X("noise", "log2 to inside", r->noise - r->inside)                                             \
  X("far_to_lengths", "log2", r->far - r->far_intra - m->far)                                    \
  X("inside_to_lengths", "log2", r->inside - r->inside_intra - m->inside)                        \
  X("worth_to_lengths", "log2", r->worth_far - r->far_intra - m->worth)                          \
  X("ratio_to_lengths", "log2", r->inside - r->far - m->ratio)                                   \
  X("far_to_step", "log2", bounded(r->far - step - kStepOffset, 6.0f))                           \
  X("inside_to_step", "log2", bounded(r->inside - step - kStepOffset, 6.0f))                     \
  X("far_kept", "bits", kept(r->far, step))                                                      \
  X("inside_kept", "bits", kept(r->inside, step))                                                \
  X("leaves_kept", "bits", kept(r->leaves, step))                                                \
  X("intra_kept", "bits", kept(r->far_intra, step))                                              \
  X("noise_to_step", "log2", bounded(r->noise - step - 2.0f, 6.0f))                              \
  X("step", "log2 - 5", step - 5.0f)                                                             \
  X("bits", "a frame", r->bits)                                                                  \
  X("bits_to_lengths", "a frame", r->bits - m->bits)                                             \
  X("first", "0/1", start == 0 ? 1.0f : 0.0f)                                                    \
  X("last", "0/1", start + (int32_t)r->length >= count - 1 ? 1.0f : 0.0f)

#define AS_FEATURE(name, unit, value) {name, unit},
#define AS_VALUE(name, unit, value) *out++ = (value);

static const muzero_rc_feature kShapeFeatures[] = {SHAPE_FEATURES(AS_FEATURE)};

enum { COUNT = sizeof(kShapeFeatures) / sizeof(kShapeFeatures[0]) };

muzero_rc_feature_table muzero_rc_shape_features(void) {
  return (muzero_rc_feature_table){kShapeFeatures, COUNT};
}

static shape_means means_of(const shape_row *rows, int32_t count) {
  shape_means m = {0};
  const float share = count > 0 ? 1.0f / (float)count : 0.0f;
  for (const shape_row *r = rows; r < rows + count; ++r) {
    m.far += share * (r->far - r->far_intra);
    m.inside += share * (r->inside - r->inside_intra);
    m.worth += share * (r->worth_far - r->far_intra);
    m.ratio += share * (r->inside - r->far);
    m.bits += share * r->bits;
  }
  return m;
}

int32_t muzero_rc_observe_shapes(const muzero_rc_lookahead_frame *frames, int32_t count,
                                 int32_t start, float step, float *out) {
  shape_row rows[MUZERO_RC_SHAPE_LENGTHS];
  int32_t fits = 0;
  for (; fits < MUZERO_RC_SHAPE_LENGTHS; ++fits) {
    const int32_t length = MUZERO_RC_SHAPE_SHORTEST + fits;
    muzero_rc_gop_candidate candidate;
    if (!muzero_rc_gop_candidate_of(frames, count, start, length, &candidate)) break;
    rows[fits] = row_of(&candidate, length, step);
  }
  memset(out, 0, sizeof(*out) * COUNT * MUZERO_RC_SHAPE_LENGTHS);
  const shape_means means = means_of(rows, fits), *const m = &means;
  for (const shape_row *r = rows; r < rows + fits; ++r) { SHAPE_FEATURES(AS_VALUE) }
  return fits;
}
