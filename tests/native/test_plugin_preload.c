/* The preload library before the real libvpx, in eight threads of one program:
 * the link order puts it where LD_PRELOAD would. */
#include <muzero_rc/plugin.h>

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "plugin_encode.h"

enum { THREADS = 8 };

/* libvpx's own VP8E_SET_ENABLEAUTOALTREF where nobody sets it. */
enum { AUTO_ALT_REF = 1 };

/* With all that libvpx 1.15 and newer do not tell by themselves, as the preload library finds it out. */
static int attach(vpx_codec_ctx_t *codec, void *context) {
  vpx_rc_funcs_t funcs;
  muzero_rc_plugin_gops(context, codec->config.enc, AUTO_ALT_REF);
  return muzero_rc_plugin_funcs(context, VPX_EXT_RATECTRL_ABI_VERSION, &funcs) ||
         vpx_codec_control(codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &funcs);
}

static void hand_over(const vpx_codec_cx_pkt_t *packet, void *context) {
  muzero_rc_plugin_packet(context, packet);
}

static int quality_mode(vpx_codec_ctx_t *codec, void *context) {
  vpx_codec_enc_cfg_t cfg = *codec->config.enc;
  (void)context;
  cfg.rc_end_usage = VPX_Q;
  return (int)vpx_codec_enc_config_set(codec, &cfg);
}

static void *run_job(void *out) {
  *(encoded *)out = encode_clip(NULL, NULL);
  return NULL;
}

/* What our callbacks give when the program registers them itself. */
static encoded registered(void) {
  muzero_rc_policy *policy = NULL;
  muzero_rc_plugin *plugin = NULL;
  encoded out = {0};
  if (!muzero_rc_policy_open("controller", &policy, NULL, 0) &&
      !muzero_rc_plugin_open(policy, &plugin))
    out = encode_clip_watched(attach, hand_over, plugin);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_policy_close(&policy);
  return out;
}

static void test_threads_get_the_same_decisions(void) {
  encoded out[THREADS] = {{0}};
  pthread_t threads[THREADS];
  const encoded expected = registered();
  CHECK(expected.hash);
  for (int i = 0; i < THREADS; ++i)
    CHECK_EQ(pthread_create(&threads[i], NULL, run_job, &out[i]), 0);
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; ++i) {
    CHECK_EQ(out[i].packets, ENCODE_FRAMES);
    CHECK(out[i].hash == expected.hash);
  }
}

static void test_later_settings_count(void) {
  const encoded ours = encode_clip(NULL, NULL), theirs = encode_clip(quality_mode, NULL);
  CHECK(ours.hash && theirs.hash && ours.hash != theirs.hash);
}

static void test_wrong_use_passes_through(void) {
  vpx_codec_ctx_t codec = {0};
  vpx_codec_enc_cfg_t cfg = {0};
  CHECK_EQ(vpx_codec_encode(NULL, NULL, 0, 1, 0, 0), VPX_CODEC_INVALID_PARAM);
  CHECK_EQ(vpx_codec_encode(&codec, NULL, 0, 1, 0, 0), VPX_CODEC_ERROR);
  CHECK_EQ(vpx_codec_enc_init_ver(&codec, NULL, &cfg, 0, VPX_ENCODER_ABI_VERSION),
           VPX_CODEC_INVALID_PARAM);
  CHECK_EQ(vpx_codec_enc_init_ver(&codec, vpx_codec_vp9_cx(), &cfg, 0, 1000),
           VPX_CODEC_ABI_MISMATCH);
  CHECK_EQ(vpx_codec_enc_init(&codec, vpx_codec_vp9_cx(), &cfg, 0), VPX_CODEC_INVALID_PARAM);
  CHECK_EQ(vpx_codec_control_(NULL, 1, 0), VPX_CODEC_INVALID_PARAM);
  CHECK_EQ(vpx_codec_destroy(NULL), VPX_CODEC_INVALID_PARAM);
}

/* Bytes that the program holds must be the same after many encodes. */
static void test_encodes_leave_nothing(int count) {
  encode_clip(NULL, NULL); /* what is kept for good is there afterwards */
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < count; ++i) CHECK(encode_clip(NULL, NULL).hash);
  const size_t after = mallinfo2().uordblks;
  printf("%d encodes: %zu bytes held before, %zu after\n", count, before, after);
  CHECK_EQ(after, before);
}

/* With a number: so many encodes one after another. */
int main(int argc, char **argv) {
  /* Threads' caches of freed memory would count as held. */
  if (!setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 0) &&
      !setenv("MUZERO_RC_POLICY", "controller", 1) && !getenv("MUZERO_RC_TEST_AGAIN")) {
    setenv("MUZERO_RC_TEST_AGAIN", "1", 1);
    execv("/proc/self/exe", argv);
  }
  test_threads_get_the_same_decisions();
  test_later_settings_count();
  test_wrong_use_passes_through();
  test_encodes_leave_nothing(argc > 1 ? atoi(argv[1]) : 8);
  return check_result();
}
