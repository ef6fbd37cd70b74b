/* What a policy says of itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "features/feature_table.h"
#include "policy/policy_impl.h"

static void print_integers(FILE *out, const int32_t *values, int32_t count) {
  fputc('[', out);
  for (int32_t i = 0; i < count; i++) fprintf(out, "%s%d", i ? ", " : "", (int)values[i]);
  fputc(']', out);
}

static void print_size(const muzero_rc_policy_file *file, FILE *out) {
  size_t parameters = 0;
  for (int32_t i = 0; i < file->tensor_count; i++) {
    parameters += (file->tensors[i].end - file->tensors[i].begin) / sizeof(float);
  }
  fprintf(out, ", \"parameters\": %zu, \"bytes\": %zu", parameters, file->size);
}

static void print_network(const muzero_rc_policy *policy, FILE *out) {
  const muzero_rc_sizes *sizes = muzero_rc_network_sizes(policy->network);
  fprintf(out, ", \"action_mode\": \"%s\", \"decision\": \"%s\", \"network\": {",
          policy->absolute ? "absolute" : "relative", policy->mean ? "mean" : "argmax");
#define SIZE(name, low, high) fprintf(out, "\"" #name "\": %d, ", (int)sizes->name);
  MUZERO_RC_SIZES(SIZE)
#undef SIZE
  fputs("\"windows\": ", out);
  print_integers(out, sizes->windows, sizes->window_count);
  fputs("}, \"actions\": ", out);
  print_integers(out, policy->actions, policy->action_count);
}

static void print_moves(const muzero_rc_policy *policy, FILE *out) {
  bool first = true;
  fputs(", \"moves\": {", out);
  for (int32_t i = 0; i < policy->file.tensor_count; ++i) {
    const muzero_rc_tensor *const tensor = &policy->file.tensors[i];
    if (!muzero_rc_is_offset_move(tensor)) continue;
    fprintf(out, "%s\"%.*s\": %.9g", first ? "" : ", ", (int)tensor->name_length, tensor->name,
            (double)tensor->data[0]);
    first = false;
  }
  fputc('}', out);
}

static const char *kind_of(const muzero_rc_policy *policy) {
  if (policy->shapes != NULL) return "shapes";
  return policy->network == NULL ? "controller" : "network";
}

int muzero_rc_policy_info(const muzero_rc_policy *policy, char **json) {
  size_t size;
  *json = NULL;
  FILE *const out = open_memstream(json, &size);
  if (out == NULL) return -ENOMEM;
  const bool is_file = policy->file.tensor_count > 0;
  fprintf(out, "{\"kind\": \"%s\", \"feature_version\": %d",
          kind_of(policy),
          (int)(is_file ? policy->feature_version : muzero_rc_feature_version()));
  if (is_file) print_size(&policy->file, out);
  if (policy->moved) print_moves(policy, out);
  if (policy->network != NULL) print_network(policy, out);
  fputc('}', out);
  const bool written = !ferror(out);
  if (fclose(out) == 0 && written) return 0;
  free(*json);
  *json = NULL;
  return -ENOMEM;
}
