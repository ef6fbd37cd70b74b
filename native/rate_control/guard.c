#include "rate_control/guard.h"

#include "rate_control/controller.h"
#include "rate_control/controller_params.h"
#include "rate_control/peak_guard.h"
#include "rate_control/quantizer.h"

/* Steps by which the pending frame is finer than its finest reference; 0 where it has none. */
static float finer_than_references(const muzero_rc_clip_state *state, float step) {
  float finest;
  return muzero_rc_controller_finest_reference(state, &finest) ? finest - step : 0.0f;
}

/* log2 by which the pending frame may exceed its expected bits at `step`. What a late key frame takes
 * is known from the first one only, which may have shown another picture. Where alt-refs have taken
 * far more than was expected twice, they may again; on a screen that scrolls now and then, after
 * once. One that is much finer than every reference codes the picture anew, however well it is
 * predicted. */
static float doubt_of_pending(const muzero_rc_clip_state *state, float step) {
  const int32_t layer = state->schedule.pending.layer;
  if (layer > MUZERO_RC_LAYER_TOP) return muzero_rc_params.doubt;
  if (state->first + state->coded_count == 0) return muzero_rc_params.doubt_costly;
  if (layer == MUZERO_RC_LAYER_KEY) return muzero_rc_params.doubt_late_key;
  const muzero_rc_layer_memory *const memory = &state->memory[layer];
  const float seen =
      memory->excess_again + state->frozen * (memory->excess - memory->excess_again);
  const float excess = seen - muzero_rc_params.usual_excess;
  const float finer = finer_than_references(state, step) - muzero_rc_params.usual_finer;
  const float doubt = muzero_rc_params.doubt_costly + (excess > 0.0f ? excess : 0.0f) +
                      (finer > 0.0f ? finer : 0.0f);
  return doubt < muzero_rc_params.doubt_most ? doubt : muzero_rc_params.doubt_most;
}

int32_t muzero_rc_guard(const muzero_rc_clip_state *state, int32_t asked) {
  const double allowed = state->target_bits - state->budget.spent_bits - state->pending.saving_bits;
  int32_t low = asked;
  int32_t high = MUZERO_RC_QINDEX_MAX;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    const float step = muzero_rc_qindex_to_step(middle, state->clip.bit_depth);
    const float bits = muzero_rc_controller_bits(state, step) + doubt_of_pending(state, step);
    const double most = (double)muzero_rc_exp2(bits);
    if (most > allowed || !muzero_rc_peak_guard_holds(state, middle, most)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
