/* What a policy says of itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "features/feature_table.h"
#include "policy/policy_impl.h"
#include "policy_file/sha256.h"

/* Prints into new memory, or with json NULL only returns the length. */
static int print(const muzero_rc_policy *policy, const char *const texts[3], char *json,
                 size_t size) {
  const muzero_rc_policy_file *file = &policy->file;
  const int version = (int)muzero_rc_feature_version();
  size_t parameters = 0;
  char sha256[65];
  if (policy->network == NULL) {
    return snprintf(json, size, "{\"kind\": \"controller\", \"feature_version\": %d}", version);
  }
  for (int32_t i = 0; i < file->tensor_count; i++) {
    parameters += (file->tensors[i].end - file->tensors[i].begin) / sizeof(float);
  }
  muzero_rc_sha256(file->bytes, file->size, sha256);
  return snprintf(json, size,
                  "{\"kind\": \"network\", \"feature_version\": %d, \"format_version\": 1, "
                  "\"sha256\": \"%s\", \"bytes\": %zu, \"parameters\": %zu, "
                  "\"action_mode\": \"%s\", \"decision\": \"%s\", "
                  "\"network\": %s, \"actions\": %s, \"provenance\": %s}",
                  version, sha256, file->size, parameters,
                  policy->absolute ? "absolute" : "relative", policy->mean ? "mean" : "argmax",
                  texts[0], texts[1], texts[2]);
}

int muzero_rc_policy_info(const muzero_rc_policy *policy, char **json) {
  static const char *const keys[3] = {"network", "actions", "provenance"};
  char *texts[3] = {NULL, NULL, NULL};
  int result = 0;
  *json = NULL;
  for (int i = 0; policy->network != NULL && result == 0 && i < 3; i++) {
    size_t length;
    result = muzero_rc_policy_file_text(&policy->file, keys[i], &texts[i], &length);
  }
  if (result == 0) {
    const size_t size = (size_t)print(policy, (const char *const *)texts, NULL, 0) + 1;
    *json = malloc(size);
    if (*json != NULL) (void)print(policy, (const char *const *)texts, *json, size);
  }
  for (int i = 0; i < 3; i++) free(texts[i]);
  return *json == NULL ? -ENOMEM : 0;
}
