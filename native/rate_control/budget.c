#include "rate_control/budget.h"

#include <string.h>

#include "rate_control/quantizer.h"

/* Memory of about 12 frames: content changes, and the model's error with it. */
static const double kForget = 0.92;
/* The model is worth this share of the clip's bits before anything was seen. */
static const double kPriorShare = 0.04;
static const double kPriorShareProbed = 0.2;
/* A layer's own error counts as much as the overall one after this many frames. */
static const double kLayerPriorFrames = 1.5;

void muzero_rc_budget_init(muzero_rc_budget *budget, double target_bits, bool probe) {
  memset(budget, 0, sizeof(*budget));
  budget->prior_bits = (probe ? kPriorShareProbed : kPriorShare) * target_bits;
}

/* Bits of the index that closes a packet of several frames: a marker byte at
 * either end and every frame's size in as many bytes as the largest needs (VP9
 * specification, annex B). */
static double superframe_index_bits(int32_t frames, int64_t largest_bits) {
  int32_t size_bytes = 1;
  for (int64_t bytes = largest_bits / 8; bytes > 255 && size_bytes < 4; bytes >>= 8) {
    ++size_bytes;
  }
  return 8.0 * (2 + size_bytes * frames);
}

void muzero_rc_budget_spend(muzero_rc_budget *budget, int64_t bits, bool hidden) {
  budget->spent_bits += (double)bits;
  if (bits > budget->largest_frame_bits) budget->largest_frame_bits = bits;
  if (hidden) {
    ++budget->hidden_frames;
    return;
  }
  if (budget->hidden_frames > 0) {
    budget->spent_bits +=
        superframe_index_bits(budget->hidden_frames + 1, budget->largest_frame_bits);
  }
  budget->hidden_frames = 0;
  budget->largest_frame_bits = 0;
}

static void add(muzero_rc_tally *tally, double bits, double expected_bits) {
  tally->spent = kForget * tally->spent + bits;
  tally->expected = kForget * tally->expected + expected_bits;
  tally->frames = kForget * tally->frames + 1.0;
}

void muzero_rc_budget_learn(muzero_rc_budget *budget, int32_t layer, double bits,
                            double expected_bits) {
  add(&budget->layers[layer], bits, expected_bits);
  if (layer != MUZERO_RC_LAYER_KEY && layer != MUZERO_RC_LAYER_OVERLAY) {
    add(&budget->all, bits, expected_bits);
  }
}

static double overall(const muzero_rc_budget *budget) {
  return (budget->all.spent + budget->prior_bits) / (budget->all.expected + budget->prior_bits);
}

static float bounded_log(double ratio) {
  const float value = muzero_rc_log2((float)(ratio > 1e-3 ? ratio : 1e-3));
  return value > 4.0f ? 4.0f : (value < -4.0f ? -4.0f : value);
}

float muzero_rc_budget_overall(const muzero_rc_budget *budget) {
  return bounded_log(overall(budget));
}

float muzero_rc_budget_correction(const muzero_rc_budget *budget, int32_t layer) {
  const muzero_rc_tally *tally = &budget->layers[layer];
  const bool apart = layer == MUZERO_RC_LAYER_KEY || layer == MUZERO_RC_LAYER_OVERLAY;
  const double common = apart ? 1.0 : overall(budget);
  if (tally->frames <= 0.0) return bounded_log(common);
  const double weight = kLayerPriorFrames * tally->expected / tally->frames;
  return bounded_log((tally->spent + weight * common) / (tally->expected + weight));
}
