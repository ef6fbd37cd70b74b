/* Models and policies: what this project needs of them beyond muzero_rc/policy.h. */
#ifndef MUZERO_RC_POLICY_MODEL_H_
#define MUZERO_RC_POLICY_MODEL_H_

#include "network/network.h"
#include "policy/decider.h"
#include "rate_control/film.h"

/* As muzero_rc_model_open, of a decider from outside, which must outlive the model. */
int muzero_rc_model_open_with(muzero_rc_decider decider, const muzero_rc_clip *clip,
                              const muzero_rc_frame_stats *stats, muzero_rc_model **model);

/* The same of a clip that is a part of a film; `part` is only read. `policy` decides, or `decider`
 * where it is NULL. */
int muzero_rc_model_open_part(const muzero_rc_policy *policy, muzero_rc_decider decider,
                              const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              const muzero_rc_film_part *part, muzero_rc_model **model);

/* As muzero_rc_model_decide, with the decider's error, after which the model is only good for
 * closing. */
int muzero_rc_model_ask(muzero_rc_model *model, const muzero_rc_frame_request *request,
                        muzero_rc_decision *decision);

/* The shapes of the clip's first `count` GOPs, in place of anybody's answers: known to the
 * forecast too, so before the first frame. Borrowed for the model's life. */
void muzero_rc_model_plan(muzero_rc_model *model, const muzero_rc_gop_shape *shapes,
                          int32_t count);

/* Somebody else answers for shapes, in place of the decider. */
void muzero_rc_model_set_shaper(muzero_rc_model *model, muzero_rc_shape_hook shape, void *self);

/* The same for every model that is opened from the policy later; `self` outlives them. */
void muzero_rc_policy_set_shaper(muzero_rc_policy *policy, muzero_rc_shape_hook shape, void *self);
bool muzero_rc_policy_has_shapes(const muzero_rc_policy *policy);

/* Whether anybody decides shapes. */
bool muzero_rc_model_has_shapes(const muzero_rc_model *model);

/* Before the GOP of `question`: its shape, as asked for. 0, or the decider's error. */
int muzero_rc_model_shape(muzero_rc_model *model, const muzero_rc_shape_question *question,
                          muzero_rc_gop_shape *shape);

/* The next GOP gets this shape. */
void muzero_rc_model_begin_gop(muzero_rc_model *model, const muzero_rc_gop_shape *shape);

/* Whether the model was opened with these. */
bool muzero_rc_model_is_of(const muzero_rc_model *model, const muzero_rc_clip *clip,
                           const muzero_rc_frame_stats *stats);

/* The clip's state that the model keeps. Lives as long as the model. */
const muzero_rc_clip_state *muzero_rc_model_state(const muzero_rc_model *model);

/* The squared error of the coded frame `coding_index`, whose result had none. */
void muzero_rc_model_measured(muzero_rc_model *model, int32_t coding_index, int64_t sse);

/* Whether answers that break the budget are raised; true unless told otherwise. */
void muzero_rc_model_set_guard(muzero_rc_model *model, bool guard);

/* What runs, as one JSON object in new memory that the caller frees: kind ("controller",
 * "network" or "shapes"), feature_version; of the latter two parameters and bytes of the file; of a
 * network also network (sizes), actions, action_mode, decision. -ENOMEM. */
int muzero_rc_policy_info(const muzero_rc_policy *policy, char **json);

/* The network's sizes; NULL for the controller. */
const muzero_rc_sizes *muzero_rc_policy_sizes(const muzero_rc_policy *policy);

/* Logits of `count` frames of one clip, for tests. clip: [clip features];
 * frames: [frame_count, frame features]; steps: [count, step features];
 * show_index: [count]; logits: [count, actions]. -EINVAL for the controller or
 * a count below 1, -ENOMEM. */
int muzero_rc_policy_forward(const muzero_rc_policy *policy, const float *clip,
                             const float *frames, int32_t frame_count, const float *steps,
                             const int32_t *show_index, int32_t count, float *logits);

/* What candidates are worth to a policy that decides GOP shapes, for tests. x: [count, shape
 * features]; worth: [count]. -EINVAL for any other policy. */
int muzero_rc_policy_shape_worth(const muzero_rc_policy *policy, const float *x, int32_t count,
                                 float *worth);

/* The decision rule: what the logits [actions] ask for when the controller says
 * `q_ref`, within [1, 255]. Logits that are no numbers: `q_ref`, and
 * *fallback is 1, else 0. Overwrites `logits`. */
int32_t muzero_rc_policy_choose(const muzero_rc_policy *policy, float *logits, int32_t q_ref,
                                int32_t *fallback);

#endif /* MUZERO_RC_POLICY_MODEL_H_ */
