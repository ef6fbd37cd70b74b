/* From a checked file to a policy: what its metadata must say. */
#include <errno.h>

#include "common/errors.h"
#include "features/feature_table.h"
#include "features/shape_features.h"
#include "policy/policy_impl.h"
#include "policy_file/metadata.h"

/* Whether the metadata says `yes` under `key` (*flag = true) or `no` (false). */
static int read_choice(const muzero_rc_policy_file *file, const char *key, const char *yes,
                       const char *no, bool *flag) {
  *flag = muzero_rc_metadata_is(file, key, yes);
  return *flag || muzero_rc_metadata_is(file, key, no) ? 0 : -EINVAL;
}

static int read_actions(muzero_rc_policy *policy) {
  policy->action_count = muzero_rc_metadata_integers(&policy->file, NULL, "actions", -255, 255,
                                                     policy->actions, MUZERO_RC_ACTIONS_MAX);
  for (int32_t i = 1; i < policy->action_count; i++) {
    if (policy->actions[i] <= policy->actions[i - 1]) return -EINVAL;
  }
  return policy->action_count < 1 ? -EINVAL : 0;
}

static int check_versions(const muzero_rc_policy_file *file, int32_t *version, char *error,
                          size_t error_size) {
  muzero_rc_feature_widths widths;
  bool old;
  if (!muzero_rc_metadata_is(file, "format", "muzero-rc-policy")) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "not a policy file: its metadata lacks format \"muzero-rc-policy\"");
  }
  if (read_choice(file, "format_version", "1", "2", &old) < 0) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "its format_version is neither 1 nor 2, all that this build reads");
  }
  if (muzero_rc_metadata_integers(file, NULL, "feature_version", 0, INT32_MAX, version, 1) != 1) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "metadata \"feature_version\" must be a number");
  }
  if (muzero_rc_feature_widths_of(*version, &widths)) return 0;
  return muzero_rc_fail(error, error_size, -EINVAL,
                        "trained with feature table %d, this build has %d and serves those from "
                        "%d on: train or export it again, or use the build that it was made for",
                        (int)*version, (int)muzero_rc_feature_version(),
                        (int)muzero_rc_feature_oldest_version());
}

static int check_widths(const muzero_rc_sizes *sizes, int32_t version, char *error,
                        size_t error_size) {
  muzero_rc_feature_widths widths = {0};
  muzero_rc_feature_widths_of(version, &widths);
  const struct {
    const char *what;
    int32_t has, needs;
  } table[] = {
      {"clip", sizes->clip_features, widths.clip},
      {"frame", sizes->frame_features, widths.frame},
      {"step", sizes->step_features, widths.step},
  };
  for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
    if (table[i].has == table[i].needs) continue;
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "takes %d %s features, feature table %d has %d", (int)table[i].has,
                          table[i].what, (int)version, (int)table[i].needs);
  }
  return 0;
}

/* Beside GOP shapes and moves of the controller's constants a file has nothing. */
static int nothing_else(const muzero_rc_policy_file *file, char *error, size_t error_size) {
  const bool shapes = muzero_rc_shape_network_in(file);
  for (int32_t i = 0; i < file->tensor_count; ++i) {
    const muzero_rc_tensor *const tensor = &file->tensors[i];
    if (muzero_rc_is_offset_move(tensor) || (shapes && muzero_rc_is_shape_tensor(tensor))) continue;
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "tensor %.*s: moves of the controller's constants go with GOP shapes or alone",
                          (int)tensor->name_length, tensor->name);
  }
  return 0;
}

int muzero_rc_policy_interpret(muzero_rc_policy *policy, char *error, size_t error_size) {
  int result = check_versions(&policy->file, &policy->feature_version, error, error_size);
  if (result < 0) return result;
  policy->moved = muzero_rc_offset_moves_in(&policy->file);
  result = muzero_rc_offset_moves_read(&policy->file, &policy->offsets, error, error_size);
  if (result < 0) return result;
  const bool shapes = muzero_rc_shape_network_in(&policy->file);
  if (shapes || policy->moved) result = nothing_else(&policy->file, error, error_size);
  if (result < 0) return result;
  if (shapes)
    return muzero_rc_shape_network_open(&policy->file, muzero_rc_shape_features().count,
                                        &policy->shapes, error, error_size);
  if (policy->moved) return 0;
  if (read_choice(&policy->file, "action_mode", "absolute", "relative", &policy->absolute) < 0) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "metadata \"action_mode\" must be \"relative\" or \"absolute\"");
  }
  if (read_choice(&policy->file, "decision", "mean", "argmax", &policy->mean) < 0) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "metadata \"decision\" must be \"argmax\" or \"mean\"");
  }
  if (read_actions(policy) < 0) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "metadata \"actions\" must be 1 to 256 rising numbers from -255 to 255");
  }
  result = muzero_rc_network_open(&policy->file, policy->action_count, &policy->network, error,
                                  error_size);
  return result < 0 ? result
                    : check_widths(muzero_rc_network_sizes(policy->network),
                                   policy->feature_version, error, error_size);
}

int muzero_rc_policy_load(const char *path, muzero_rc_policy *policy, char *error,
                          size_t error_size) {
  char reason[256] = "";
  int result = muzero_rc_policy_file_open(path, &policy->file, reason, sizeof(reason));
  if (result == 0) result = muzero_rc_policy_interpret(policy, reason, sizeof(reason));
  if (result == 0) return 0;
  return muzero_rc_fail(error, error_size, result, "policy %s: %s", path, reason);
}
