/* Rate control of one clip: a clip's state, a decider, and the guard. */
#include "policy/model.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/network_decider.h"
#include "policy/policy_impl.h"
#include "policy/shape_decider.h"

struct muzero_rc_model {
  muzero_rc_clip_state *state;
  muzero_rc_decider decider;
  muzero_rc_network_decider *network; /* NULL where the decider is none */
  muzero_rc_shape_decider *judge;     /* of shapes; NULL where there is none, or nothing to judge by */
  bool guard;
  muzero_rc_shape_hook shape; /* NULL: libvpx's own shapes */
  void *shaper;
  const muzero_rc_gop_shape *shapes; /* [shape_count], the plan; NULL: none */
  int32_t shape_count;
};

int muzero_rc_model_open_with(muzero_rc_decider decider, const muzero_rc_clip *clip,
                              const muzero_rc_frame_stats *stats, muzero_rc_model **model) {
  *model = NULL;
  muzero_rc_model *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return -ENOMEM;
  opened->decider = decider;
  opened->guard = true;
  muzero_rc_model_set_shaper(opened, decider.shape, decider.self);
  const int result = muzero_rc_clip_state_open(clip, stats, &opened->state);
  if (result < 0) muzero_rc_model_close(&opened);
  *model = opened;
  return result;
}

static int open_network(muzero_rc_model *model, const muzero_rc_policy *policy,
                        int32_t frame_count) {
  const int result =
      muzero_rc_network_decider_open(policy, model->state, frame_count, &model->network);
  if (result < 0) return result;
  model->decider = muzero_rc_network_decider_of(model->network);
  muzero_rc_model_set_shaper(model, model->decider.shape, model->decider.self);
  return 0;
}

static int open_shapes(muzero_rc_model *model, const muzero_rc_policy *policy) {
  const int result = muzero_rc_shape_decider_open(policy->shapes, model->state, &model->judge);
  if (model->judge)
    muzero_rc_model_set_shaper(model, muzero_rc_shape_decider_answer, model->judge);
  return result;
}

static int decide_by(muzero_rc_model *model, const muzero_rc_policy *policy, int32_t frame_count) {
  int result = 0;
  if (policy->moved) muzero_rc_clip_state_set_offsets(model->state, &policy->offsets);
  if (policy->network != NULL) result = open_network(model, policy, frame_count);
  if (!result && policy->shapes != NULL) result = open_shapes(model, policy);
  if (!result && policy->shape != NULL)
    muzero_rc_model_set_shaper(model, policy->shape, policy->shaper);
  return result;
}

int muzero_rc_model_open(const muzero_rc_policy *policy, const muzero_rc_clip *clip,
                         const muzero_rc_frame_stats *stats, muzero_rc_model **out) {
  const muzero_rc_decider controller = {.self = NULL};
  return muzero_rc_model_open_part(policy, controller, clip, stats, NULL, out);
}

int muzero_rc_model_open_part(const muzero_rc_policy *policy, muzero_rc_decider decider,
                              const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              const muzero_rc_film_part *part, muzero_rc_model **out) {
  int result = muzero_rc_model_open_with(decider, clip, stats, out);
  if (result < 0) return result;
  muzero_rc_model *const model = *out;
  if (part != NULL) result = muzero_rc_clip_state_set_part(model->state, part);
  if (!result && policy != NULL) result = decide_by(model, policy, clip->frame_count);
  if (result < 0) muzero_rc_model_close(out);
  return result;
}

void muzero_rc_model_close(muzero_rc_model **model) {
  if (*model == NULL) return;
  muzero_rc_network_decider_close(&(*model)->network);
  muzero_rc_shape_decider_close(&(*model)->judge);
  muzero_rc_clip_state_close(&(*model)->state);
  free(*model);
  *model = NULL;
}

const muzero_rc_clip_state *muzero_rc_model_state(const muzero_rc_model *model) {
  return model->state;
}

int muzero_rc_model_set_peak(muzero_rc_model *model, const muzero_rc_peak *peak) {
  return muzero_rc_clip_state_set_peak(model->state, peak);
}

void muzero_rc_model_set_guard(muzero_rc_model *model, bool guard) { model->guard = guard; }

void muzero_rc_model_plan(muzero_rc_model *model, const muzero_rc_gop_shape *shapes,
                          int32_t count) {
  model->shapes = shapes;
  model->shape_count = count;
  muzero_rc_clip_state_foresee(model->state, shapes, count);
}

void muzero_rc_model_set_shaper(muzero_rc_model *model, muzero_rc_shape_hook shape, void *self) {
  model->shape = shape;
  model->shaper = self;
}

bool muzero_rc_model_has_shapes(const muzero_rc_model *model) {
  return model->shapes != NULL || model->shape != NULL;
}

int muzero_rc_model_shape(muzero_rc_model *model, const muzero_rc_shape_question *question,
                          muzero_rc_gop_shape *shape) {
  *shape = MUZERO_RC_OWN_SHAPE;
  if (model->shapes) {
    if (question->gop_index < model->shape_count) *shape = model->shapes[question->gop_index];
    return 0;
  }
  const int error =
      model->shape ? model->shape(model->shaper, model->state, question, shape) : 0;
  if (!error && model->judge && model->shaper == model->judge) {
    const int32_t *ends;
    const int32_t count = muzero_rc_shape_decider_ends(model->judge, &ends);
    muzero_rc_clip_state_expect(model->state, ends, count);
  }
  return error;
}

void muzero_rc_model_begin_gop(muzero_rc_model *model, const muzero_rc_gop_shape *shape) {
  muzero_rc_clip_state_plan(model->state, shape);
}

bool muzero_rc_model_is_of(const muzero_rc_model *model, const muzero_rc_clip *clip,
                           const muzero_rc_frame_stats *stats) {
  return muzero_rc_clip_state_is_of(model->state, clip, stats);
}

int muzero_rc_model_ask(muzero_rc_model *model, const muzero_rc_frame_request *request,
                        muzero_rc_decision *decision) {
  const muzero_rc_decider *const decider = &model->decider;
  muzero_rc_clip_state_begin(model->state, request);
  const int32_t q_ref = muzero_rc_clip_state_q_ref(model->state);
  *decision = (muzero_rc_decision){.asked = q_ref, .q_ref = q_ref};
  if (decider->decide != NULL) {
    const int error = decider->decide(decider->self, model->state, request, decision);
    if (error) return error;
  }
  decision->qindex = muzero_rc_clip_state_commit(model->state, decision->asked, model->guard);
  return 0;
}

muzero_rc_decision muzero_rc_model_decide(muzero_rc_model *model,
                                          const muzero_rc_frame_request *request) {
  muzero_rc_decision decision;
  (void)muzero_rc_model_ask(model, request, &decision); /* policies cannot fail */
  return decision;
}

void muzero_rc_model_measured(muzero_rc_model *model, int32_t coding_index, int64_t sse) {
  muzero_rc_clip_state_measured(model->state, coding_index, sse);
}

void muzero_rc_model_update(muzero_rc_model *model, const muzero_rc_frame_result *result) {
  muzero_rc_clip_state_end(model->state, result);
}
