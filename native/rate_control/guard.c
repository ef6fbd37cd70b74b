#include "rate_control/guard.h"

#include "rate_control/controller.h"
#include "rate_control/controller_params.h"
#include "rate_control/quantizer.h"

int32_t muzero_rc_guard(const muzero_rc_clip_state *state, int32_t asked) {
  const bool costly = state->schedule.pending.layer <= MUZERO_RC_LAYER_TOP;
  const float doubt = costly ? muzero_rc_params.doubt_costly : muzero_rc_params.doubt;
  const double allowed = state->target_bits - state->budget.spent_bits - state->pending.saving_bits;
  int32_t low = asked;
  int32_t high = MUZERO_RC_QINDEX_MAX;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    const float bits = muzero_rc_controller_bits(state, muzero_rc_qindex_to_step(middle));
    if ((double)muzero_rc_exp2(bits + doubt) > allowed) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
