/* What is spent, and what is learned from it. */
#include <math.h>

#include "check.h"
#include "rate_control/budget.h"
#include "rate_control/quantizer.h"

static void packets_of_one_frame_have_no_index(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e6, false);
  muzero_rc_budget_spend(&budget, 800, false);
  CHECK_EQ((int64_t)budget.spent_bits, 800);
}

static void superframe_index_is_booked_with_the_shown_frame(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e6, false);
  muzero_rc_budget_spend(&budget, 8 * 300, true);
  CHECK_EQ((int64_t)budget.spent_bits, 2400);
  muzero_rc_budget_spend(&budget, 8 * 10, false);
  /* two frames, the largest needs two bytes: 2 + 2 * 2 bytes */
  CHECK_EQ((int64_t)budget.spent_bits, 2400 + 80 + 48);
  muzero_rc_budget_spend(&budget, 8, false);
  CHECK_EQ((int64_t)budget.spent_bits, 2400 + 80 + 48 + 8);
}

static void a_model_that_is_right_is_not_corrected(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e6, false);
  for (int i = 0; i < 50; ++i) muzero_rc_budget_learn(&budget, MUZERO_RC_LAYER_LEAF, 900, 900);
  CHECK(fabsf(muzero_rc_budget_overall(&budget)) < 1e-4f);
  CHECK(fabsf(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_LEAF)) < 1e-4f);
  CHECK(fabsf(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_TOP)) < 1e-4f);
}

static void a_steady_error_is_learned(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e5, false);
  for (int i = 0; i < 200; ++i) muzero_rc_budget_learn(&budget, MUZERO_RC_LAYER_LEAF, 8000, 4000);
  CHECK(fabsf(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_LEAF) - 1.0f) < 0.1f);
  CHECK(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_TOP) > 0.8f);
  /* key frames are another matter */
  CHECK(fabsf(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_KEY)) < 1e-4f);
}

static void one_frame_that_is_not_like_the_others_says_little(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e4, true);
  for (int i = 0; i < 20; ++i) muzero_rc_budget_learn(&budget, MUZERO_RC_LAYER_LEAF, 200, 200);
  muzero_rc_budget_learn(&budget, MUZERO_RC_LAYER_TOP, 28000, 2000); /* a flash */
  CHECK(muzero_rc_budget_overall(&budget) < 0.5f);
  CHECK(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_LEAF) < 0.3f);
}

static void an_error_of_any_size_is_learned_if_it_lasts(void) {
  muzero_rc_budget budget;
  muzero_rc_budget_init(&budget, 1e4, true);
  for (int i = 0; i < 60; ++i) muzero_rc_budget_learn(&budget, MUZERO_RC_LAYER_LEAF, 8000, 1000);
  CHECK(fabsf(muzero_rc_budget_correction(&budget, MUZERO_RC_LAYER_LEAF) - 3.0f) < 0.1f);
}

static void logarithms_are_inverse(void) {
  for (float value = 1e-3f; value < 1e9f; value *= 1.37f) {
    CHECK(fabsf(muzero_rc_log2(value) - log2f(value)) < 2e-4f);
    CHECK(fabsf(muzero_rc_exp2(muzero_rc_log2(value)) / value - 1.0f) < 2e-4f);
  }
}

static void steps_and_qindexes_are_inverse(void) {
  for (int32_t qindex = 1; qindex <= 255; ++qindex) {
    for (int32_t depth = 8; depth <= 12; depth += 2)
      CHECK_EQ(muzero_rc_step_to_qindex(muzero_rc_qindex_to_step(qindex, depth), depth), qindex);
  }
  CHECK(fabsf(muzero_rc_clamp_step(-100.0f) - muzero_rc_qindex_to_step(1, 8)) < 1e-5f);
  CHECK(fabsf(muzero_rc_clamp_step(100.0f) - muzero_rc_qindex_to_step(255, 8)) < 1e-5f);
  CHECK_EQ(muzero_rc_step_to_qindex(-100.0f, 8), 1);
  CHECK_EQ(muzero_rc_step_to_qindex(100.0f, 8), 255);
}

int main(void) {
  packets_of_one_frame_have_no_index();
  superframe_index_is_booked_with_the_shown_frame();
  a_model_that_is_right_is_not_corrected();
  a_steady_error_is_learned();
  one_frame_that_is_not_like_the_others_says_little();
  an_error_of_any_size_is_learned_if_it_lasts();
  logarithms_are_inverse();
  steps_and_qindexes_are_inverse();
  return check_result();
}
