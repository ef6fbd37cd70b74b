/* A policy file in memory: a .safetensors file whose every byte was checked.
 *
 * Layout: u64 length of the header; the header, one JSON object that gives each tensor's dtype,
 * shape and place, and under "__metadata__" texts (metadata.h); the tensors, back to back. Only
 * little-endian f32 tensors are taken, and only finite numbers. */
#ifndef MUZERO_RC_POLICY_FILE_POLICY_FILE_H_
#define MUZERO_RC_POLICY_FILE_POLICY_FILE_H_

#include <stddef.h>
#include <stdint.h>

#include "policy_file/json.h"

enum {
  MUZERO_RC_FILE_SIZE_MAX = 64 << 20,  /* bytes */
  MUZERO_RC_FILE_HEADER_MAX = 1 << 20, /* bytes */
  MUZERO_RC_FILE_TENSORS_MAX = 512,
  MUZERO_RC_FILE_TEXTS_MAX = 256,
  MUZERO_RC_FILE_RANK_MAX = 2
};

typedef struct muzero_rc_tensor {
  const char *name; /* not terminated */
  int32_t name_length;
  int32_t rank;
  int32_t shape[MUZERO_RC_FILE_RANK_MAX];
  size_t begin; /* bytes from the first tensor */
  size_t end;
  const float *data;
} muzero_rc_tensor;

typedef struct muzero_rc_policy_file {
  uint8_t *memory; /* `bytes`, names and tensor data lie in here */
  uint8_t *bytes;
  size_t size;
  muzero_rc_json header;
  int32_t metadata; /* token in `header`, an object of strings; -1: none */
  muzero_rc_tensor *tensors;
  int32_t tensor_count;
} muzero_rc_policy_file;

/* Reads and checks a file. On failure *file is closed and `error` (may be NULL)
 * holds one line for a person. -EINVAL: no such file as described above. */
int muzero_rc_policy_file_open(const char *path, muzero_rc_policy_file *file, char *error,
                               size_t error_size);

/* The same of bytes in memory, which are copied. */
int muzero_rc_policy_file_open_bytes(const uint8_t *bytes, size_t size,
                                     muzero_rc_policy_file *file, char *error, size_t error_size);

/* Frees and zeroes; a zeroed *file is fine. */
void muzero_rc_policy_file_close(muzero_rc_policy_file *file);

/* The tensor `name`, or NULL. */
const muzero_rc_tensor *muzero_rc_policy_file_tensor(const muzero_rc_policy_file *file,
                                                     const char *name);

#endif /* MUZERO_RC_POLICY_FILE_POLICY_FILE_H_ */
