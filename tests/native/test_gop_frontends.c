/* One policy that decides shapes: the same packets from the pool, from the C library and from what
 * the preload does, and a program's own settings are left alone. */
#include <muzero_rc/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/pool.h"
#include "check.h"
#include "common/clock.h"
#include "plugin/intercept.h"
#include "policy/model.h"
#include "system_libvpx.h"
#include "vpx/image.h"

enum { WIDTH = 64, HEIGHT = 48, FRAMES = 60, FRAME_BYTES = WIDTH * HEIGHT * 3 / 2 };

static uint8_t frames[FRAMES * FRAME_BYTES];

static void draw(void) {
  for (int t = 0; t < FRAMES; ++t)
    for (int i = 0; i < FRAME_BYTES; ++i) {
      const int x = i % WIDTH, y = i / WIDTH;
      const int luma = ((x + t) / 5 * 53 ^ (y + t / 2) / 6 * 91) % 180 + i % 7;
      frames[t * FRAME_BYTES + i] = (uint8_t)(i < WIDTH * HEIGHT ? luma : 128);
    }
}

/* Lengths, layers and filters that change from GOP to GOP, and read the clip. */
static int shaper(void *self, const muzero_rc_clip_state *state,
                  const muzero_rc_shape_question *question, muzero_rc_gop_shape *shape) {
  const int32_t scene = muzero_rc_clip_state_scene_left(state, question->show_index);
  ++*(int *)self;
  *shape = (muzero_rc_gop_shape){.length = scene < 8 ? 0 : 7 + 2 * (question->gop_index % 3),
                                 .layers = 1 + question->gop_index % 4,
                                 .strength = question->gop_index % 5,
                                 .frames = 7};
  return 0;
}

static int own_shape(void *self, const muzero_rc_clip_state *state,
                     const muzero_rc_shape_question *question, muzero_rc_gop_shape *shape) {
  (void)state, (void)question;
  *shape = *(const muzero_rc_gop_shape *)self;
  return 0;
}

static int questions;
static bool decides; /* whether policies that are opened from now on have shapes */

int __real_muzero_rc_policy_open(const char *name, muzero_rc_policy **policy, char *error,
                                 size_t size);
int __wrap_muzero_rc_policy_open(const char *name, muzero_rc_policy **policy, char *error,
                                 size_t size);

int __wrap_muzero_rc_policy_open(const char *name, muzero_rc_policy **policy, char *error,
                                 size_t size) {
  const int failed = __real_muzero_rc_policy_open(name, policy, error, size);
  if (!failed && decides) muzero_rc_policy_set_shaper(*policy, shaper, &questions);
  return failed;
}

static uint64_t hash_of(uint64_t hash, const void *data, size_t size) {
  for (size_t i = 0; i < size; ++i)
    hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
  return hash;
}

static const muzero_rc_settings *settings(void) {
  static muzero_rc_settings made;
  made = muzero_rc_settings_default();
  made.width = WIDTH;
  made.height = HEIGHT;
  made.target_kbps = 60;
  made.cpu_used = 5;
  made.auto_alt_ref = 1; /* libvpx's default: another would be the program's own */
  made.quick = 0;
  return &made;
}

static muzero_rc_session *run(muzero_rc_pool *pool, const muzero_rc_session_options *options) {
  muzero_rc_source *source = NULL;
  char error[MUZERO_RC_ERROR_SIZE];
  muzero_rc_source_open_memory(frames, sizeof(frames), FRAME_BYTES, &source);
  muzero_rc_pool_start(pool, 0, options, &source, error, sizeof(error));
  muzero_rc_source_close(&source);
  muzero_rc_mailbox_join(muzero_rc_pool_mailbox(pool), 0, muzero_rc_now_ns() + (1LL << 40));
  return muzero_rc_pool_session(pool, 0);
}

/* Both passes in the pool: fills *stats, which is the caller's to free. */
static uint64_t by_pool(const muzero_rc_policy *policy, vpx_fixed_buf_t *stats) {
  muzero_rc_pool *pool = NULL;
  muzero_rc_session_options options = {
      .libvpx = system_libvpx(), .settings = *settings(), .mode = MUZERO_RC_MODE_LIBVPX};
  if (muzero_rc_pool_open(1, &pool)) return 0;
  const muzero_rc_array *const blob = muzero_rc_session_stats(run(pool, &options));
  stats->buf = malloc(blob->count);
  stats->sz = blob->count;
  memcpy(stats->buf, blob->data, blob->count);
  options.stats = stats->buf;
  options.stats_size = stats->sz;
  options.mode = MUZERO_RC_MODE_POLICY;
  options.policy = policy;
  options.guard = true;
  options.keep_packets = true;
  muzero_rc_array packets = muzero_rc_session_take_packets(run(pool, &options));
  uint64_t hash = 1;
  for (size_t i = 0; i < packets.count; ++i) {
    const muzero_rc_packet *const packet = (const muzero_rc_packet *)packets.data + i;
    hash = hash_of(hash, packet->data, packet->size);
  }
  muzero_rc_packets_close(&packets);
  muzero_rc_pool_close(&pool);
  return hash;
}

/* What a program does between opening its encoder and the end. */
typedef struct program {
  const muzero_rc_policy *policy; /* of the C library; NULL: what the preload does */
  int32_t keep;
  bool calls; /* muzero_rc_plugin_before_encode */
  int key;    /* a frame that it forces to be a key frame, 0: none */
} program;

static int before(const program *p, muzero_rc_plugin *plugin, muzero_rc_encoder *encoder,
                  vpx_codec_ctx_t *codec, const vpx_image_t *image) {
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  const muzero_rc_functions functions = {.control = (muzero_rc_function)libvpx->control};
  const muzero_rc_encoder_setup setup = {&functions, codec->config.enc, -1, -1, -1, p->keep};
  if (p->policy) return p->calls ? muzero_rc_plugin_before_encode(plugin, &setup, codec, image) : 0;
  if (!encoder->started) muzero_rc_encoder_start(encoder, codec, libvpx, VPX_DL_GOOD_QUALITY);
  muzero_rc_encoder_shape(encoder, codec, libvpx, image);
  return encoder->shape_failed;
}

static uint64_t by_program(const program *p, vpx_fixed_buf_t stats) {
  muzero_rc_encoder *const encoder = calloc(1, sizeof(*encoder));
  muzero_rc_plugin *plugin = NULL;
  vpx_codec_ctx_t codec;
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  muzero_rc_vpx_funcs funcs;
  char error[MUZERO_RC_ERROR_SIZE];
  uint64_t hash = 1;
  int failed = !encoder || muzero_rc_encoder_open(libvpx, settings(), stats, &codec, error, sizeof(error));
  if (failed) return 0;
  encoder->abi = libvpx->release->encoder_abi;
  encoder->release = libvpx->release;
  encoder->auto_alt_ref = settings()->auto_alt_ref;
  encoder->vp9 = true;
  encoder->kept = p->keep;
  muzero_rc_encoder_configure(encoder, codec.config.enc);
  if (p->policy)
    failed = muzero_rc_plugin_open(p->policy, &plugin) ||
             muzero_rc_plugin_funcs(plugin, libvpx->release->ext_abi, (struct vpx_rc_funcs *)&funcs) ||
             libvpx->control(&codec, libvpx->release->control_id, &funcs);
  if (plugin) muzero_rc_plugin_gops(plugin, codec.config.enc, settings()->auto_alt_ref);
  /* libvpx flushes as much as its buffer holds, so until nothing comes. */
  for (int t = 0, got = 1; !failed && (t < FRAMES || got > 0); ++t) {
    const vpx_image_t image = muzero_rc_image_of(WIDTH, HEIGHT, 8, frames + (t % FRAMES) * FRAME_BYTES);
    const vpx_image_t *const next = t < FRAMES ? &image : NULL;
    failed = before(p, plugin, encoder, &codec, next) ||
             libvpx->encode(&codec, next, t, 1, p->key && t == p->key ? VPX_EFLAG_FORCE_KF : 0,
                            VPX_DL_GOOD_QUALITY);
    vpx_codec_iter_t iterator = NULL;
    const vpx_codec_cx_pkt_t *packet;
    for (got = 0; (packet = libvpx->get_cx_data(&codec, &iterator)) != NULL; ++got) {
      if (plugin) muzero_rc_plugin_packet(plugin, packet);
      if (!plugin) muzero_rc_encoder_packet(encoder, packet);
      if (packet->kind == VPX_CODEC_CX_FRAME_PKT)
        hash = hash_of(hash, packet->data.frame.buf, packet->data.frame.sz);
    }
  }
  libvpx->destroy(&codec);
  muzero_rc_plugin_close(&plugin);
  muzero_rc_encoder_finish(encoder);
  return failed ? 0 : hash;
}

/* Nobody knows of a key frame that the program forces until it comes: it cuts the GOP under way. */
static void test_a_forced_key_frame(vpx_fixed_buf_t stats, const muzero_rc_policy *policy,
                                    const muzero_rc_policy *plain) {
  static muzero_rc_gop_shape nothing;
  muzero_rc_policy *own = NULL;
  nothing = MUZERO_RC_OWN_SHAPE;
  CHECK_EQ(muzero_rc_policy_open("controller", &own, NULL, 0), 0);
  muzero_rc_policy_set_shaper(own, own_shape, &nothing);
  for (int key = 9; key < FRAMES; key += 10) {
    const program shaped = {policy, 0, true, key}, silent = {plain, 0, true, key},
                  sends_own = {own, 0, true, key};
    const uint64_t untouched = by_program(&silent, stats);
    CHECK(untouched && by_program(&sends_own, stats) == untouched);
    CHECK(by_program(&shaped, stats));
  }
  muzero_rc_policy_close(&own);
}

/* What the preload says of an encoder whose program has set some levers itself. */
static void test_what_stays_is_said(vpx_fixed_buf_t stats) {
  static const struct { int32_t keep; const char *said; } CASES[] = {
      {0, "decides: 64x48 at 60 kbps, GOPs too; nothing was noted"},
      {MUZERO_RC_KEEP_LAYERS, "60 kbps, GOPs too; the program keeps its own auto-alt-ref; nothing was noted"},
      {7, "60 kbps, GOPs too; the program keeps its own GF intervals, auto-alt-ref, arnr settings; nothing was noted"}};
  for (int i = 0; i < 3; ++i) {
    char said[2048] = "";
    FILE *const file = tmpfile();
    const int before_test = dup(STDERR_FILENO);
    const program preload = {NULL, CASES[i].keep, true, 0};
    CHECK(file && before_test >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    const uint64_t hash = by_program(&preload, stats);
    CHECK(dup2(before_test, STDERR_FILENO) >= 0 && !lseek(fileno(file), 0, SEEK_SET));
    CHECK(read(fileno(file), said, sizeof(said) - 1) > 0);
    close(before_test);
    fclose(file);
    CHECK(hash && strstr(said, CASES[i].said));
  }
}

static void test_everywhere_the_same_packets(void) {
  vpx_fixed_buf_t stats = {NULL, 0}, again = {NULL, 0};
  muzero_rc_policy *policy = NULL, *plain = NULL;
  decides = false;
  CHECK_EQ(muzero_rc_policy_open("controller", &plain, NULL, 0), 0);
  decides = true; /* and so when the preload opens its policy */
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  const uint64_t own = by_pool(plain, &stats);
  const uint64_t shaped = by_pool(policy, &again);
  const int asked = questions;
  CHECK(asked >= 4 && own != shaped);
  const program library = {policy, 0, true, 0}, preload = {NULL, 0, true, 0};
  CHECK(by_program(&library, stats) == shaped);
  CHECK_EQ(questions, 2 * asked);
  CHECK(by_program(&preload, stats) == shaped);
  test_what_stays_is_said(stats);
  /* Nobody who does not call gets shapes; every lever that is the program's own stays. */
  const program silent = {policy, 0, false, 0}, without = {plain, 0, true, 0},
                keeps = {policy, 7, true, 0};
  CHECK(by_program(&silent, stats) == own);
  CHECK(by_program(&without, stats) == own);
  CHECK(by_program(&keeps, stats) == own);
  const program keeps_length = {policy, MUZERO_RC_KEEP_LENGTH, true, 0};
  const uint64_t layers_only = by_program(&keeps_length, stats);
  CHECK(layers_only && layers_only != own && layers_only != shaped);
  test_a_forced_key_frame(stats, policy, plain);
  muzero_rc_policy_close(&policy);
  muzero_rc_policy_close(&plain);
  free(stats.buf);
  free(again.buf);
}

int main(void) {
  draw();
  setenv("MUZERO_RC_POLICY", "controller", 1);
  test_everywhere_the_same_packets();
  return check_result();
}
