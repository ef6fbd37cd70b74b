/* The reader of policy files: what it takes, and all that it must refuse. */
#include "policy_file/metadata.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "policy_sample.h"

/* Two tensors, a = [1, 2] and b = [[3], [4]]. */
static const char good_header[] =
    "{\"__metadata__\":{\"x\":\"a\",\"g.n\":\"3 -4 12\",\"gone\":\"\\u00e9 \\\"\"},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"shape\":[2,1],\"data_offsets\":[8,16],\"dtype\":\"F32\"}}  ";
static const float good_data[] = {1, 2, 3, 4};

static int open_header(const char *header, const void *data, size_t size, char *error) {
  muzero_rc_policy_file file;
  const sample made = sample_join(header, strlen(header), data, size);
  const int result = muzero_rc_policy_file_open_bytes(made.bytes, made.size, &file, error, 200);
  free(made.bytes);
  muzero_rc_policy_file_close(&file);
  return result;
}

static void test_good_file_gives_tensors_and_texts(void) {
  muzero_rc_policy_file file;
  int32_t numbers[3] = {0};
  const sample made = sample_join(good_header, strlen(good_header), good_data, sizeof(good_data));
  CHECK_EQ(muzero_rc_policy_file_open_bytes(made.bytes, made.size, &file, NULL, 0), 0);
  free(made.bytes);
  CHECK_EQ(file.tensor_count, 2);
  const muzero_rc_tensor *const b = muzero_rc_policy_file_tensor(&file, "b");
  CHECK(b && b->rank == 2 && b->shape[0] == 2 && b->shape[1] == 1);
  CHECK(b->data[0] == 3 && b->data[1] == 4);
  CHECK(!muzero_rc_policy_file_tensor(&file, "c"));
  CHECK(muzero_rc_metadata_is(&file, "x", "a") && !muzero_rc_metadata_is(&file, "x", "b"));
  CHECK(!muzero_rc_metadata_is(&file, "y", "a"));
  CHECK(muzero_rc_metadata_has(&file, "g.n") && !muzero_rc_metadata_has(&file, "g.o"));
  CHECK_EQ(muzero_rc_metadata_integers(&file, "g", "n", -5, 12, numbers, 3), 3);
  CHECK(numbers[0] == 3 && numbers[1] == -4 && numbers[2] == 12);
  CHECK_EQ(muzero_rc_metadata_integers(&file, "g", "n", -5, 12, numbers, 2), -EINVAL);
  CHECK_EQ(muzero_rc_metadata_integers(&file, "g", "n", -3, 12, numbers, 3), -EINVAL);
  CHECK_EQ(muzero_rc_metadata_integers(&file, "g", "o", -5, 12, numbers, 3), -EINVAL);
  CHECK_EQ(muzero_rc_metadata_integers(&file, NULL, "x", -5, 12, numbers, 3), -EINVAL);
  CHECK_EQ(muzero_rc_metadata_members(&file, "g"), 1);
  muzero_rc_policy_file_close(&file);
  muzero_rc_policy_file_close(&file);
}

static void test_faults_are_named(void) {
#define TENSOR(name, dtype, shape, offsets) \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
  static const struct {
    const char *header, *says;
  } faults[] = {
      {"{" TENSOR("a", "F16", "[4]", "[0,16]") "}", "dtype must be F32"},
      {"{" TENSOR("a", "F32", "[5]", "[0,16]") "}", "shape does not fit"},
      {"{" TENSOR("a", "F32", "[-4]", "[0,16]") "}", "not JSON"},
      {"{" TENSOR("a", "F32", "[4.0]", "[0,16]") "}", "not JSON"},
      {"{" TENSOR("a", "F32", "[]", "[0,4]") "}", "shape does not fit"},
      {"{" TENSOR("a", "F32", "[1,2,2]", "[0,16]") "}", "shape does not fit"},
      {"{" TENSOR("a", "F32", "[16777216,16777216]", "[0,16]") "}", "shape does not fit"},
      {"{" TENSOR("a", "F32", "[4]", "[0,20]") "}", "data_offsets"},
      {"{" TENSOR("a", "F32", "[4]", "[16,0]") "}", "data_offsets"},
      {"{" TENSOR("a", "F32", "[4]", "[0]") "}", "data_offsets"},
      {"{" TENSOR("a", "F32", "[3]", "[1,13]") "}", "data_offsets"},
      {"{" TENSOR("a", "F32", "[4]", "[0,99999999999999999999]") "}", "data_offsets"},
      {"{" TENSOR("a", "F32", "[3]", "[0,12]") "}", "truncated, or something follows"},
      {"{" TENSOR("a", "F32", "[3]", "[0,12]") "," TENSOR("b", "F32", "[2]", "[8,16]") "}",
       "overlaps"},
      {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[2]", "[8,16]") "}",
       "hole"},
      {"{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("a", "F32", "[2]", "[8,16]") "}",
       "different names"},
      {"{" TENSOR("\\u0061", "F32", "[4]", "[0,16]") "}", "different names"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"x\":1}}", "its entry"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4]}}", "its entry"},
      {"{\"a\":[]}", "its entry"},
      {"{\"__metadata__\":{\"x\":1}," TENSOR("a", "F32", "[4]", "[0,16]") "}", "__metadata__"},
      {"{\"__metadata__\":{\"x\":\"\",\"x\":\"\"}," TENSOR("a", "F32", "[4]", "[0,16]") "}",
       "__metadata__"},
      {"[]", "must be an object"},
      {"{}x", "not JSON"},
      {"{,}", "not JSON"},
      {"{\"a\":{\"dtype\":\"F32\",}}", "not JSON"},
      {"{\"a\":null}", "not JSON"},
      {"{\"a\":\"\n\"}", "not JSON"},
      {"{\"a\":\"\\", "not JSON"},
      {"{\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}", "not JSON"},
  };
#undef TENSOR
  char error[200] = "";
  for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); ++i) {
    const int result = open_header(faults[i].header, good_data, sizeof(good_data), error);
    if (result != -EINVAL || !strstr(error, faults[i].says)) {
      fprintf(stderr, "fault %zu: %d, \"%s\"\n", i, result, error);
    }
    CHECK(result == -EINVAL && strstr(error, faults[i].says));
  }
}

static void test_numbers_must_be_finite(void) {
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  char error[200] = "";
  for (int i = 0; i < 3; ++i) {
    const float data[] = {1, 2, 3, bad[i]};
    CHECK_EQ(open_header(good_header, data, sizeof(data), error), -EINVAL);
    CHECK(strstr(error, "tensor b: number 1 is NaN or infinite"));
  }
}

static void test_every_truncation_is_refused(void) {
  const sample made = sample_join(good_header, strlen(good_header), good_data, sizeof(good_data));
  for (size_t size = 0; size < made.size; ++size) {
    muzero_rc_policy_file file;
    uint8_t *const cut = malloc(size + !size); /* of its own, for the sanitizer's sake */
    memcpy(cut, made.bytes, size);
    CHECK_EQ(muzero_rc_policy_file_open_bytes(cut, size, &file, NULL, 0), -EINVAL);
    CHECK(!file.memory);
    free(cut);
  }
  free(made.bytes);
}

static void test_flipped_bits_never_break_the_reader(void) {
  const sample made = sample_join(good_header, strlen(good_header), good_data, sizeof(good_data));
  for (size_t bit = 0; bit < 8 * made.size; ++bit) {
    muzero_rc_policy_file file;
    made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    const int result = muzero_rc_policy_file_open_bytes(made.bytes, made.size, &file, NULL, 0);
    CHECK(result == 0 || result == -EINVAL);
    if (bit < 64 && result == 0) CHECK(!"another header length must be refused");
    muzero_rc_policy_file_close(&file);
    made.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  free(made.bytes);
}

static void test_huge_header_is_refused(void) {
  muzero_rc_policy_file file;
  const uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
  char error[200] = "";
  CHECK_EQ(muzero_rc_policy_file_open_bytes(huge, sizeof(huge), &file, error, sizeof(error)),
           -EINVAL);
  CHECK(strstr(error, "header of 18446744073709551615 bytes in a file of 16"));
}

static void test_files_that_are_none(void) {
  muzero_rc_policy_file file;
  char error[200] = "", path[64];
  CHECK_EQ(muzero_rc_policy_file_open("/no/such/file", &file, error, sizeof(error)), -ENOENT);
  CHECK_EQ(muzero_rc_policy_file_open("/tmp", &file, error, sizeof(error)), -EINVAL);
  CHECK(strstr(error, "not a regular file"));
  CHECK_EQ(muzero_rc_policy_file_open("/dev/zero", &file, error, sizeof(error)), -EINVAL);
  const sample empty = {(uint8_t *)"", 0};
  CHECK(sample_save(&empty, path));
  CHECK_EQ(muzero_rc_policy_file_open(path, &file, error, sizeof(error)), -EINVAL);
  unlink(path);
  CHECK_EQ(mkfifo(path, 0600), 0);
  CHECK_EQ(muzero_rc_policy_file_open(path, &file, error, sizeof(error)), -EINVAL);
  unlink(path);
}

static void test_file_on_disk_equals_bytes_in_memory(void) {
  muzero_rc_policy_file file;
  char path[64];
  const sample made = sample_join(good_header, strlen(good_header), good_data, sizeof(good_data));
  CHECK(sample_save(&made, path));
  CHECK_EQ(muzero_rc_policy_file_open(path, &file, NULL, 0), 0);
  CHECK(file.size == made.size && !memcmp(file.bytes, made.bytes, made.size));
  muzero_rc_policy_file_close(&file);
  unlink(path);
  free(made.bytes);
}

int main(void) {
  test_good_file_gives_tensors_and_texts();
  test_faults_are_named();
  test_numbers_must_be_finite();
  test_every_truncation_is_refused();
  test_flipped_bits_never_break_the_reader();
  test_huge_header_is_refused();
  test_files_that_are_none();
  test_file_on_disk_equals_bytes_in_memory();
  return check_result();
}
