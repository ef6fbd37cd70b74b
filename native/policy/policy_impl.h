/* Members of a policy. */
#ifndef MUZERO_RC_POLICY_POLICY_IMPL_H_
#define MUZERO_RC_POLICY_POLICY_IMPL_H_

#include "network/shape_network.h"
#include "policy/model.h"
#include "policy/offset_moves.h"
#include "policy_file/policy_file.h"

struct muzero_rc_policy {
  muzero_rc_network *network;      /* NULL: the controller decides qindexes */
  muzero_rc_shape_network *shapes; /* NULL: GOP shapes are libvpx's own */
  bool moved;                      /* the controller's constants: */
  muzero_rc_offset_params offsets;
  muzero_rc_policy_file file;      /* where there is one; what follows is that of `network` */
  int32_t feature_version; /* whose columns it takes */
  int32_t action_count;
  int32_t actions[MUZERO_RC_ACTIONS_MAX]; /* offsets to q_ref, or qindexes */
  bool absolute;                          /* actions are qindexes */
  bool mean;                              /* take the expected action, not the likeliest */
  muzero_rc_shape_hook shape;             /* of every model opened from it; NULL: none */
  void *shaper;
};

/* Reads the file `path` into the zeroed *policy. On failure *policy may be
 * half filled (close it all the same) and `error` holds one line. */
int muzero_rc_policy_load(const char *path, muzero_rc_policy *policy, char *error,
                          size_t error_size);

/* The part of it behind the reading of policy->file. */
int muzero_rc_policy_interpret(muzero_rc_policy *policy, char *error, size_t error_size);

#endif /* MUZERO_RC_POLICY_POLICY_IMPL_H_ */
