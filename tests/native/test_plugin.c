/* The plugin's callbacks: alone against made-up calls, and under the real libvpx. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
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
static uint32_t call_all(const vpx_rc_funcs_t *funcs, int frames, int *lowest, int *highest) {
  const vpx_rc_config_t config = {.frame_width = 176,
                                  .frame_height = 144,
                                  .show_frame_count = FRAMES,
                                  .target_bitrate_kbps = 100,
                                  .frame_rate_num = 25,
                                  .frame_rate_den = 1};
  vpx_rc_frame_stats_t stats[FRAMES] = {0};
  const vpx_rc_firstpass_stats_t all = {.frame_stats = stats, .num_frames = FRAMES};
  vpx_rc_model_t model = NULL;
  uint32_t hash = 1;
  for (int i = 0; i < FRAMES; ++i) {
    stats[i].frame = i;
    stats[i].weight = stats[i].count = 1.0;
    stats[i].intra_error = 4000.0;
    stats[i].coded_error = 300.0 + 50.0 * (i % 7);
    stats[i].duration = 400000.0;
  }
  if (funcs->create_model(funcs->priv, &config, &model)) return 0;
  if (funcs->send_firstpass_stats(model, &all)) hash = 0;
  for (int i = 0; hash && i < frames; ++i) {
    const vpx_rc_encodeframe_info_t info = {
        .frame_type = i ? 1 : 0, .show_index = i, .coding_index = i, .gop_index = i % 16};
    vpx_rc_encodeframe_decision_t decision = {.q_index = -1, .max_frame_size = -1};
    if (funcs->get_encodeframe_decision(model, &info, &decision)) hash = 0;
    if (decision.max_frame_size != 0) hash = 0;
    if (decision.q_index < *lowest) *lowest = decision.q_index;
    if (decision.q_index > *highest) *highest = decision.q_index;
    hash = hash * 31u + (uint32_t)decision.q_index;
    const vpx_rc_encodeframe_result_t result = {.sse = 900000,
                                                .bit_count = 200000 / decision.q_index,
                                                .pixel_count = 38016,
                                                .actual_encoding_qindex = decision.q_index};
    if (funcs->update_encodeframe_result(model, &result)) hash = 0;
  }
  return funcs->delete_model(model) ? 0 : hash;
}

static void test_limits_bind(void) {
  muzero_rc_policy *policy = open_policy("controller");
  muzero_rc_plugin *plugin = NULL;
  vpx_rc_funcs_t funcs;
  int lowest = 255, highest = 0;
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs), 0);
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
  vpx_rc_funcs_t funcs;
  const vpx_rc_config_t config = {.frame_width = 8, .frame_height = 8, .show_frame_count = 2};
  const vpx_rc_encodeframe_info_t info = {0};
  const vpx_rc_encodeframe_result_t result = {0};
  vpx_rc_encodeframe_decision_t decision;
  vpx_rc_frame_stats_t stats[3] = {0};
  vpx_rc_firstpass_stats_t all = {.frame_stats = stats, .num_frames = 3};
  vpx_rc_model_t model = NULL, second = NULL;
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION + 1, &funcs), -ENOTSUP);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs), 0);
  CHECK_EQ(funcs.create_model(funcs.priv, &config, &model), VPX_RC_OK);
  CHECK_EQ(funcs.get_encodeframe_decision(model, &info, &decision), VPX_RC_ERROR);
  CHECK_EQ(funcs.update_encodeframe_result(model, &result), VPX_RC_ERROR);
  CHECK_EQ(funcs.send_firstpass_stats(model, &all), VPX_RC_ERROR); /* another count */
  CHECK_EQ(muzero_rc_plugin_report(plugin).error, -EPROTO);
  CHECK_EQ(funcs.create_model(funcs.priv, &config, &second), VPX_RC_ERROR); /* still busy */
  CHECK_EQ(funcs.delete_model(model), VPX_RC_OK);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
}

static void test_one_plugin_serves_encoders_in_turn(void) {
  muzero_rc_policy *policy = open_network();
  muzero_rc_plugin *plugin = NULL;
  vpx_rc_funcs_t funcs;
  int lowest = 255, highest = 0;
  CHECK(policy);
  CHECK_EQ(muzero_rc_plugin_open(policy, &plugin), 0);
  CHECK_EQ(muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs), 0);
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
  vpx_rc_funcs_t funcs;
  int lowest = 255, highest = 0;
  if (muzero_rc_plugin_open(j->policy, &plugin)) return NULL;
  muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs);
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
