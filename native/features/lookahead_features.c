#include "features/lookahead_features.h"

#include "rate_control/quantizer.h"

enum { FADE_FRAMES = 8, PYRAMIDS = MUZERO_RC_PYRAMIDS };

static float positive(int32_t cost) { return (float)(cost > 0 ? cost : 0); }

float muzero_rc_look_ratio(int32_t cost, int32_t base) {
  if (cost < 0 || base < 0 || cost == base) return 0.0f; /* muzero_rc_log2(1) is not quite 0 */
  const float value = muzero_rc_log2((1.0f + positive(cost)) / (1.0f + positive(base)));
  return value < -8.0f ? -8.0f : (value > 8.0f ? 8.0f : value);
}

float muzero_rc_look_log(int32_t cost) {
  return cost > 0 ? muzero_rc_log2(1.0f + positive(cost)) : 0.0f;
}

float muzero_rc_look_worth(int32_t worth, int32_t intra) {
  if (worth <= 0 || intra <= 0) return 0.0f;
  const float value = muzero_rc_log2(1.0f + (float)worth / (float)intra);
  return value > 8.0f ? 8.0f : value;
}

float muzero_rc_look_share(int32_t share) { return positive(share) / MUZERO_RC_SHARE_UNIT; }

muzero_rc_look muzero_rc_look_of(const muzero_rc_clip_state *state, int32_t show) {
  const muzero_rc_lookahead_frame *const frames = state->look;
  const int32_t count = state->clip.frame_count;
  muzero_rc_look look = {.frame = frames[show]};
  if (!state->looked) return look;
  for (int i = 0; i < PYRAMIDS; ++i) {
    const int32_t middle_end = show + (1 << i), near_end = show + (2 << i);
    look.both[i] = middle_end < count ? frames[middle_end].both[i] : MUZERO_RC_UNKNOWN;
    look.worth_near[i] = near_end < count ? frames[near_end].worth_near[i] : MUZERO_RC_UNKNOWN;
  }
  look.cut = muzero_rc_lookahead_cut(frames, count, show);
  look.flash = muzero_rc_lookahead_flash(frames, count, show);
  const int32_t later = show + FADE_FRAMES < count ? show + FADE_FRAMES : count - 1;
  look.fade = frames[later].luma - frames[show].luma;
  return look;
}

muzero_rc_step_look muzero_rc_step_look_of(const muzero_rc_clip_state *state) {
  const muzero_rc_planned_frame *const frame = &state->schedule.pending;
  const int32_t count = state->clip.frame_count, show = frame->show_index;
  const int32_t past = frame->past, ahead = frame->ahead;
  muzero_rc_step_look step = {.look = muzero_rc_look_of(state, show)};
  if (!state->looked) return step;
  muzero_rc_gop_candidate_of(state->look, count, state->schedule.gop_start,
                             state->schedule.gop_end - state->schedule.gop_start, &step.gop);
  step.past = step.between = step.fresh = step.worth_past = step.worth_ahead = MUZERO_RC_UNKNOWN;
  if (past > 0) {
    muzero_rc_gop_candidate before;
    muzero_rc_gop_candidate_of(state->look, count, show - past, past, &before);
    step.past = before.far;
    step.fresh = before.far_fresh;
    step.worth_past = before.worth_far;
    if (ahead > 0)
      step.between = muzero_rc_lookahead_between(state->look, count, show, past + ahead);
  }
  muzero_rc_gop_candidate after;
  muzero_rc_gop_candidate_of(state->look, count, show, ahead > 0 ? ahead : MUZERO_RC_USUAL_GOP,
                             &after);
  step.worth_ahead = after.worth_near;
  return step;
}
