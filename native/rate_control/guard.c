#include "rate_control/guard.h"

#include "rate_control/controller.h"
#include "rate_control/controller_params.h"
#include "rate_control/peak_guard.h"
#include "rate_control/quantizer.h"

/* log2 by which the pending frame may exceed its expected bits. What a late key frame takes is
 * known from the first one only, which may have shown another picture. */
static float doubt_of_pending(const muzero_rc_clip_state *state) {
  const int32_t layer = state->schedule.pending.layer;
  if (layer > MUZERO_RC_LAYER_TOP) return muzero_rc_params.doubt;
  const bool late_key = layer == MUZERO_RC_LAYER_KEY && state->coded_count > 0;
  return late_key ? muzero_rc_params.doubt_late_key : muzero_rc_params.doubt_costly;
}

int32_t muzero_rc_guard(const muzero_rc_clip_state *state, int32_t asked) {
  const float doubt = doubt_of_pending(state);
  const double allowed = state->target_bits - state->budget.spent_bits - state->pending.saving_bits;
  int32_t low = asked;
  int32_t high = MUZERO_RC_QINDEX_MAX;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    const float bits = muzero_rc_controller_bits(state, muzero_rc_qindex_to_step(middle));
    const double most = (double)muzero_rc_exp2(bits + doubt);
    if (most > allowed || !muzero_rc_peak_guard_holds(state, middle, most)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
