/* Every allocation fails once: an error comes back, nothing leaks (the sanitizer
 * watches), and the next try works. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <unistd.h>

#include "check.h"
#include "policy/policy_impl.h"
#include "policy_sample.h"
#include "vpx/abi/abi_1.h"

enum { FRAMES = 5, MORE_THAN_THERE_ARE = 1000 };

/* Allocations left until one fails; below 0 none does. */
static int countdown = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool fails(void) { return countdown >= 0 && countdown-- == 0; }

void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) { return fails() ? NULL : __real_realloc(old, size); }

/* A whole life of a policy and a model, up to the first error. */
static int live(const char *path) {
  const muzero_rc_clip clip = {
      .width = 64, .height = 64, .frame_count = FRAMES, .target_kbps = 100};
  const muzero_rc_peak peak = {.max_kbps = 200, .buffer_kbits = 100};
  const muzero_rc_frame_request request = {.frame_type = MUZERO_RC_KEY};
  muzero_rc_frame_stats stats[FRAMES] = {0};
  muzero_rc_policy *policy = NULL;
  muzero_rc_model *model = NULL;
  char error[200] = "", *info = NULL;
  int result = muzero_rc_policy_open(path, &policy, error, sizeof(error));
  if (result && (policy || !strstr(error, "out of memory"))) result = -EIO;
  if (!result) result = muzero_rc_policy_info(policy, &info);
  if (!result) result = muzero_rc_model_open(policy, &clip, stats, &model);
  if (result && model) result = -EIO;
  if (!result) result = muzero_rc_model_set_peak(model, &peak);
  if (!result) {
    const int left = countdown;
    countdown = 0; /* from here on nothing allocates */
    (void)muzero_rc_model_decide(model, &request);
    if (countdown != 0) result = -EIO;
    countdown = left;
  }
  free(info);
  muzero_rc_model_close(&model);
  muzero_rc_policy_close(&policy);
  return result;
}

/* The same behind libvpx's callbacks. */
static int live_in_libvpx(const char *path) {
  const muzero_rc_abi1_config config = {.width = 64,
                                  .height = 64,
                                  .show_frame_count = FRAMES,
                                  .target_kbps = 100};
  const muzero_rc_abi1_frame_info info = {.frame_type = 0};
  muzero_rc_abi1_decision decision;
  muzero_rc_abi1_stats_record stats[FRAMES] = {0};
  const muzero_rc_vpx_stats all = {.records = stats, .num_frames = FRAMES};
  void *model = NULL;
  muzero_rc_abi1_funcs funcs;
  muzero_rc_policy *policy = NULL;
  muzero_rc_plugin *plugin = NULL;
  int result = muzero_rc_policy_open(path, &policy, NULL, 0);
  if (!result) result = muzero_rc_plugin_open(policy, &plugin);
  if (!result) result = muzero_rc_plugin_funcs(plugin, 1, (void *)&funcs);
  if (!result) {
    bool failed = funcs.create_model(funcs.priv, &config, &model) != MUZERO_RC_VPX_OK;
    failed = funcs.send_firstpass_stats(model, &all) != MUZERO_RC_VPX_OK || failed;
    failed = funcs.get_encodeframe_decision(model, &info, &decision) != MUZERO_RC_VPX_OK || failed;
    failed = funcs.delete_model(model) != MUZERO_RC_VPX_OK || failed;
    result = muzero_rc_plugin_report(plugin).error;
    if (failed != (result != 0)) result = -EIO;
  }
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
  return result;
}

static void check_every_allocation(int (*life)(const char *path), int fewest) {
  const sample_options options = sample_defaults();
  const sample made = sample_make(&options);
  char path[64];
  CHECK(sample_save(&made, path));
  int failed = 0;
  for (; failed < MORE_THAN_THERE_ARE; ++failed) {
    countdown = failed;
    const int result = life(path);
    const bool all_there = countdown >= 0;
    countdown = -1;
    if (all_there) break;
    CHECK_EQ(result, -ENOMEM);
  }
  CHECK(failed >= fewest && failed < MORE_THAN_THERE_ARE);
  CHECK_EQ(life(path), 0);
  unlink(path);
  free(made.bytes);
}

int main(void) {
  check_every_allocation(live, 9);
  check_every_allocation(live_in_libvpx, 9);
  return check_result();
}
