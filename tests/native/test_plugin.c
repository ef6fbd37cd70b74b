/* The plugin's callbacks: alone against made-up calls, and under the real libvpx. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "rate_control/frame_traits.h"
#include "vpx/abi/abi_1.h"
#include "plugin_encode.h"
#include "policy_sample.h"

enum { THREADS = 8, FRAMES = 60 };

static muzero_rc_policy *open_policy(const char *name) {
  muzero_rc_policy *policy = NULL;
  char error[256] = "";
  if (muzero_rc_policy_open(name, &policy, error, sizeof(error))) fprintf(stderr, "%s\n", error);
  return policy;
}

/* A network with weights that mean nothing; its file is gone afterwards. */
static muzero_rc_policy *open_network(void) {
  char path[64];
  const sample_options options = sample_defaults();
  const sample made = sample_make(&options);
  muzero_rc_policy *const policy = sample_save(&made, path) ? open_policy(path) : NULL;
  unlink(path);
  free(made.bytes);
  return policy;
}

/* What libvpx calls during an encode, `frames` of which may go beyond the
 * statistics. Returns a hash of the answers, or 0 when one failed. */
static uint32_t call_all(const muzero_rc_abi1_funcs *funcs, int frames, int *lowest, int *highest) {
  const muzero_rc_abi1_config config = {.width = 176,
                                  .height = 144,
                                  .show_frame_count = FRAMES,
                                  .target_kbps = 100,
                                  .frame_rate_num = 25,
                                  .frame_rate_den = 1};
  muzero_rc_abi1_stats_record stats[FRAMES] = {0};
  const muzero_rc_vpx_stats all = {.records = stats, .num_frames = FRAMES};
  void *model = NULL;
  uint32_t hash = 1;
  for (int i = 0; i < FRAMES; ++i) {
    stats[i].field[MUZERO_RC_STAT_FRAME] = i;
    stats[i].field[MUZERO_RC_STAT_WEIGHT] = stats[i].field[MUZERO_RC_STAT_COUNT] = 1.0;
    stats[i].field[MUZERO_RC_STAT_INTRA_ERROR] = 4000.0;
    stats[i].field[MUZERO_RC_STAT_CODED_ERROR] = 300.0 + 50.0 * (i % 7);
    stats[i].field[MUZERO_RC_STAT_DURATION] = 400000.0;
  }
  if (funcs->create_model(funcs->priv, &config, &model)) return 0;
  if (funcs->send_firstpass_stats(model, &all)) hash = 0;
  for (int i = 0; hash && i < frames; ++i) {
    const muzero_rc_abi1_frame_info info = {
        .frame_type = i ? 1 : 0, .show_index = i, .coding_index = i, .gop_index = i % 16};
    muzero_rc_abi1_decision decision = {.q_index = -1, .max_frame_size = -1};
    if (funcs->get_encodeframe_decision(model, &info, &decision)) hash = 0;
    if (decision.max_frame_size != 0) hash = 0;
    if (decision.q_index < *lowest) *lowest = decision.q_index;
    if (decision.q_index > *highest) *highest = decision.q_index;
    hash = hash * 31u + (uint32_t)decision.q_index;
    const muzero_rc_abi1_result result = {.sse = 900000,
                                                .bit_count = 200000 / decision.q_index,
                                                .pixel_count = 38016,
                                                .qindex = decision.q_index};
    if (funcs->update_encodeframe_result(model, &result)) hash = 0;
  }
  return funcs->delete_model(model) ? 0 : hash;
}

static void test_limits_bind(void) {
  muzero_rc_policy *policy = open_policy("controller");
  muzero_rc_plugin *plugin = NULL;
  muzero_rc_abi1_funcs funcs;
  int lowest = 255, highest = 0;
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, 1, (void *)&funcs), 0);
  CHECK_EQ(muzero_rc_plugin_limit(plugin, 9, 8), -EINVAL);
  CHECK_EQ(muzero_rc_plugin_limit(plugin, muzero_rc_qindex(30), muzero_rc_qindex(31)), 0);
  CHECK(call_all(&funcs, FRAMES, &lowest, &highest));
  CHECK(lowest >= 120 && highest <= 124);
  CHECK_EQ(muzero_rc_plugin_limit(plugin, -5, 0), 0); /* 0 would be lossless */
  lowest = 255, highest = 0;
  CHECK(call_all(&funcs, FRAMES, &lowest, &highest));
  CHECK_EQ(lowest, 1);
  CHECK_EQ(highest, 1);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
}

static void test_outer_scale(void) {
  const int outer[] = {-1, 0, 1, 30, 61, 62, 63, 64}, inner[] = {0, 0, 4, 120, 244, 249, 255, 255};
  for (int i = 0; i < 8; ++i) CHECK_EQ(muzero_rc_qindex(outer[i]), inner[i]);
}

static void test_misuse_is_an_error(void) {
  muzero_rc_policy *policy = open_policy("controller");
  muzero_rc_plugin *plugin = NULL;
  muzero_rc_abi1_funcs funcs;
  const muzero_rc_abi1_config config = {.width = 8, .height = 8, .show_frame_count = 2};
  const muzero_rc_abi1_frame_info info = {0};
  const muzero_rc_abi1_result result = {0};
  muzero_rc_abi1_decision decision;
  muzero_rc_abi1_stats_record stats[3] = {0};
  muzero_rc_vpx_stats all = {.records = stats, .num_frames = 3};
  void *model = NULL, *second = NULL;
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  for (int unknown = 2; unknown < 6; ++unknown)
    CHECK_EQ(muzero_rc_plugin_funcs(plugin, unknown, (void *)&funcs), -ENOTSUP);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, 13, (void *)&funcs), -ENOTSUP);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, 1, (void *)&funcs), 0);
  CHECK_EQ(funcs.create_model(funcs.priv, &config, &model), MUZERO_RC_VPX_OK);
  CHECK_EQ(funcs.get_encodeframe_decision(model, &info, &decision), MUZERO_RC_VPX_ERROR);
  CHECK_EQ(funcs.update_encodeframe_result(model, &result), MUZERO_RC_VPX_ERROR);
  CHECK_EQ(funcs.send_firstpass_stats(model, &all), MUZERO_RC_VPX_ERROR); /* another count */
  CHECK_EQ(muzero_rc_plugin_report(plugin).error, -EPROTO);
  CHECK_EQ(funcs.create_model(funcs.priv, &config, &second), MUZERO_RC_VPX_ERROR); /* still busy */
  CHECK_EQ(funcs.delete_model(model), MUZERO_RC_VPX_OK);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
}

static void test_one_plugin_serves_encoders_in_turn(void) {
  muzero_rc_policy *policy = open_network();
  muzero_rc_plugin *plugin = NULL;
  muzero_rc_abi1_funcs funcs;
  int lowest = 255, highest = 0;
  CHECK(policy);
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, 1, (void *)&funcs), 0);
  const uint32_t first = call_all(&funcs, FRAMES + 5, &lowest, &highest);
  CHECK(first);
  CHECK_EQ(call_all(&funcs, FRAMES + 5, &lowest, &highest), first);
  CHECK_EQ(muzero_rc_plugin_report(plugin).decisions, FRAMES + 5);
  CHECK(lowest >= 1 && highest <= 255);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
}

static void test_speed_is_measured(void) {
  muzero_rc_policy *policy = open_network();
  muzero_rc_speed speed = {0};
  CHECK_EQ(muzero_rc_policy_speed(policy, 0, &speed), -EINVAL);
  CHECK_EQ(muzero_rc_policy_speed(policy, 64, &speed), 0);
  CHECK(speed.open_us > 0.0 && speed.median_us > 0.0 && speed.p99_us >= speed.median_us);
  muzero_rc_policy_close(&policy);
}

typedef struct job {
  const muzero_rc_policy *policy;
  uint32_t hash;
  encoded encode;
  int64_t decisions;
} job;

static int attach(vpx_codec_ctx_t *codec, void *context) {
  vpx_rc_funcs_t funcs;
  return muzero_rc_plugin_funcs(context, VPX_EXT_RATECTRL_ABI_VERSION, &funcs) ||
         vpx_codec_control(codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &funcs);
}

static void *run_job(void *argument) {
  job *const j = argument;
  muzero_rc_plugin *plugin = NULL;
  muzero_rc_abi1_funcs funcs;
  int lowest = 255, highest = 0;
  if (muzero_rc_plugin_open(j->policy, &plugin)) return NULL;
  muzero_rc_plugin_funcs(plugin, 1, (void *)&funcs);
  j->hash = call_all(&funcs, FRAMES, &lowest, &highest);
  j->encode = encode_clip(attach, plugin);
  j->decisions = muzero_rc_plugin_report(plugin).decisions;
  muzero_rc_plugin_close(&plugin);
  return NULL;
}

static void test_threads_share_a_policy(void) {
  muzero_rc_policy *policy = open_network();
  job jobs[THREADS] = {0};
  pthread_t threads[THREADS];
  CHECK(policy);
  for (int i = 0; i < THREADS; ++i) {
    jobs[i].policy = policy;
    CHECK_EQ(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
  }
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; ++i) {
    CHECK(jobs[i].hash && jobs[i].hash == jobs[0].hash);
    CHECK(jobs[i].encode.hash && jobs[i].encode.hash == jobs[0].encode.hash);
    CHECK_EQ(jobs[i].encode.packets, ENCODE_FRAMES);
    CHECK(jobs[i].decisions >= ENCODE_FRAMES);
  }
  muzero_rc_policy_close(&policy);
}

int main(void) {
  test_limits_bind();
  test_outer_scale();
  test_misuse_is_an_error();
  test_one_plugin_serves_encoders_in_turn();
  test_speed_is_measured();
  test_threads_share_a_policy();
  return check_result();
}
