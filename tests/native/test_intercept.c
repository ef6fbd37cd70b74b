/* Which encodes the preload takes over and which it leaves alone, setting by
 * setting, before a libvpx that only takes notes. */
#include "plugin/intercept.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "vpx/abi/abi_1.h"

/* ---- A libvpx that takes notes ------------------------------------------ */

static struct {
  vpx_codec_err_t control_status;
  int registrations;
  muzero_rc_abi1_funcs funcs;
} noted;

enum { ENCODER_ABI = 25, CONTROL = 70 }; /* of libvpx 1.12 */

static vpx_codec_err_t fake_control(vpx_codec_ctx_t *codec, int id, ...) {
  va_list arguments;
  (void)codec;
  if (id != CONTROL) return VPX_CODEC_ERROR;
  va_start(arguments, id);
  noted.funcs = *va_arg(arguments, muzero_rc_abi1_funcs *);
  va_end(arguments);
  noted.registrations += 1;
  return noted.control_status;
}

static const char *fake_version(void) { return "v1.99.0"; }

static const muzero_rc_libvpx libvpx = {
    .version_str = fake_version, .control = fake_control, .encoder_abi = 49};

static const muzero_rc_release *release_of(const char *version, int encoder_abi) {
  char error[256];
  return muzero_rc_release_of(version, encoder_abi, error, sizeof(error));
}

/* The next calloc of ours fails. */
static bool no_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size) {
  const bool fails = no_memory;
  no_memory = false;
  return fails ? NULL : __real_calloc(count, size);
}

/* ---- An encoder, and what is said of it --------------------------------- */

typedef struct outcome {
  char said[2048]; /* on stderr */
} outcome;

/* An encoder that is ours as it is. */
static muzero_rc_encoder *usual(void) {
  muzero_rc_encoder *const encoder = calloc(1, sizeof(*encoder));
  if (!encoder) abort();
  encoder->abi = ENCODER_ABI;
  encoder->release = release_of("v1.12.0", ENCODER_ABI);
  encoder->vp9 = true;
  encoder->cfg = (vpx_codec_enc_cfg_t){.g_w = 64,
                                       .g_h = 48,
                                       .g_bit_depth = VPX_BITS_8,
                                       .g_input_bit_depth = 8,
                                       .g_pass = VPX_RC_LAST_PASS,
                                       .rc_end_usage = VPX_VBR,
                                       .rc_target_bitrate = 100,
                                       .rc_max_quantizer = 63,
                                       .ss_number_layers = 1,
                                       .ts_number_layers = 1};
  memset(&noted, 0, sizeof(noted));
  return encoder;
}

/* Its first encode call, and what that says on stderr. */
static outcome start(muzero_rc_encoder *encoder, unsigned long deadline) {
  outcome out = {{0}};
  vpx_codec_ctx_t codec = {0};
  FILE *const file = tmpfile();
  const int before = dup(STDERR_FILENO);
  if (!file || before < 0 || dup2(fileno(file), STDERR_FILENO) < 0) abort();
  muzero_rc_encoder_start(encoder, &codec, &libvpx, deadline);
  if (dup2(before, STDERR_FILENO) < 0 || lseek(fileno(file), 0, SEEK_SET)) abort();
  if (read(fileno(file), out.said, sizeof(out.said) - 1) < 0) abort();
  close(before);
  fclose(file);
  return out;
}

static bool is_one_line(const char *text) {
  const char *const end = strchr(text, '\n');
  return end && !end[1];
}

/* ---- What is left alone -------------------------------------------------- */

static void first_pass(muzero_rc_encoder *e) { e->cfg.g_pass = VPX_RC_FIRST_PASS; }
static void one_pass(muzero_rc_encoder *e) { e->cfg.g_pass = VPX_RC_ONE_PASS; }
static void vp8(muzero_rc_encoder *e) { e->vp9 = false; }
static void quality(muzero_rc_encoder *e) { e->cfg.rc_end_usage = VPX_Q; }
static void constrained(muzero_rc_encoder *e) { e->cfg.rc_end_usage = VPX_CQ; }
static void constant_rate(muzero_rc_encoder *e) { e->cfg.rc_end_usage = VPX_CBR; }
static void profile_1(muzero_rc_encoder *e) { e->cfg.g_profile = 1; }
static void profile_3(muzero_rc_encoder *e) {
  e->cfg.g_profile = 3;
  e->cfg.g_bit_depth = VPX_BITS_10;
}
static void spatial_layers(muzero_rc_encoder *e) { e->cfg.ss_number_layers = 2; }
static void temporal_layers(muzero_rc_encoder *e) { e->cfg.ts_number_layers = 2; }
static void nothing(muzero_rc_encoder *e) { (void)e; }
static void svc(muzero_rc_encoder *e) {
  muzero_rc_encoder_control(e, VP9E_SET_SVC, (const void *)(intptr_t)1);
}
static void lossless(muzero_rc_encoder *e) {
  muzero_rc_encoder_control(e, VP9E_SET_LOSSLESS, (const void *)(intptr_t)1);
}
static void all_at_qindex_0(muzero_rc_encoder *e) { e->cfg.rc_max_quantizer = 0; }
static void its_own(muzero_rc_encoder *e) {
  muzero_rc_encoder_control(e, CONTROL, &noted.funcs);
}

static void test_what_is_left_alone(void) {
  const struct {
    void (*change)(muzero_rc_encoder *);
    const char *said;
    unsigned long deadline;
  } cases[] = {
      {vp8, "not VP9", VPX_DL_GOOD_QUALITY},
      {one_pass, "one-pass", VPX_DL_GOOD_QUALITY},
      {quality, "constrained quality", VPX_DL_GOOD_QUALITY},
      {constrained, "constrained quality", VPX_DL_GOOD_QUALITY},
      {constant_rate, "constant bitrate", VPX_DL_GOOD_QUALITY},
      {profile_1, "not 4:2:0", VPX_DL_GOOD_QUALITY},
      {profile_3, "not 4:2:0", VPX_DL_GOOD_QUALITY},
      {spatial_layers, "layered", VPX_DL_GOOD_QUALITY},
      {temporal_layers, "layered", VPX_DL_GOOD_QUALITY},
      {svc, "layered", VPX_DL_GOOD_QUALITY},
      {lossless, "lossless", VPX_DL_GOOD_QUALITY},
      {all_at_qindex_0, "lossless", VPX_DL_GOOD_QUALITY},
      {its_own, "its own external rate control", VPX_DL_GOOD_QUALITY},
      {nothing, "realtime deadline", VPX_DL_REALTIME},
  };
  for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); ++i) {
    const size_t which = i / 2;
    muzero_rc_encoder *const encoder = usual();
    cases[which].change(encoder);
    setenv("MUZERO_RC_STRICT", i % 2 ? "1" : "0", 1); /* strict or not: none of ours */
    const outcome out = start(encoder, cases[which].deadline);
    unsetenv("MUZERO_RC_STRICT");
    const bool alone = !encoder->plugin && !encoder->refused && encoder->started;
    muzero_rc_encoder_finish(encoder);
    if (!strstr(out.said, cases[which].said)) fputs(out.said, stderr);
    CHECK(alone && noted.registrations == 0);
    CHECK(strstr(out.said, "muzero-rc: left alone: ") == out.said && is_one_line(out.said));
    CHECK(strstr(out.said, cases[which].said));
  }
}

/* This libvpx has no VP9 encoder for them; test_plugin_preload has a real one. */
static void test_a_first_pass_goes_on_without_probe_encodes(void) {
  muzero_rc_encoder *const encoder = usual();
  first_pass(encoder);
  const outcome out = start(encoder, VPX_DL_GOOD_QUALITY);
  const bool alone = !encoder->plugin && !encoder->refused && !encoder->notes;
  muzero_rc_encoder_finish(encoder);
  CHECK(alone && noted.registrations == 0);
  CHECK(strstr(out.said, "muzero-rc: first pass, alone") == out.said && is_one_line(out.said));
}

/* ---- What should have been ours, and cannot be --------------------------- */

static void older_program(muzero_rc_encoder *e) { e->abi = 23; }
static void newer_program(muzero_rc_encoder *e) { e->abi += 1; }
static void unknown_libvpx(muzero_rc_encoder *e) { e->release = NULL; }
static void no_external_control(muzero_rc_encoder *e) {
  (void)e;
  noted.control_status = VPX_CODEC_UNSUP_FEATURE;
}

static void out_of_memory(muzero_rc_encoder *e) {
  (void)e;
  no_memory = true;
}

static void test_what_cannot_be_ours(void) {
  const struct {
    void (*change)(muzero_rc_encoder *);
    const char *said;
  } cases[] = {
      {older_program, "built for encoder ABI 23, its libvpx has 25"},
      {newer_program, "built for encoder ABI 26, its libvpx has 25"},
      {unknown_libvpx, "libvpx 1.99.0 with encoder ABI 49"},
      {no_external_control, "does not take external rate control"},
      {out_of_memory, "out of memory"},
  };
  muzero_rc_encoder *const first = usual(); /* the policy is opened once, for all */
  (void)start(first, VPX_DL_GOOD_QUALITY);
  muzero_rc_encoder_finish(first);
  for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); ++i) {
    const size_t which = i / 2;
    const bool strict = i % 2;
    muzero_rc_encoder *const encoder = usual();
    cases[which].change(encoder);
    if (strict) setenv("MUZERO_RC_STRICT", "1", 1);
    const outcome out = start(encoder, VPX_DL_GOOD_QUALITY);
    unsetenv("MUZERO_RC_STRICT");
    const bool plugin = encoder->plugin != NULL, refused = encoder->refused;
    muzero_rc_encoder_finish(encoder);
    CHECK(!plugin);
    CHECK_EQ(refused, strict);
    CHECK(is_one_line(out.said) && strstr(out.said, cases[which].said));
    CHECK(strstr(out.said, strict ? "encode refused" : "libvpx's own rate control runs"));
  }
}

static void test_an_older_abi_that_libvpx_takes_as_well_is_fine(void) {
  muzero_rc_encoder *const encoder = usual();
  encoder->abi -= 1;
  const outcome out = start(encoder, VPX_DL_BEST_QUALITY);
  const bool ours = encoder->plugin != NULL;
  muzero_rc_encoder_finish(encoder);
  CHECK(ours && noted.registrations == 1);
  CHECK(!strcmp(out.said, "muzero-rc: policy controller decides: 64x48 at 100 kbps\n"));
}

/* ---- What is taken over --------------------------------------------------- */

/* Decides the frames first..last of a clip of ten; checks that all lie within. */
static bool within(void *model, int first, int last, int lowest, int highest) {
  for (int i = first; i <= last; ++i) {
    const muzero_rc_abi1_frame_info info = {
        .frame_type = i ? 1 : 0, .show_index = i, .coding_index = i, .gop_index = i};
    muzero_rc_abi1_decision decision = {.q_index = -1};
    if (noted.funcs.get_encodeframe_decision(model, &info, &decision)) return false;
    if (decision.q_index < lowest || decision.q_index > highest) return false;
    const muzero_rc_abi1_result result = {.sse = 9000,
                                                .bit_count = 4000,
                                                .pixel_count = 4608,
                                                .qindex = decision.q_index};
    if (noted.funcs.update_encodeframe_result(model, &result)) return false;
  }
  return true;
}

static void test_the_users_quantizers_hold_also_when_they_change(void) {
  enum { FRAMES = 10 };
  muzero_rc_encoder *const encoder = usual();
  muzero_rc_abi1_stats_record stats[FRAMES] = {0};
  const muzero_rc_vpx_stats all = {.records = stats, .num_frames = FRAMES};
  const muzero_rc_abi1_config config = {.width = 64,
                                  .height = 48,
                                  .show_frame_count = FRAMES,
                                  .target_kbps = 100,
                                  .frame_rate_num = 25,
                                  .frame_rate_den = 1};
  void *model = NULL;
  encoder->cfg.rc_min_quantizer = 10;
  encoder->cfg.rc_max_quantizer = 11;
  (void)start(encoder, VPX_DL_GOOD_QUALITY);
  CHECK_EQ(noted.registrations, 1);
  CHECK_EQ(noted.funcs.create_model(noted.funcs.priv, &config, &model), MUZERO_RC_VPX_OK);
  CHECK_EQ(noted.funcs.send_firstpass_stats(model, &all), MUZERO_RC_VPX_OK);
  CHECK(within(model, 0, 4, 40, 44));
  vpx_codec_enc_cfg_t changed = encoder->cfg;
  changed.rc_min_quantizer = 62;
  changed.rc_max_quantizer = 63;
  muzero_rc_encoder_configure(encoder, &changed);
  CHECK(within(model, 5, FRAMES - 1, 249, 255));
  CHECK_EQ(noted.funcs.delete_model(model), MUZERO_RC_VPX_OK);
  muzero_rc_encoder_finish(encoder);
}

static void switch_off(muzero_rc_encoder *e) {
  lossless(e);
  svc(e);
  muzero_rc_encoder_control(e, VP9E_SET_LOSSLESS, (const void *)(intptr_t)0);
  muzero_rc_encoder_control(e, VP9E_SET_SVC, (const void *)(intptr_t)0);
}

static void test_the_last_setting_counts(void) {
  muzero_rc_encoder *const encoder = usual();
  switch_off(encoder);
  (void)start(encoder, VPX_DL_GOOD_QUALITY);
  const bool ours = encoder->plugin != NULL;
  muzero_rc_encoder_finish(encoder);
  CHECK(ours);
}

static void test_libvpx_as_the_policy(void) {
  muzero_rc_encoder *const encoder = usual();
  setenv("MUZERO_RC_POLICY", "libvpx", 1);
  const outcome out = start(encoder, VPX_DL_GOOD_QUALITY);
  unsetenv("MUZERO_RC_POLICY");
  const bool ours = encoder->plugin != NULL;
  muzero_rc_encoder_finish(encoder);
  CHECK(!ours && noted.registrations == 0);
  CHECK(!strcmp(out.said, "muzero-rc: left alone: the policy is libvpx\n"));
}

static void test_levers_of_its_own_are_noted(void) {
  static const struct { int id; int32_t kept; } CONTROLS[] = {
      {VP9E_SET_MIN_GF_INTERVAL, MUZERO_RC_KEEP_LENGTH}, {VP9E_SET_MAX_GF_INTERVAL, MUZERO_RC_KEEP_LENGTH},
      {VP8E_SET_ENABLEAUTOALTREF, MUZERO_RC_KEEP_LAYERS}, {VP8E_SET_ARNR_STRENGTH, MUZERO_RC_KEEP_FILTER},
      {VP8E_SET_ARNR_MAXFRAMES, MUZERO_RC_KEEP_FILTER}, {VP8E_SET_CPUUSED, 0}};
  for (size_t i = 0; i < sizeof(CONTROLS) / sizeof(*CONTROLS); ++i) {
    muzero_rc_encoder *const encoder = usual();
    muzero_rc_encoder_control(encoder, CONTROLS[i].id, (const void *)(intptr_t)1);
    const int32_t kept = encoder->kept;
    muzero_rc_encoder_finish(encoder);
    CHECK_EQ(kept, CONTROLS[i].kept);
  }
}

int main(void) {
  unsetenv("MUZERO_RC_POLICY");
  unsetenv("MUZERO_RC_STRICT");
  test_what_is_left_alone();
  test_a_first_pass_goes_on_without_probe_encodes();
  test_what_cannot_be_ours();
  test_an_older_abi_that_libvpx_takes_as_well_is_fine();
  test_the_users_quantizers_hold_also_when_they_change();
  test_the_last_setting_counts();
  test_libvpx_as_the_policy();
  test_levers_of_its_own_are_noted();
  return check_result();
}
