/* From a checked file to a policy: what its metadata must say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "features/feature_table.h"
#include "policy/policy_impl.h"

static int complain(char *error, size_t error_size, int code, const char *what) {
  return muzero_rc_fail(error, error_size, code, "%s", code == -ENOMEM ? "out of memory" : what);
}

/* Whether the metadata says `yes` under `key` (*flag = true) or `no` (false). */
static int read_choice(const muzero_rc_policy_file *file, const char *key, const char *yes,
                       const char *no, bool *flag) {
  if (file->metadata < 0) return -EINVAL;
  const int32_t token = muzero_rc_json_find(&file->header, file->metadata, key);
  *flag = muzero_rc_json_equals(&file->header, token, yes);
  return *flag || muzero_rc_json_equals(&file->header, token, no) ? 0 : -EINVAL;
}

/* Opens the metadata under `key` as JSON of `kind`; close *json and free *text
 * in any case. */
static int open_metadata(const muzero_rc_policy_file *file, const char *key,
                         muzero_rc_json_kind kind, char **text, muzero_rc_json *json) {
  size_t length;
  memset(json, 0, sizeof(*json));
  int result = muzero_rc_policy_file_text(file, key, text, &length);
  if (result == 0) result = muzero_rc_json_open(*text, length, json);
  if (result == 0 && json->tokens[0].kind != kind) result = -EINVAL;
  return result == 0 || result == -ENOMEM ? result : -EINVAL;
}

static int read_actions(muzero_rc_policy *policy) {
  char *text;
  muzero_rc_json json;
  int64_t previous = -256, action;
  int result = open_metadata(&policy->file, "actions", MUZERO_RC_JSON_ARRAY, &text, &json);
  if (result == 0 && (json.tokens[0].size < 1 || json.tokens[0].size > MUZERO_RC_ACTIONS_MAX)) {
    result = -EINVAL;
  }
  for (int32_t at = 1; result == 0 && at < json.count; at = json.tokens[at].next) {
    result = muzero_rc_json_integer(&json, at, previous + 1, 255, &action);
    if (result < 0) break;
    policy->actions[policy->action_count++] = (int32_t)action;
    previous = action;
  }
  muzero_rc_json_close(&json);
  free(text);
  return result;
}

static int check_provenance(const muzero_rc_policy_file *file) {
  char *text;
  muzero_rc_json json;
  const int result = open_metadata(file, "provenance", MUZERO_RC_JSON_OBJECT, &text, &json);
  muzero_rc_json_close(&json);
  free(text);
  return result;
}

static int check_versions(const muzero_rc_policy_file *file, char *error, size_t error_size) {
  char *text;
  muzero_rc_json json;
  int64_t version;
  bool known;
  if (read_choice(file, "format", "muzero-rc-policy", "", &known) < 0 || !known) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "not a policy file: its metadata lacks format \"muzero-rc-policy\"");
  }
  if (read_choice(file, "format_version", "1", "", &known) < 0 || !known) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "its format_version is not 1, the only one that this build reads");
  }
  int result = open_metadata(file, "feature_version", MUZERO_RC_JSON_NUMBER, &text, &json);
  if (result == 0) result = muzero_rc_json_integer(&json, 0, 0, INT32_MAX, &version);
  muzero_rc_json_close(&json);
  free(text);
  if (result < 0) {
    return complain(error, error_size, result, "metadata \"feature_version\" must be a number");
  }
  if (version == muzero_rc_feature_version()) return 0;
  return muzero_rc_fail(error, error_size, -EINVAL,
                        "trained with feature table %d, this build has %d: train or export it "
                        "again, or use the build that it was made for",
                        (int)version, (int)muzero_rc_feature_version());
}

static int check_widths(const muzero_rc_sizes *sizes, char *error, size_t error_size) {
  const struct {
    const char *what;
    int32_t has, needs;
  } table[] = {
      {"clip", sizes->clip_features, muzero_rc_clip_features().count},
      {"frame", sizes->frame_features, muzero_rc_frame_features().count},
      {"step", sizes->step_features, muzero_rc_step_features().count},
  };
  for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
    if (table[i].has == table[i].needs) continue;
    return muzero_rc_fail(error, error_size, -EINVAL, "takes %d %s features, this build has %d",
                          (int)table[i].has, table[i].what, (int)table[i].needs);
  }
  return 0;
}

int muzero_rc_policy_interpret(muzero_rc_policy *policy, char *error, size_t error_size) {
  int result = check_versions(&policy->file, error, error_size);
  if (result < 0) return result;
  if (read_choice(&policy->file, "action_mode", "absolute", "relative", &policy->absolute) < 0) {
    return complain(error, error_size, -EINVAL,
                    "metadata \"action_mode\" must be \"relative\" or \"absolute\"");
  }
  if (read_choice(&policy->file, "decision", "mean", "argmax", &policy->mean) < 0) {
    return complain(error, error_size, -EINVAL,
                    "metadata \"decision\" must be \"argmax\" or \"mean\"");
  }
  result = read_actions(policy);
  if (result < 0) {
    return complain(error, error_size, result,
                    "metadata \"actions\" must be 1 to 256 rising numbers from -255 to 255");
  }
  result = check_provenance(&policy->file);
  if (result < 0) {
    return complain(error, error_size, result, "metadata \"provenance\" must be a JSON object");
  }
  result = muzero_rc_network_open(&policy->file, policy->action_count, &policy->network, error,
                                  error_size);
  return result < 0 ? result
                    : check_widths(muzero_rc_network_sizes(policy->network), error, error_size);
}

int muzero_rc_policy_load(const char *path, muzero_rc_policy *policy, char *error,
                          size_t error_size) {
  char reason[256] = "";
  int result = muzero_rc_policy_file_open(path, &policy->file, reason, sizeof(reason));
  if (result == 0) result = muzero_rc_policy_interpret(policy, reason, sizeof(reason));
  if (result == 0) return 0;
  return muzero_rc_fail(error, error_size, result, "policy %s: %s", path, reason);
}
