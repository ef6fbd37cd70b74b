/* Moves: by how much a policy differs from the controller in the constants that offsets are made of.
 * In a policy file each is a tensor "offsets.NAME" of one number, which is added to the constant
 * NAME of muzero_rc_offset_params. */
#ifndef MUZERO_RC_POLICY_OFFSET_MOVES_H_
#define MUZERO_RC_POLICY_OFFSET_MOVES_H_

#include "policy_file/policy_file.h"
#include "rate_control/controller_params.h"

/* Whether a tensor is one. */
bool muzero_rc_is_offset_move(const muzero_rc_tensor *tensor);

/* Whether the file has any. */
bool muzero_rc_offset_moves_in(const muzero_rc_policy_file *file);

/* Writes the controller's constants with the file's moves. On failure `error` holds one line. -EINVAL:
 * a constant that there is not, or a move that is not one number from -16 to 16. */
int muzero_rc_offset_moves_read(const muzero_rc_policy_file *file, muzero_rc_offset_params *moved,
                                char *error, size_t error_size);

/* The controller's own constants one after the other, for whoever fits moves; false behind the last. */
bool muzero_rc_offset_constant(int32_t i, const char **name, float *value);

#endif /* MUZERO_RC_POLICY_OFFSET_MOVES_H_ */
