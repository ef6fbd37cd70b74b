#include "network/weights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "policy_file/metadata.h"

enum { NAME_SIZE = 64 };

/* Takes tensors out of a file; once something is wrong it stays wrong. */
typedef struct taker {
  const muzero_rc_policy_file *file;
  char *error;
  size_t error_size;
  int result;
  bool taken[MUZERO_RC_FILE_TENSORS_MAX];
} taker;

/* The tensor `group`_`name`: [rows, columns], or [columns] when rows is 0. */
static const float *take(taker *from, const char *group, const char *name, int32_t rows,
                         int32_t columns) {
  char full[2 * NAME_SIZE];
  if (from->result < 0) return NULL;
  (void)snprintf(full, sizeof(full), "%s_%s", group, name);
  const muzero_rc_tensor *tensor = muzero_rc_policy_file_tensor(from->file, full);
  if (tensor == NULL) {
    from->result =
        muzero_rc_fail(from->error, from->error_size, -EINVAL, "tensor %s is missing", full);
    return NULL;
  }
  const int32_t rank = rows > 0 ? 2 : 1;
  if (tensor->rank != rank || tensor->shape[rank - 1] != columns ||
      (rank == 2 && tensor->shape[0] != rows)) {
    char shape[32];
    (void)snprintf(shape, sizeof(shape), rank == 2 ? "[%d, %d]" : "[%d]",
                   rank == 2 ? (int)rows : (int)columns, (int)columns);
    from->result = muzero_rc_fail(from->error, from->error_size, -EINVAL,
                                  "tensor %s: its shape must be %s", full, shape);
    return NULL;
  }
  from->taken[tensor - from->file->tensors] = true;
  return tensor->data;
}

static muzero_rc_linear take_linear(taker *from, const char *group, const char *name,
                                    int32_t inputs, int32_t outputs, bool bias) {
  char part[NAME_SIZE];
  muzero_rc_linear linear = {.inputs = inputs, .outputs = outputs};
  (void)snprintf(part, sizeof(part), "%s.w", name);
  linear.weights = take(from, group, part, inputs, outputs);
  (void)snprintf(part, sizeof(part), "%s.b", name);
  if (bias) linear.bias = take(from, group, part, 0, outputs);
  return linear;
}

static muzero_rc_norm take_norm(taker *from, const char *group, const char *name, int32_t width) {
  char part[NAME_SIZE];
  muzero_rc_norm norm;
  (void)snprintf(part, sizeof(part), "%s.scale", name);
  norm.scale = take(from, group, part, 0, width);
  (void)snprintf(part, sizeof(part), "%s.offset", name);
  norm.offset = take(from, group, part, 0, width);
  return norm;
}

static muzero_rc_block take_block(taker *from, const char *group, int32_t width) {
  return (muzero_rc_block){
      .norm = take_norm(from, group, "norm", width),
      .in = take_linear(from, group, "in", width, 2 * width, true),
      .out = take_linear(from, group, "out", 2 * width, width, true),
  };
}

static muzero_rc_encoder_layer take_layer(taker *from, int32_t index,
                                          const muzero_rc_sizes *sizes) {
  char group[NAME_SIZE], mlp[NAME_SIZE];
  const int32_t width = sizes->width;
  (void)snprintf(group, sizeof(group), "clip_%d", (int)index);
  (void)snprintf(mlp, sizeof(mlp), "clip_%d_mlp", (int)index);
  return (muzero_rc_encoder_layer){
      .conv_norm = take_norm(from, group, "conv_norm", width),
      .conv = take(from, group, "conv.w", sizes->kernel, width),
      .conv_out = take_linear(from, group, "conv_out", width, width, true),
      .attention_norm = take_norm(from, group, "attention_norm", width),
      .latents = take(from, group, "latents.w", sizes->latents, width),
      .key = take_linear(from, group, "key", width, width, false),
      .value = take_linear(from, group, "value", width, width, false),
      .query = take_linear(from, group, "query", width, width, false),
      .latent_key = take_linear(from, group, "latent_key", width, width, false),
      .latent_value = take_linear(from, group, "latent_value", width, width, false),
      .attention_out = take_linear(from, group, "attention_out", width, width, true),
      .mlp = take_block(from, mlp, width),
  };
}

static void take_all(taker *from, muzero_rc_network *network) {
  const muzero_rc_sizes *sizes = &network->sizes;
  const int32_t width = sizes->width;
  const int32_t step_inputs = sizes->step_features + (1 + sizes->window_count) * width;
  network->clip_in = take_linear(from, "clip", "in", sizes->frame_features, width, true);
  network->clip_constants =
      take_linear(from, "clip", "constants", sizes->clip_features, width, false);
  for (int32_t i = 0; i < sizes->encoder_layers; i++) {
    network->layers[i] = take_layer(from, i, sizes);
  }
  network->clip_norm = take_norm(from, "clip", "norm", width);
  network->step_in = take_linear(from, "step", "in", step_inputs, 2 * width, true);
  network->step_out = take_linear(from, "step", "out", 2 * width, width, true);
  for (int32_t i = 0; i < sizes->step_blocks; i++) {
    char group[NAME_SIZE];
    (void)snprintf(group, sizeof(group), "step_%d", (int)i);
    network->blocks[i] = take_block(from, group, width);
  }
  network->step_norm = take_norm(from, "step", "norm", width);
  network->policy = take_linear(from, "policy", "logits", width, sizes->actions, true);
}

/* A tensor that nobody took is not ours, and then neither is the file. */
static void check_leftovers(taker *from) {
  for (int32_t i = 0; from->result == 0 && i < from->file->tensor_count; i++) {
    const muzero_rc_tensor *tensor = &from->file->tensors[i];
    if (from->taken[i]) continue;
    from->result = muzero_rc_fail(from->error, from->error_size, -EINVAL,
                                  "tensor %.*s is not part of such a network",
                                  tensor->name_length < 64 ? (int)tensor->name_length : 64,
                                  tensor->name);
  }
}

/* NULL, or the name of the size that is wrong or missing. */
static const char *read_sizes(const muzero_rc_policy_file *file, muzero_rc_sizes *sizes) {
  const struct {
    const char *name;
    int32_t low, high;
    int32_t *out;
  } table[] = {
#define SIZE(name, low, high) {#name, low, high, &sizes->name},
      MUZERO_RC_SIZES(SIZE)
#undef SIZE
  };
  const int32_t count = (int32_t)(sizeof(table) / sizeof(table[0]));
  for (int32_t i = 0; i < count; i++) {
    if (muzero_rc_metadata_integers(file, "network", table[i].name, table[i].low, table[i].high,
                                    table[i].out, 1) != 1) {
      return table[i].name;
    }
  }
  if (sizes->width % sizes->attention_heads != 0) return "attention_heads";
  if (sizes->kernel % 2 == 0) return "kernel";
  sizes->window_count = muzero_rc_metadata_integers(file, "network", "windows", 1, 256,
                                                    sizes->windows, MUZERO_RC_WINDOWS_MAX);
  if (sizes->window_count < 0) return "windows";
  /* A size that we do not know would be a network that we do not know. */
  return muzero_rc_metadata_members(file, "network") > count + 1 ? "one that is known here" : NULL;
}

int muzero_rc_network_open(const muzero_rc_policy_file *file, int32_t actions,
                           muzero_rc_network **network, char *error, size_t error_size) {
  muzero_rc_sizes sizes = {.actions = actions};
  *network = NULL;
  const char *const wrong = read_sizes(file, &sizes);
  if (wrong != NULL) {
    return muzero_rc_fail(error, error_size, -EINVAL,
                          "metadata \"network\": %s is missing or out of range", wrong);
  }
  muzero_rc_network *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return muzero_rc_fail(error, error_size, -ENOMEM, "out of memory");
  taker from = {.file = file, .error = error, .error_size = error_size};
  opened->sizes = sizes;
  take_all(&from, opened);
  check_leftovers(&from);
  if (from.result < 0) muzero_rc_network_close(&opened);
  *network = opened;
  return from.result;
}

void muzero_rc_network_close(muzero_rc_network **network) {
  free(*network);
  *network = NULL;
}
