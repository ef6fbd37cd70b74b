/* Life cycle of policies. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "policy/policy_impl.h"

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
  muzero_rc_shape_network_close(&(*policy)->shapes);
  muzero_rc_policy_file_close(&(*policy)->file);
  free(*policy);
  *policy = NULL;
}

int muzero_rc_policy_shape_worth(const muzero_rc_policy *policy, const float *x, int32_t count,
                                 float *worth) {
  if (policy->shapes == NULL) return -EINVAL;
  muzero_rc_shape_network_worth(policy->shapes, x, count, worth);
  return 0;
}

void muzero_rc_policy_set_shaper(muzero_rc_policy *policy, muzero_rc_shape_hook shape,
                                 void *self) {
  policy->shape = shape;
  policy->shaper = self;
}

bool muzero_rc_policy_has_shapes(const muzero_rc_policy *policy) {
  return policy->shape != NULL || policy->shapes != NULL;
}

const muzero_rc_sizes *muzero_rc_policy_sizes(const muzero_rc_policy *policy) {
  return policy->network == NULL ? NULL : muzero_rc_network_sizes(policy->network);
}
