#include "policy/network_decider.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "features/feature_table.h"
#include "network/kernels.h"
#include "rate_control/quantizer.h"
#include "policy/policy_impl.h"

struct muzero_rc_network_decider {
  const muzero_rc_policy *policy;
  int32_t frame_count;
  float *encoding; /* [frame_count, width] */
  float *step;     /* [step features] */
  float *logits;   /* [actions] */
  float *scratch;
};

/* The clip's encoding, from features that only this needs. */
static int encode(muzero_rc_network_decider *d, const muzero_rc_clip_state *state) {
  const muzero_rc_network *network = d->policy->network;
  const muzero_rc_sizes *sizes = muzero_rc_network_sizes(network);
  const size_t clip_size = (size_t)sizes->clip_features;
  const size_t frames_size = (size_t)d->frame_count * (size_t)sizes->frame_features;
  float *clip = malloc((clip_size + frames_size) * sizeof(float));
  float *scratch = malloc(muzero_rc_network_encode_scratch(network) * sizeof(float));
  const int result = clip == NULL || scratch == NULL ? -ENOMEM : 0;
  if (result == 0) {
    muzero_rc_observe_clip(state, d->policy->feature_version, clip);
    muzero_rc_observe_frames(state, d->policy->feature_version, clip + clip_size);
    muzero_rc_network_encode(network, clip, clip + clip_size, d->frame_count, d->encoding, scratch);
  }
  free(scratch);
  free(clip);
  return result;
}

static int prepare(muzero_rc_network_decider *d, const muzero_rc_clip_state *state) {
  const muzero_rc_sizes *sizes = muzero_rc_network_sizes(d->policy->network);
  const size_t step = (size_t)sizes->step_features, actions = (size_t)sizes->actions;
  const size_t scratch = muzero_rc_network_step_scratch(d->policy->network);
  d->encoding = malloc((size_t)d->frame_count * (size_t)sizes->width * sizeof(float));
  d->step = malloc((step + actions + scratch) * sizeof(float));
  if (d->encoding == NULL || d->step == NULL) return -ENOMEM;
  d->logits = d->step + step;
  d->scratch = d->logits + actions;
  return encode(d, state);
}

int muzero_rc_network_decider_open(const muzero_rc_policy *policy,
                                   const muzero_rc_clip_state *state, int32_t frame_count,
                                   muzero_rc_network_decider **network) {
  *network = NULL;
  muzero_rc_network_decider *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return -ENOMEM;
  opened->policy = policy;
  opened->frame_count = frame_count;
  const int result = prepare(opened, state);
  if (result < 0) muzero_rc_network_decider_close(&opened);
  *network = opened;
  return result;
}

void muzero_rc_network_decider_close(muzero_rc_network_decider **network) {
  if (*network == NULL) return;
  free((*network)->encoding);
  free((*network)->step);
  free(*network);
  *network = NULL;
}

/* The expected action, rounded to the nearest, halves away from zero. */
static int32_t mean_action(const muzero_rc_policy *policy, float *logits) {
  float mean = 0.0f;
  muzero_rc_softmax(logits, policy->action_count);
  for (int32_t i = 0; i < policy->action_count; i++) {
    mean += logits[i] * (float)policy->actions[i];
  }
  return (int32_t)(mean < 0.0f ? mean - 0.5f : mean + 0.5f);
}

int32_t muzero_rc_policy_choose(const muzero_rc_policy *policy, float *logits, int32_t q_ref,
                                int32_t *fallback) {
  int32_t best = 0;
  *fallback = 0;
  for (int32_t i = 0; i < policy->action_count; i++) {
    if (!isfinite(logits[i])) *fallback = 1;
    if (logits[i] > logits[best]) best = i; /* of equals the first */
  }
  if (*fallback) return q_ref;
  const int32_t action = policy->mean ? mean_action(policy, logits) : policy->actions[best];
  return muzero_rc_clamp_qindex(policy->absolute ? action : q_ref + action);
}

static int decide(void *self, const muzero_rc_clip_state *state,
                  const muzero_rc_frame_request *request, muzero_rc_decision *decision) {
  muzero_rc_network_decider *const d = self;
  muzero_rc_observe_step(state, d->policy->feature_version, d->step);
  muzero_rc_network_logits(d->policy->network, d->encoding, d->frame_count, request->show_index,
                           d->step, d->logits, d->scratch);
  /* A policy learned its actions in qindexes of 8 bits. */
  const int32_t depth = muzero_rc_clip_state_bit_depth(state);
  const int32_t q_ref = muzero_rc_qindex_at(decision->q_ref, depth, 8);
  const int32_t asked = muzero_rc_policy_choose(d->policy, d->logits, q_ref, &decision->fallback);
  decision->asked = asked == q_ref ? decision->q_ref : muzero_rc_qindex_at(asked, 8, depth);
  return 0;
}

muzero_rc_decider muzero_rc_network_decider_of(muzero_rc_network_decider *network) {
  return (muzero_rc_decider){.decide = decide, .self = network};
}

int muzero_rc_policy_forward(const muzero_rc_policy *policy, const float *clip,
                             const float *frames, int32_t frame_count, const float *steps,
                             const int32_t *show_index, int32_t count, float *logits) {
  const muzero_rc_sizes *sizes = muzero_rc_policy_sizes(policy);
  if (sizes == NULL || frame_count < 1 || count < 1) return -EINVAL;
  const size_t encode_scratch = muzero_rc_network_encode_scratch(policy->network);
  const size_t step_scratch = muzero_rc_network_step_scratch(policy->network);
  const size_t scratch_size = encode_scratch > step_scratch ? encode_scratch : step_scratch;
  const size_t width = (size_t)sizes->width * sizeof(float);
  float *encoding = malloc((size_t)frame_count * width);
  float *scratch = malloc(scratch_size * sizeof(float));
  const int result = encoding == NULL || scratch == NULL ? -ENOMEM : 0;
  if (result == 0) {
    muzero_rc_network_encode(policy->network, clip, frames, frame_count, encoding, scratch);
    for (size_t i = 0; i < (size_t)count; i++) {
      muzero_rc_network_logits(policy->network, encoding, frame_count, show_index[i],
                               steps + i * (size_t)sizes->step_features,
                               logits + i * (size_t)sizes->actions, scratch);
    }
  }
  free(scratch);
  free(encoding);
  return result;
}
