#include "policy_file/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/errors.h"

enum { LENGTH_BYTES = 8, ALIGNMENT = 16 };

typedef struct complaint {
  char *text;
  size_t size;
} complaint;

static uint64_t little_endian(const uint8_t bytes[LENGTH_BYTES]) {
  uint64_t value = 0;
  for (int i = LENGTH_BYTES - 1; i >= 0; i--) value = value << 8 | bytes[i];
  return value;
}

/* Memory for `size` bytes placed so that the tensors behind the header are
 * aligned for the processor's sake. */
static int reserve(muzero_rc_policy_file *file, const uint8_t *start, size_t size, complaint say) {
  const uint64_t header = little_endian(start);
  if (header < 2 || header > MUZERO_RC_FILE_HEADER_MAX || header > size - LENGTH_BYTES) {
    return muzero_rc_fail(say.text, say.size, -EINVAL,
                          "not a policy file: header of %llu bytes in a file of %zu",
                          (unsigned long long)header, size);
  }
  file->memory = malloc(size + 2 * ALIGNMENT);
  if (file->memory == NULL) {
    return muzero_rc_fail(say.text, say.size, -ENOMEM, "out of memory for %zu bytes", size);
  }
  const uintptr_t tensors = (uintptr_t)file->memory + LENGTH_BYTES + (size_t)header;
  file->bytes = file->memory + (ALIGNMENT - tensors % ALIGNMENT) % ALIGNMENT;
  file->size = size;
  return 0;
}

/* [begin, end) of the tensor's bytes, from its "data_offsets". */
static int read_place(const muzero_rc_json *json, int32_t entry, size_t limit,
                      muzero_rc_tensor *tensor) {
  const int32_t offsets = muzero_rc_json_find(json, entry, "data_offsets");
  int64_t begin, end;
  if (offsets < 0 || json->tokens[offsets].kind != MUZERO_RC_JSON_ARRAY ||
      json->tokens[offsets].size != 2 ||
      muzero_rc_json_integer(json, offsets + 1, (int64_t)limit, &begin) < 0 ||
      muzero_rc_json_integer(json, json->tokens[offsets + 1].next, (int64_t)limit, &end) < 0 ||
      end < begin) {
    return -EINVAL;
  }
  tensor->begin = (size_t)begin;
  tensor->end = (size_t)end;
  return 0;
}

static int read_shape(const muzero_rc_json *json, int32_t entry, muzero_rc_tensor *tensor) {
  const int32_t shape = muzero_rc_json_find(json, entry, "shape");
  size_t count = 1;
  if (shape < 0 || json->tokens[shape].kind != MUZERO_RC_JSON_ARRAY ||
      json->tokens[shape].size < 1 || json->tokens[shape].size > MUZERO_RC_FILE_RANK_MAX) {
    return -EINVAL;
  }
  tensor->rank = json->tokens[shape].size;
  int32_t at = shape + 1;
  for (int32_t i = 0; i < tensor->rank; i++, at = json->tokens[at].next) {
    int64_t length;
    if (muzero_rc_json_integer(json, at, 1 << 24, &length) < 0 || length < 1) return -EINVAL;
    tensor->shape[i] = (int32_t)length;
    count *= (size_t)length; /* at most 2^48 */
  }
  return count * sizeof(float) == tensor->end - tensor->begin ? 0 : -EINVAL;
}

static int read_tensor(muzero_rc_policy_file *file, int32_t key, const uint8_t *data, size_t size,
                       complaint say) {
  const muzero_rc_json *json = &file->header;
  const muzero_rc_json_token *name = &json->tokens[key];
  const int32_t entry = key + 1, shown = name->length < 64 ? name->length : 64;
  muzero_rc_tensor *tensor = &file->tensors[file->tensor_count];
  const char *wrong = NULL;
  if (!muzero_rc_json_plain_keys(json, entry, 3) || json->tokens[entry].size != 3) {
    wrong = "its entry must have dtype, shape and data_offsets";
  } else if (!muzero_rc_json_equals(json, muzero_rc_json_find(json, entry, "dtype"), "F32")) {
    wrong = "its dtype must be F32";
  } else if (read_place(json, entry, size, tensor) < 0 || tensor->begin % sizeof(float) != 0) {
    wrong = "its data_offsets lie outside the file, or askew";
  } else if (read_shape(json, entry, tensor) < 0) {
    wrong = "its shape does not fit its data_offsets";
  }
  if (wrong != NULL) {
    return muzero_rc_fail(say.text, say.size, -EINVAL, "tensor %.*s: %s", (int)shown, name->text,
                          wrong);
  }
  tensor->name = name->text;
  tensor->name_length = name->length;
  tensor->data = (const float *)(const void *)(data + tensor->begin);
  for (size_t i = 0; i < (tensor->end - tensor->begin) / sizeof(float); i++) {
    if (!isfinite(tensor->data[i])) {
      return muzero_rc_fail(say.text, say.size, -EINVAL,
                            "tensor %.*s: number %zu is NaN or infinite", (int)shown, name->text,
                            i);
    }
  }
  file->tensor_count++;
  return 0;
}

static int compare_places(const void *a, const void *b) {
  const muzero_rc_tensor *one = a, *other = b;
  return one->begin < other->begin ? -1 : one->begin > other->begin;
}

/* Tensors must lie back to back and fill the file. */
static int check_places(muzero_rc_policy_file *file, size_t size, complaint say) {
  size_t at = 0;
  qsort(file->tensors, (size_t)file->tensor_count, sizeof(*file->tensors), compare_places);
  for (int32_t i = 0; i < file->tensor_count; i++) {
    if (file->tensors[i].begin != at) {
      return muzero_rc_fail(say.text, say.size, -EINVAL, "tensor %.*s: overlaps or leaves a hole",
                            (int)file->tensors[i].name_length, file->tensors[i].name);
    }
    at = file->tensors[i].end;
  }
  if (at != size) {
    return muzero_rc_fail(say.text, say.size, -EINVAL,
                          "tensors end at byte %zu of %zu: truncated, or something follows", at,
                          size);
  }
  return 0;
}

static int check_metadata(muzero_rc_policy_file *file, complaint say) {
  const muzero_rc_json *json = &file->header;
  file->metadata = muzero_rc_json_find(json, 0, "__metadata__");
  if (file->metadata < 0) return 0;
  bool good = muzero_rc_json_plain_keys(json, file->metadata, MUZERO_RC_FILE_TEXTS_MAX);
  for (int32_t at = file->metadata + 1; good && at < json->tokens[file->metadata].next;) {
    good = json->tokens[at + 1].kind == MUZERO_RC_JSON_STRING;
    at = json->tokens[at + 1].next;
  }
  if (good) return 0;
  return muzero_rc_fail(say.text, say.size, -EINVAL,
                        "__metadata__ must be an object of at most %d different keys and texts",
                        MUZERO_RC_FILE_TEXTS_MAX);
}

/* Checks file->bytes and fills in the rest of *file. */
static int parse(muzero_rc_policy_file *file, complaint say) {
  const size_t header_size = (size_t)little_endian(file->bytes);
  const uint8_t *data = file->bytes + LENGTH_BYTES + header_size;
  const size_t data_size = file->size - LENGTH_BYTES - header_size;
  const muzero_rc_json *json = &file->header;
  int result = muzero_rc_json_open((const char *)file->bytes + LENGTH_BYTES, header_size,
                                   &file->header);
  if (result == -ENOMEM) return muzero_rc_fail(say.text, say.size, result, "out of memory");
  if (result < 0) {
    return muzero_rc_fail(say.text, say.size, result, "not a policy file: its header is not JSON");
  }
  if (!muzero_rc_json_plain_keys(json, 0, MUZERO_RC_FILE_TENSORS_MAX + 1)) {
    return muzero_rc_fail(say.text, say.size, -EINVAL,
                          "its header must be an object of at most %d tensors of different names",
                          MUZERO_RC_FILE_TENSORS_MAX);
  }
  result = check_metadata(file, say);
  if (result < 0) return result;
  file->tensors = calloc((size_t)json->tokens[0].size + 1, sizeof(*file->tensors));
  if (file->tensors == NULL) return muzero_rc_fail(say.text, say.size, -ENOMEM, "out of memory");
  for (int32_t at = 1; at < json->count; at = json->tokens[at + 1].next) {
    if (at + 1 == file->metadata) continue;
    result = read_tensor(file, at, data, data_size, say);
    if (result < 0) return result;
  }
  return check_places(file, data_size, say);
}

static int read_fully(int descriptor, uint8_t *out, size_t size) {
  while (size > 0) {
    const ssize_t got = read(descriptor, out, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return -EINVAL; /* shrank while we read */
    out += got;
    size -= (size_t)got;
  }
  return 0;
}

/* Size of the regular file behind `descriptor`, or a negative errno. */
static int64_t file_size(int descriptor, complaint say) {
  struct stat status;
  if (fstat(descriptor, &status) < 0) {
    const int code = -errno;
    return muzero_rc_fail(say.text, say.size, code, "%s", strerror(-code));
  }
  if (!S_ISREG(status.st_mode)) {
    return muzero_rc_fail(say.text, say.size, -EINVAL, "not a regular file");
  }
  if (status.st_size < LENGTH_BYTES || status.st_size > MUZERO_RC_FILE_SIZE_MAX) {
    return muzero_rc_fail(say.text, say.size, -EINVAL,
                          "not a policy file: %lld bytes, must be %d to %d",
                          (long long)status.st_size, LENGTH_BYTES, MUZERO_RC_FILE_SIZE_MAX);
  }
  return status.st_size;
}

static int load(const char *path, muzero_rc_policy_file *file, complaint say) {
  uint8_t start[LENGTH_BYTES];
  int result;
  /* Not blocking: the name may be a pipe's. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    result = -errno;
    return muzero_rc_fail(say.text, say.size, result, "%s", strerror(-result));
  }
  const int64_t size = file_size(descriptor, say);
  result = size < 0 ? (int)size : read_fully(descriptor, start, sizeof(start));
  if (size >= 0 && result == 0) result = reserve(file, start, (size_t)size, say);
  if (result == 0) {
    memcpy(file->bytes, start, sizeof(start));
    result = read_fully(descriptor, file->bytes + sizeof(start), file->size - sizeof(start));
    if (result < 0) {
      (void)muzero_rc_fail(say.text, say.size, result, "cannot be read: %s", strerror(-result));
    }
  }
  (void)close(descriptor);
  return result;
}

int muzero_rc_policy_file_open(const char *path, muzero_rc_policy_file *file, char *error,
                               size_t error_size) {
  const complaint say = {error, error_size};
  memset(file, 0, sizeof(*file));
  int result = load(path, file, say);
  if (result == 0) result = parse(file, say);
  if (result < 0) muzero_rc_policy_file_close(file);
  return result;
}

int muzero_rc_policy_file_open_bytes(const uint8_t *bytes, size_t size,
                                     muzero_rc_policy_file *file, char *error, size_t error_size) {
  const complaint say = {error, error_size};
  memset(file, 0, sizeof(*file));
  if (size < LENGTH_BYTES || size > MUZERO_RC_FILE_SIZE_MAX) {
    return muzero_rc_fail(error, error_size, -EINVAL, "not a policy file: %zu bytes", size);
  }
  int result = reserve(file, bytes, size, say);
  if (result == 0) {
    memcpy(file->bytes, bytes, size);
    result = parse(file, say);
  }
  if (result < 0) muzero_rc_policy_file_close(file);
  return result;
}

void muzero_rc_policy_file_close(muzero_rc_policy_file *file) {
  muzero_rc_json_close(&file->header);
  free(file->tensors);
  free(file->memory);
  memset(file, 0, sizeof(*file));
}

const muzero_rc_tensor *muzero_rc_policy_file_tensor(const muzero_rc_policy_file *file,
                                                     const char *name) {
  const size_t length = strlen(name);
  for (int32_t i = 0; i < file->tensor_count; i++) {
    const muzero_rc_tensor *tensor = &file->tensors[i];
    if ((size_t)tensor->name_length == length && memcmp(tensor->name, name, length) == 0) {
      return tensor;
    }
  }
  return NULL;
}
