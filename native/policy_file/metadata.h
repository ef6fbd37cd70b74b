/* The metadata of a policy file: what its tensors are for. Tensors are those of a network, or of GOP
 * shapes ("shapes_..."), of moves of the controller's constants (policy/offset_moves.h), or of both
 * of these. Texts under keys:
 *
 *   format              "muzero-rc-policy"
 *   format_version      "2"
 *   feature_version     the feature table that it was trained with
 *   network.NAME        sizes (network.h), windows as numbers with spaces between
 *   actions             numbers with spaces between: offsets to q_ref, or qindexes, rising
 *   action_mode         "relative" or "absolute"
 *   decision            "argmax" or "mean"
 *   shapes.NAME         of a policy of GOP shapes, in place of the four above: features, width,
 *                       limit (of a scaled feature); and strange, which may be absent: the
 *                       share of strange GOPs, in thousandths, beyond which GOPs are libvpx's own
 *   provenance.NAME     where it comes from; not read here
 *
 * In files of format version 1 `network` is one text, a JSON object of the sizes, and `actions`
 * a JSON array; both are still read. */
#ifndef MUZERO_RC_POLICY_FILE_METADATA_H_
#define MUZERO_RC_POLICY_FILE_METADATA_H_

#include "policy_file/policy_file.h"

/* Whether the text under `key` is `text`. */
bool muzero_rc_metadata_is(const muzero_rc_policy_file *file, const char *key, const char *text);

/* Whether there is a text under `key`. */
bool muzero_rc_metadata_has(const muzero_rc_policy_file *file, const char *key);

/* The whole numbers under "group.name", or under `name` when `group` is NULL; out: [capacity].
 * Returns how many. -EINVAL: there is no such text, another thing than numbers in it, too many,
 * or one outside of [low, high]. */
int32_t muzero_rc_metadata_integers(const muzero_rc_policy_file *file, const char *group,
                                    const char *name, int32_t low, int32_t high, int32_t *out,
                                    int32_t capacity);

/* How many keys begin with "group.". */
int32_t muzero_rc_metadata_members(const muzero_rc_policy_file *file, const char *group);

#endif /* MUZERO_RC_POLICY_FILE_METADATA_H_ */
