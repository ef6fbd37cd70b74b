#include "network/shape_network.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/errors.h"
#include "network/kernels.h"
#include "policy_file/metadata.h"

struct muzero_rc_shape_network {
  int32_t features, width;
  float limit;        /* of a scaled feature */
  float strange_most; /* share of candidates */
  const float *mean, *scale;
  const float *in_w, *in_b, *hidden_w, *hidden_b, *out_w, *out_b;
};

static const char kMean[] = "shapes_norm.mean";

bool muzero_rc_shape_network_in(const muzero_rc_policy_file *file) {
  return muzero_rc_policy_file_tensor(file, kMean) != NULL;
}

bool muzero_rc_is_shape_tensor(const muzero_rc_tensor *tensor) {
  static const char prefix[] = "shapes_";
  const int32_t length = (int32_t)sizeof(prefix) - 1;
  return tensor->name_length >= length && memcmp(tensor->name, prefix, (size_t)length) == 0;
}

typedef struct wanted {
  const char *name;
  int32_t rows, columns; /* rows 0: a vector */
  const float **out;
} wanted;

static int take(const muzero_rc_policy_file *file, const wanted *w, char *error,
                size_t error_size) {
  const muzero_rc_tensor *const tensor = muzero_rc_policy_file_tensor(file, w->name);
  const int32_t rank = w->rows > 0 ? 2 : 1;
  if (tensor == NULL)
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %s is missing", w->name);
  if (tensor->rank != rank || tensor->shape[rank - 1] != w->columns ||
      (rank == 2 && tensor->shape[0] != w->rows))
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %s: its shape must be [%d, %d]",
                          w->name, (int)w->rows, (int)w->columns);
  *w->out = tensor->data;
  return 0;
}

static int take_all(const muzero_rc_policy_file *file, muzero_rc_shape_network *n, char *error,
                    size_t error_size) {
  const wanted table[] = {{kMean, 0, n->features, &n->mean},
                          {"shapes_norm.scale", 0, n->features, &n->scale},
                          {"shapes_in.w", n->features, n->width, &n->in_w},
                          {"shapes_in.b", 0, n->width, &n->in_b},
                          {"shapes_hidden.w", n->width, n->width, &n->hidden_w},
                          {"shapes_hidden.b", 0, n->width, &n->hidden_b},
                          {"shapes_out.w", n->width, 1, &n->out_w},
                          {"shapes_out.b", 0, 1, &n->out_b}};
  const int32_t count = (int32_t)(sizeof(table) / sizeof(table[0]));
  int32_t there = 0;
  for (int32_t i = 0; i < file->tensor_count; ++i)
    there += muzero_rc_is_shape_tensor(&file->tensors[i]);
  if (there != count)
    return muzero_rc_fail(error, error_size, -EINVAL, "it has %d tensors of GOP shapes, they take %d",
                          (int)there, (int)count);
  for (int32_t i = 0; i < count; ++i) {
    const int result = take(file, &table[i], error, error_size);
    if (result) return result;
  }
  return 0;
}

static int read_size(const muzero_rc_policy_file *file, const char *name, int32_t low,
                     int32_t high, int32_t *size, char *error, size_t error_size) {
  if (muzero_rc_metadata_integers(file, "shapes", name, low, high, size, 1) == 1) return 0;
  return muzero_rc_fail(error, error_size, -EINVAL,
                        "metadata \"shapes.%s\" is missing or out of range", name);
}

static int read_strange(const muzero_rc_policy_file *file, float *most, char *error,
                        size_t error_size) {
  int32_t thousandths = 1000;
  if (muzero_rc_metadata_has(file, "shapes.strange")) {
    const int result = read_size(file, "strange", 0, 1000, &thousandths, error, error_size);
    if (result) return result;
  }
  *most = (float)thousandths / 1000.0f;
  return 0;
}

int muzero_rc_shape_network_open(const muzero_rc_policy_file *file, int32_t features,
                                 muzero_rc_shape_network **network, char *error,
                                 size_t error_size) {
  *network = NULL;
  muzero_rc_shape_network *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return muzero_rc_fail(error, error_size, -ENOMEM, "out of memory");
  int32_t limit = 0;
  int result = read_size(file, "features", 1, 1024, &opened->features, error, error_size);
  if (!result)
    result = read_size(file, "width", 1, MUZERO_RC_SHAPE_WIDTH_MAX, &opened->width, error,
                       error_size);
  if (!result) result = read_size(file, "limit", 1, 100, &limit, error, error_size);
  if (!result) result = read_strange(file, &opened->strange_most, error, error_size);
  if (!result && opened->features != features)
    result = muzero_rc_fail(error, error_size, -EINVAL, "takes %d shape features, this build has %d",
                            (int)opened->features, (int)features);
  opened->limit = (float)limit;
  if (!result) result = take_all(file, opened, error, error_size);
  if (result) muzero_rc_shape_network_close(&opened);
  *network = opened;
  return result;
}

void muzero_rc_shape_network_close(muzero_rc_shape_network **network) {
  free(*network);
  *network = NULL;
}

static float bounded(float value, float limit) {
  if (!(value > -limit)) return -limit;
  return value < limit ? value : limit;
}

static float worth_of(const muzero_rc_shape_network *n, const float *x) {
  enum { FEATURES_MAX = 1024 };
  float scaled[FEATURES_MAX], first[MUZERO_RC_SHAPE_WIDTH_MAX], second[MUZERO_RC_SHAPE_WIDTH_MAX];
  float worth;
  for (int32_t i = 0; i < n->features; ++i)
    scaled[i] = bounded((x[i] - n->mean[i]) * n->scale[i], n->limit);
  muzero_rc_dense(n->in_w, n->in_b, n->features, n->width, scaled, first);
  muzero_rc_relu(first, n->width);
  muzero_rc_dense(n->hidden_w, n->hidden_b, n->width, n->width, first, second);
  muzero_rc_relu(second, n->width);
  muzero_rc_dense(n->out_w, n->out_b, n->width, 1, second, &worth);
  return worth;
}

void muzero_rc_shape_network_worth(const muzero_rc_shape_network *network, const float *x,
                                   int32_t count, float *worth) {
  for (int32_t i = 0; i < count; ++i) worth[i] = worth_of(network, x + i * network->features);
}

bool muzero_rc_shape_network_is_strange(const muzero_rc_shape_network *network, const float *x) {
  for (int32_t i = 0; i < network->features; ++i)
    if (fabsf((x[i] - network->mean[i]) * network->scale[i]) > network->limit) return true;
  return false;
}

float muzero_rc_shape_network_strange_most(const muzero_rc_shape_network *network) {
  return network->strange_most;
}
