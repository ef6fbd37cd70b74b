/* What a policy and its model hold: at most twice the file and a kilobyte a
 * frame, also while they are opened. Counted at every allocation of ours. */
#include <malloc.h>
#include <unistd.h>

#include "check.h"
#include "policy_sample.h"

/* Below 0 where libc allocated what we freed. */
static long long held, most;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);

static void *count(void *memory) {
  held += (long long)malloc_usable_size(memory);
  if (held > most) most = held;
  return memory;
}

void *__wrap_malloc(size_t size) { return count(__real_malloc(size)); }

void *__wrap_calloc(size_t number, size_t size) { return count(__real_calloc(number, size)); }

void *__wrap_realloc(void *old, size_t size) {
  held -= (long long)malloc_usable_size(old);
  return count(__real_realloc(old, size));
}

void __wrap_free(void *memory) {
  held -= (long long)malloc_usable_size(memory);
  __real_free(memory);
}

/* Opens both; checks what they hold, and that all of it is given back. */
static void check_bound(const char *what, const char *path, size_t file_bytes, int32_t frames) {
  const muzero_rc_clip clip = {
      .width = 854, .height = 480, .frame_count = frames, .target_kbps = 600};
  const long long bound = 2 * (long long)file_bytes + 1024LL * frames;
  muzero_rc_frame_stats *stats = calloc((size_t)frames, sizeof(*stats));
  muzero_rc_policy *policy = NULL;
  muzero_rc_model *model = NULL;
  const long long before = held;
  most = held;
  CHECK(stats);
  CHECK_EQ(muzero_rc_policy_open(path, &policy, NULL, 0), 0);
  const long long policy_bytes = held - before;
  CHECK_EQ(muzero_rc_model_open(policy, &clip, stats, &model), 0);
  printf("%s, %zu bytes: held %lld, with a model of %d frames %lld, at most %lld of %lld\n",
         what, file_bytes, policy_bytes, (int)frames, held - before, most - before, bound);
  CHECK(policy_bytes > (long long)file_bytes);
  CHECK(most - before <= bound);
  muzero_rc_model_close(&model);
  muzero_rc_policy_close(&policy);
  CHECK_EQ(held, before);
  free(stats);
}

static void check_network(const char *what, const sample_options *options) {
  const sample made = sample_make(options);
  char path[64];
  CHECK(sample_save(&made, path));
  check_bound(what, path, made.size, 100);
  check_bound(what, path, made.size, 300);
  unlink(path);
  free(made.bytes);
}

static void test_smallest(void) {
  const sample_options options = sample_defaults();
  check_network("smallest network", &options);
}

/* configs/base.toml's and, with 256 actions, configs/paper.toml's. */
static void test_shipped_sizes(void) {
  sample_options options = sample_defaults();
  options.sizes.encoder_layers = options.sizes.step_blocks = 2;
  options.sizes.latents = 8;
  options.sizes.attention_heads = 4;
  options.sizes.kernel = 9;
  options.sizes.width = 96;
  options.sizes.actions = 31;
  check_network("d = 96", &options);
  options.sizes.width = 128;
  options.sizes.actions = 256;
  check_network("d = 128", &options);
}

int main(void) {
  test_smallest();
  test_shipped_sizes();
  return check_result();
}
