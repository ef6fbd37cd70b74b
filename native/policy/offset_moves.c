#include "policy/offset_moves.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/errors.h"

static const char kPrefix[] = "offsets.";
static const float kFarthest = 16.0f;

/* Every constant of muzero_rc_offset_params, which has nothing but floats. */
typedef struct constant {
  const char *name;
  size_t offset;
} constant;

#define CONSTANT(name) {#name, offsetof(muzero_rc_offset_params, name)}
static const constant kConstants[] = {
    CONSTANT(key),
    CONSTANT(key_importance),
    CONSTANT(key_coarse),
    CONSTANT(key_still),
    CONSTANT(key_steep),
    CONSTANT(key_short),
    CONSTANT(key_response),
    CONSTANT(key_noise),
    CONSTANT(key_dear),
    CONSTANT(key_vectors),
    CONSTANT(top),
    CONSTANT(top_importance),
    CONSTANT(top_coarse),
    CONSTANT(top_still),
    CONSTANT(top_last),
    CONSTANT(second),
    CONSTANT(deeper),
    CONSTANT(gop_hardness),
    CONSTANT(gop_probe),
    CONSTANT(gop_still),
    CONSTANT(gop_last),
    CONSTANT(frame_hardness),
    CONSTANT(overlay),
};
#undef CONSTANT
enum { COUNT = sizeof(kConstants) / sizeof(kConstants[0]) };
static_assert(sizeof(muzero_rc_offset_params) == COUNT * sizeof(float), "every constant has a name");

bool muzero_rc_is_offset_move(const muzero_rc_tensor *tensor) {
  const int32_t length = (int32_t)strlen(kPrefix);
  return tensor->name_length > length && memcmp(tensor->name, kPrefix, (size_t)length) == 0;
}

static const constant *find(const char *name, int32_t length) {
  for (int32_t i = 0; i < COUNT; ++i) {
    const char *const known = kConstants[i].name;
    if ((int32_t)strlen(known) == length && memcmp(known, name, (size_t)length) == 0)
      return &kConstants[i];
  }
  return NULL;
}

bool muzero_rc_offset_moves_in(const muzero_rc_policy_file *file) {
  for (int32_t i = 0; i < file->tensor_count; ++i)
    if (muzero_rc_is_offset_move(&file->tensors[i])) return true;
  return false;
}

static int add(const muzero_rc_tensor *tensor, muzero_rc_offset_params *moved, char *error,
               size_t error_size) {
  const int32_t length = (int32_t)strlen(kPrefix);
  const constant *const found = find(tensor->name + length, tensor->name_length - length);
  if (!found)
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %.*s: the controller has no such constant",
                          (int)tensor->name_length, tensor->name);
  if (tensor->rank != 1 || tensor->shape[0] != 1 || !(fabsf(tensor->data[0]) <= kFarthest))
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %.*s must be one number from -%g to %g",
                          (int)tensor->name_length, tensor->name, (double)kFarthest, (double)kFarthest);
  *(float *)(void *)((char *)moved + found->offset) += tensor->data[0];
  return 0;
}

int muzero_rc_offset_moves_read(const muzero_rc_policy_file *file, muzero_rc_offset_params *moved,
                                char *error, size_t error_size) {
  *moved = muzero_rc_params.offsets;
  for (int32_t i = 0; i < file->tensor_count; ++i) {
    if (!muzero_rc_is_offset_move(&file->tensors[i])) continue;
    const int result = add(&file->tensors[i], moved, error, error_size);
    if (result) return result;
  }
  return 0;
}

bool muzero_rc_offset_constant(int32_t i, const char **name, float *value) {
  if (i < 0 || i >= COUNT) return false;
  *name = kConstants[i].name;
  memcpy(value, (const char *)&muzero_rc_params.offsets + kConstants[i].offset, sizeof(*value));
  return true;
}
