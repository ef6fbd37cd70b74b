#include "rate_control/budget.h"

#include <string.h>

#include "rate_control/controller_params.h"
#include "rate_control/quantizer.h"

void muzero_rc_budget_init(muzero_rc_budget *budget, double target_bits, bool probed) {
  memset(budget, 0, sizeof(*budget));
  budget->prior_bits = (probed ? muzero_rc_params.prior_share_probed : muzero_rc_params.prior_share) * target_bits;
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
  tally->spent = muzero_rc_params.forget * tally->spent + bits;
  tally->expected = muzero_rc_params.forget * tally->expected + expected_bits;
  tally->frames = muzero_rc_params.forget * tally->frames + 1.0;
}

void muzero_rc_budget_learn(muzero_rc_budget *budget, int32_t layer, double bits,
                            double expected_bits) {
  /* One frame that is not like the others, a flash that an alt-ref has to carry, says
   * little of those to come: its surprise is cut. A lasting error is learned all the
   * same, in a few frames. */
  const double usual =
      expected_bits * (double)muzero_rc_exp2(muzero_rc_budget_correction(budget, layer));
  const double most = muzero_rc_params.most_surprise;
  if (bits > usual * most) bits = usual * most;
  if (bits < usual / most) bits = usual / most;
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
  const double weight = muzero_rc_params.layer_prior_frames * tally->expected / tally->frames;
  return bounded_log((tally->spent + weight * common) / (tally->expected + weight));
}
