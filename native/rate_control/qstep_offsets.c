#include "rate_control/qstep_offsets.h"

#include "rate_control/quantizer.h"
#include "rate_control/controller_params.h"

static float clamp(float value, float low, float high) {
  return value < low ? low : (value > high ? high : value);
}

static float minimum(float a, float b) { return a < b ? a : b; }

muzero_rc_frame_span muzero_rc_opening_of(const muzero_rc_clip_state *state, int32_t show_index) {
  const int32_t scene = state->traits[show_index].scene;
  const int32_t length = scene < muzero_rc_params.key_span ? scene : muzero_rc_params.key_span;
  return muzero_rc_frame_span_of(state->traits, state->clip.frame_count, show_index + 1,
                                 show_index + (length > 0 ? length : 1));
}

float muzero_rc_importance_of(const muzero_rc_clip_state *state,
                              const muzero_rc_planned_frame *frame) {
  const muzero_rc_frame_traits *traits = &state->traits[frame->show_index];
  float forward = traits->forward;
  float backward = 0.0f;
  if (frame->layer != MUZERO_RC_LAYER_KEY) {
    if (frame->ahead > 0) forward = minimum(forward, (float)frame->ahead);
    backward = minimum(traits->backward, (float)frame->past);
  }
  return muzero_rc_log2(1.0f + forward + backward);
}

/* Of an alt-ref, were it the GOP's only one. In a still clip the key frame
 * carries the quality, and an alt-ref has less to add. */
static float reference_offset(const muzero_rc_offset_params *params, float importance,
                              const muzero_rc_frame_span *gop, float base) {
  return clamp(params->top - params->top_importance * importance +
                   params->top_coarse * (base - muzero_rc_params.usual_base) +
                   params->top_still * (gop->still - muzero_rc_params.usual_still),
               muzero_rc_params.deepest_offset, muzero_rc_params.highest_offset);
}

/* What the probe encodes tell of a key frame's worth: the response of the variant that
 * had it finer, up to the scene's end, and what else goes with how far a finer key frame
 * really pays. Only where the probe encodes had a key frame too. */
static float key_evidence(const muzero_rc_clip_state *state, int32_t show_index,
                          const muzero_rc_frame_span *gop) {
  const muzero_rc_offset_params *const params = &state->offsets;
  const int32_t scene = state->traits[show_index].scene;
  if (!state->probe.known || (state->first + show_index) % MUZERO_RC_PROBE_SPAN != 0) return 0.0f;
  const int32_t known = show_index + (scene < MUZERO_RC_PROBE_SPAN - 1 ? scene : MUZERO_RC_PROBE_SPAN - 1);
  const int32_t last = state->clip.frame_count - 1, end = known < last ? known : last;
  const float response = state->traits[end].response[MUZERO_RC_PROBE_FINE_KEYS];
  return clamp(params->key_response * (response - muzero_rc_params.usual_response) +
                   params->key_noise * (gop->noise - muzero_rc_params.usual_noise) +
                   params->key_dear * (state->probe.mean[0] - muzero_rc_params.usual_bits) +
                   params->key_vectors * (state->whole.vectors - muzero_rc_params.usual_vectors),
               -muzero_rc_params.most_evidence, muzero_rc_params.most_evidence);
}

static float key_offset(const muzero_rc_clip_state *state, float importance, int32_t show_index,
                        const muzero_rc_frame_span *gop, float base) {
  const muzero_rc_offset_params *const params = &state->offsets;
  const float scene = (float)state->traits[show_index].scene;
  const float length = minimum(muzero_rc_log2(1.0f + scene), muzero_rc_params.usual_scene);
  return clamp(params->key - params->key_importance * importance +
                   params->key_coarse * (base - muzero_rc_params.usual_base) +
                   params->key_still * (gop->still - muzero_rc_params.usual_still) +
                   params->key_steep * gop->steepness +
                   params->key_short * (muzero_rc_params.usual_scene - length) +
                   key_evidence(state, show_index, gop),
               muzero_rc_params.deepest_offset, muzero_rc_params.highest_offset);
}

/* Of all frames of a GOP. Dearer ones are coded coarser: mean PSNR gains more where
 * bits buy more. Beyond a factor of four it is not known how much. And the last one of
 * a scene is coded coarser: no frame after it lives on what it looks like. */
static float shared_offset(const muzero_rc_clip_state *state, const muzero_rc_frame_span *gop) {
  const muzero_rc_offset_params *const params = &state->offsets;
  const float known = muzero_rc_params.known_hardness;
  return params->gop_hardness * clamp(gop->coded - state->whole.coded, -known, known) +
         params->gop_probe * clamp(gop->probe - state->whole.probe, -known, known) +
         params->gop_still * (gop->still - muzero_rc_params.usual_still) +
         (gop->followers == 0 ? params->gop_last : 0.0f);
}

float muzero_rc_offset_of(const muzero_rc_clip_state *state, const muzero_rc_planned_frame *frame,
                          const muzero_rc_frame_span *gop, float base) {
  const muzero_rc_offset_params *const params = &state->offsets;
  const float shared = shared_offset(state, gop);
  const float importance = muzero_rc_importance_of(state, frame);
  const float reference = reference_offset(params, importance, gop, base) +
                          (gop->followers == 0 ? params->top_last : 0.0f);
  const float second = params->second;
  const float deeper = params->deeper;
  switch (frame->layer) {
    case MUZERO_RC_LAYER_KEY:
      return key_offset(state, importance, frame->show_index, gop, base) + shared;
    case MUZERO_RC_LAYER_TOP: return reference + shared;
    case MUZERO_RC_LAYER_SECOND: return reference * second + shared;
    case MUZERO_RC_LAYER_THIRD: return reference * second * deeper + shared;
    case MUZERO_RC_LAYER_FOURTH: return reference * second * deeper * deeper + shared;
    case MUZERO_RC_LAYER_OVERLAY: return params->overlay + shared;
    default:
      return shared + params->frame_hardness *
                          (state->traits[frame->show_index].coded - gop->coded);
  }
}

/* Where the nearest reference of a frame that is still to come will lie. */
float muzero_rc_offset_of_parent(const muzero_rc_clip_state *state,
                                 const muzero_rc_planned_frame *frame,
                                 const muzero_rc_frame_span *gop, float base) {
  muzero_rc_planned_frame parent = *frame;
  if (frame->layer > MUZERO_RC_LAYER_TOP && frame->layer < MUZERO_RC_LAYER_OVERLAY &&
      state->schedule.pyramid != 0) {
    --parent.layer;
  }
  return muzero_rc_offset_of(state, &parent, gop, base);
}
