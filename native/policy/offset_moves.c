#include "policy/offset_moves.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/errors.h"

static const char kPrefix[] = "offsets.";
static const float kFarthest = 16.0f;

/* In the order of muzero_rc_offset_params, which has nothing but floats. */
static const char *const kNames[] = {
    "key",
    "key_importance",
    "key_coarse",
    "key_still",
    "key_steep",
    "key_short",
    "key_response",
    "key_noise",
    "key_dear",
    "key_vectors",
    "top",
    "top_importance",
    "top_coarse",
    "top_still",
    "top_last",
    "second",
    "deeper",
    "gop_hardness",
    "gop_probe",
    "gop_still",
    "gop_last",
    "frame_hardness",
    "overlay",
};
enum { COUNT = sizeof(kNames) / sizeof(kNames[0]) };
static_assert(sizeof(muzero_rc_offset_params) == COUNT * sizeof(float), "every constant has a name");
#define IS_AT(name, place) \
  static_assert(offsetof(muzero_rc_offset_params, name) == (place) * sizeof(float), #name)
IS_AT(key, 0);
IS_AT(key_importance, 1);
IS_AT(key_coarse, 2);
IS_AT(key_still, 3);
IS_AT(key_steep, 4);
IS_AT(key_short, 5);
IS_AT(key_response, 6);
IS_AT(key_noise, 7);
IS_AT(key_dear, 8);
IS_AT(key_vectors, 9);
IS_AT(top, 10);
IS_AT(top_importance, 11);
IS_AT(top_coarse, 12);
IS_AT(top_still, 13);
IS_AT(top_last, 14);
IS_AT(second, 15);
IS_AT(deeper, 16);
IS_AT(gop_hardness, 17);
IS_AT(gop_probe, 18);
IS_AT(gop_still, 19);
IS_AT(gop_last, 20);
IS_AT(frame_hardness, 21);
IS_AT(overlay, 22);
#undef IS_AT

bool muzero_rc_is_offset_move(const muzero_rc_tensor *tensor) {
  const int32_t length = (int32_t)strlen(kPrefix);
  return tensor->name_length > length && memcmp(tensor->name, kPrefix, (size_t)length) == 0;
}

static int32_t place_of(const char *name, int32_t length) {
  for (int32_t i = 0; i < COUNT; ++i)
    if ((int32_t)strlen(kNames[i]) == length && memcmp(kNames[i], name, (size_t)length) == 0)
      return i;
  return -1;
}

bool muzero_rc_offset_moves_in(const muzero_rc_policy_file *file) {
  for (int32_t i = 0; i < file->tensor_count; ++i)
    if (muzero_rc_is_offset_move(&file->tensors[i])) return true;
  return false;
}

static int add(const muzero_rc_tensor *tensor, float *constants, char *error, size_t error_size) {
  const int32_t length = (int32_t)strlen(kPrefix);
  const int32_t place = place_of(tensor->name + length, tensor->name_length - length);
  if (place < 0)
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %.*s: the controller has no such constant",
                          (int)tensor->name_length, tensor->name);
  if (tensor->rank != 1 || tensor->shape[0] != 1 || !(fabsf(tensor->data[0]) <= kFarthest))
    return muzero_rc_fail(error, error_size, -EINVAL, "tensor %.*s must be one number from -%g to %g",
                          (int)tensor->name_length, tensor->name, (double)kFarthest, (double)kFarthest);
  constants[place] += tensor->data[0];
  return 0;
}

int muzero_rc_offset_moves_read(const muzero_rc_policy_file *file, muzero_rc_offset_params *moved,
                                char *error, size_t error_size) {
  float constants[COUNT];
  memcpy(constants, muzero_rc_offset_constants(), sizeof(constants));
  for (int32_t i = 0; i < file->tensor_count; ++i) {
    if (!muzero_rc_is_offset_move(&file->tensors[i])) continue;
    const int result = add(&file->tensors[i], constants, error, error_size);
    if (result) return result;
  }
  memcpy(moved, constants, sizeof(*moved));
  return 0;
}

const char *const *muzero_rc_offset_names(int32_t *count) {
  *count = COUNT;
  return kNames;
}

const float *muzero_rc_offset_constants(void) { return (const float *)(const void *)&muzero_rc_params.offsets; }
