/* The network of a policy that decides GOP shapes: from a candidate's features to its worth. Three
 * dense layers with ReLU between, over features that a normaliser has scaled and bounded. */
#ifndef MUZERO_RC_NETWORK_SHAPE_NETWORK_H_
#define MUZERO_RC_NETWORK_SHAPE_NETWORK_H_

#include <stdbool.h>

#include "policy_file/policy_file.h"

enum { MUZERO_RC_SHAPE_WIDTH_MAX = 128 };

typedef struct muzero_rc_shape_network muzero_rc_shape_network;

/* Whether the file has one. */
bool muzero_rc_shape_network_in(const muzero_rc_policy_file *file);

/* Whether a tensor is one of its. */
bool muzero_rc_is_shape_tensor(const muzero_rc_tensor *tensor);

/* Takes the tensors "shapes_..." out of a file, which must outlive the network. `features`: how
 * many there are in this build. On failure *network is NULL and `error` holds one line. -EINVAL,
 * -ENOMEM. */
int muzero_rc_shape_network_open(const muzero_rc_policy_file *file, int32_t features,
                                 muzero_rc_shape_network **network, char *error,
                                 size_t error_size);

/* Closes and sets *network to NULL; NULL is fine. */
void muzero_rc_shape_network_close(muzero_rc_shape_network **network);

/* x: [count, features]; worth: [count], per cent of rate that a frame of the GOP saves. */
void muzero_rc_shape_network_worth(const muzero_rc_shape_network *network, const float *x,
                                   int32_t count, float *worth);

/* Whether any scaled feature of a candidate is beyond the limit, as few are of what the network was
 * fitted to. x: [features]. */
bool muzero_rc_shape_network_is_strange(const muzero_rc_shape_network *network, const float *x);

/* The share of strange candidates, 0 to 1, up to which the network is to be believed; 1 where the
 * file says nothing. */
float muzero_rc_shape_network_strange_most(const muzero_rc_shape_network *network);

#endif /* MUZERO_RC_NETWORK_SHAPE_NETWORK_H_ */
