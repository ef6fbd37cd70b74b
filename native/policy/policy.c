/* Life cycle of policies and models, and the decision. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "features/feature_table.h"
#include "network/kernels.h"
#include "policy/policy_impl.h"

struct muzero_rc_model {
  const muzero_rc_policy *policy;
  muzero_rc_clip_state *state;
  bool guard;
  int32_t frame_count;
  float *encoding; /* [frame_count, width]; NULL for the controller, as the rest */
  float *step;     /* [step features] */
  float *logits;   /* [actions] */
  float *scratch;
};

int muzero_rc_policy_open(const char *name, muzero_rc_policy **policy, char *error,
                          size_t error_size) {
  *policy = NULL;
  muzero_rc_policy *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return muzero_rc_fail(error, error_size, -ENOMEM, "out of memory");
  if (strcmp(name, "controller") != 0) {
    const int result = muzero_rc_policy_load(name, opened, error, error_size);
    if (result < 0) {
      muzero_rc_policy_close(&opened);
      return result;
    }
  }
  *policy = opened;
  return 0;
}

void muzero_rc_policy_close(muzero_rc_policy **policy) {
  if (*policy == NULL) return;
  muzero_rc_network_close(&(*policy)->network);
  muzero_rc_policy_file_close(&(*policy)->file);
  free(*policy);
  *policy = NULL;
}

const muzero_rc_sizes *muzero_rc_policy_sizes(const muzero_rc_policy *policy) {
  return policy->network == NULL ? NULL : muzero_rc_network_sizes(policy->network);
}

/* The clip's encoding, from features that only this needs. */
static int encode(const muzero_rc_policy *policy, const muzero_rc_clip_state *state,
                  int32_t frame_count, float *encoding) {
  const muzero_rc_sizes *sizes = muzero_rc_policy_sizes(policy);
  const size_t clip_size = (size_t)sizes->clip_features;
  const size_t frames_size = (size_t)frame_count * (size_t)sizes->frame_features;
  float *clip = malloc((clip_size + frames_size) * sizeof(float));
  float *scratch = malloc(muzero_rc_network_encode_scratch(policy->network) * sizeof(float));
  const int result = clip == NULL || scratch == NULL ? -ENOMEM : 0;
  if (result == 0) {
    muzero_rc_observe_clip(state, clip);
    muzero_rc_observe_frames(state, clip + clip_size);
    muzero_rc_network_encode(policy->network, clip, clip + clip_size, frame_count, encoding,
                             scratch);
  }
  free(scratch);
  free(clip);
  return result;
}

static int prepare_network(muzero_rc_model *model) {
  const muzero_rc_sizes *sizes = muzero_rc_policy_sizes(model->policy);
  const size_t step = (size_t)sizes->step_features, actions = (size_t)sizes->actions;
  const size_t scratch = muzero_rc_network_step_scratch(model->policy->network);
  const size_t width = (size_t)sizes->width * sizeof(float);
  model->encoding = malloc((size_t)model->frame_count * width);
  model->step = malloc((step + actions + scratch) * sizeof(float));
  if (model->encoding == NULL || model->step == NULL) return -ENOMEM;
  model->logits = model->step + step;
  model->scratch = model->logits + actions;
  return encode(model->policy, model->state, model->frame_count, model->encoding);
}

int muzero_rc_model_open(const muzero_rc_policy *policy, const muzero_rc_clip *clip,
                         const muzero_rc_frame_stats *stats, muzero_rc_model **model) {
  *model = NULL;
  muzero_rc_model *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return -ENOMEM;
  opened->policy = policy;
  opened->guard = true;
  int result = muzero_rc_clip_state_open(clip, stats, &opened->state);
  if (result == 0 && policy->network != NULL) {
    opened->frame_count = clip->frame_count;
    result = prepare_network(opened);
  }
  if (result < 0) muzero_rc_model_close(&opened);
  *model = opened;
  return result;
}

void muzero_rc_model_close(muzero_rc_model **model) {
  if (*model == NULL) return;
  muzero_rc_clip_state_close(&(*model)->state);
  free((*model)->encoding);
  free((*model)->step);
  free(*model);
  *model = NULL;
}

const muzero_rc_clip_state *muzero_rc_model_state(const muzero_rc_model *model) {
  return model->state;
}

void muzero_rc_model_set_guard(muzero_rc_model *model, bool guard) { model->guard = guard; }

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
  const int32_t asked = policy->absolute ? action : q_ref + action;
  if (asked < MUZERO_RC_QINDEX_MIN) return MUZERO_RC_QINDEX_MIN;
  return asked > MUZERO_RC_QINDEX_MAX ? MUZERO_RC_QINDEX_MAX : asked;
}

muzero_rc_decision muzero_rc_model_decide(muzero_rc_model *model,
                                          const muzero_rc_frame_request *request) {
  const muzero_rc_policy *policy = model->policy;
  muzero_rc_decision decision = {0};
  muzero_rc_clip_state_begin(model->state, request);
  decision.q_ref = muzero_rc_clip_state_q_ref(model->state);
  decision.asked = decision.q_ref;
  if (policy->network != NULL) {
    muzero_rc_observe_step(model->state, model->step);
    muzero_rc_network_logits(policy->network, model->encoding, model->frame_count,
                             request->show_index, model->step, model->logits, model->scratch);
    decision.asked = muzero_rc_policy_choose(policy, model->logits, decision.q_ref,
                                             &decision.fallback);
  }
  decision.qindex = muzero_rc_clip_state_commit(model->state, decision.asked, model->guard);
  return decision;
}

void muzero_rc_model_update(muzero_rc_model *model, const muzero_rc_frame_result *result) {
  muzero_rc_clip_state_end(model->state, result);
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
