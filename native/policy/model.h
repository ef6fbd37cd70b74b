/* What the rest of the project may ask of a policy and its models beyond
 * muzero_rc/policy.h. */
#ifndef MUZERO_RC_POLICY_MODEL_H_
#define MUZERO_RC_POLICY_MODEL_H_

#include "state.h"

/* The clip's state that the model keeps. Lives as long as the model. */
const muzero_rc_state *muzero_rc_model_state(const muzero_rc_model *model);

/* The policy file's metadata as one JSON object; "{}" for the controller.
 * Lives as long as the policy. */
const char *muzero_rc_policy_metadata(const muzero_rc_policy *policy);

#endif /* MUZERO_RC_POLICY_MODEL_H_ */
