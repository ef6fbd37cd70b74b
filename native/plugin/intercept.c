#include "plugin/intercept.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/second_pass.h"
#include "policy/model.h"

enum { LINE_SIZE = 1024 };

void muzero_rc_say(const char *format, ...) {
  char line[LINE_SIZE] = "muzero-rc: ";
  const size_t prefix = strlen(line), room = sizeof(line) - prefix - 1;
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line + prefix, room, format, arguments);
  va_end(arguments);
  size_t size = prefix + (length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1);
  line[size++] = '\n';
  /* In one piece, so that lines of several encoders do not mix. */
  const ssize_t written = write(STDERR_FILENO, line, size);
  (void)written;
}

static const char *policy_name(void) {
  const char *const name = getenv("MUZERO_RC_POLICY");
  return name && *name ? name : "controller";
}

static bool is_strict(void) {
  const char *const strict = getenv("MUZERO_RC_STRICT");
  return strict && *strict && strcmp(strict, "0") != 0;
}

/* The policy of the process: opened once, kept until the process ends, because
 * encoders may come at any time and from any thread. */
static struct {
  pthread_once_t once;
  muzero_rc_policy *policy;
  char error[LINE_SIZE / 2];
} shared = {.once = PTHREAD_ONCE_INIT};

static void open_shared_policy(void) {
  muzero_rc_policy_open(policy_name(), &shared.policy, shared.error, sizeof(shared.error));
}

/* Why this encode is none of ours; NULL when it is. */
static const char *not_ours(const muzero_rc_encoder *e, unsigned long deadline) {
  const vpx_codec_enc_cfg_t *const cfg = &e->cfg;
  if (cfg->g_pass != VPX_RC_FIRST_PASS && cfg->g_pass != VPX_RC_LAST_PASS)
    return "one-pass encode; policies need two passes (ffmpeg: -pass 1, then -pass 2)";
  if (e->own_rate_control) return "the program brings its own external rate control";
  if (cfg->rc_end_usage == VPX_Q || cfg->rc_end_usage == VPX_CQ)
    return "constant or constrained quality (-crf) is not VBR: ask for a bitrate alone";
  if (cfg->rc_end_usage != VPX_VBR) return "constant bitrate is not VBR";
  if (cfg->g_profile != 0 && cfg->g_profile != 2)
    return "not 4:2:0 (profile 0 of 8 bits, or 2 of 10 and 12)";
  if (e->layers || cfg->ss_number_layers > 1 || cfg->ts_number_layers > 1)
    return "layered (SVC) encode";
  if (e->lossless || cfg->rc_max_quantizer == 0) return "lossless encode";
  if (deadline == VPX_DL_REALTIME) return "realtime deadline; policies need -deadline good";
  return NULL;
}

static void refuse(muzero_rc_encoder *encoder, const char *reason) {
  encoder->refused = is_strict();
  muzero_rc_say("%s: %s", reason,
                encoder->refused ? "encode refused (MUZERO_RC_STRICT)"
                                 : "libvpx's own rate control runs");
}

/* Distributions let a libvpx take programs that were built for older ones: from 1.10's on the
 * configuration is the same. */
static bool is_known(const muzero_rc_release *release, int abi) {
  enum { OLDEST = 24 };
  return release && abi >= OLDEST && abi <= release->encoder_abi;
}

static int register_callbacks(muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                              const muzero_rc_libvpx *libvpx) {
  const muzero_rc_release *const release = encoder->release;
  muzero_rc_vpx_funcs funcs;
  const muzero_rc_peak peak = muzero_rc_second_pass_peak(&encoder->cfg);
  int error = muzero_rc_plugin_open(shared.policy, &encoder->plugin);
  if (error) return error;
  if (peak.max_kbps) (void)muzero_rc_plugin_peak(encoder->plugin, &peak); /* it is a valid one */
  muzero_rc_encoder_configure(encoder, &encoder->cfg);
  muzero_rc_plugin_gops(encoder->plugin, &encoder->cfg, encoder->auto_alt_ref);
  error = muzero_rc_plugin_funcs(encoder->plugin, release->ext_abi, (void *)&funcs);
  if (!error && libvpx->control(codec, release->control_id, &funcs)) error = -ENOTSUP;
  if (error) muzero_rc_plugin_close(&encoder->plugin);
  return error;
}

/* Without them the second pass knows less, and is none the worse for it. */
static void start_first_pass(muzero_rc_encoder *encoder, const muzero_rc_libvpx *libvpx) {
  const vpx_codec_enc_cfg_t *const cfg = &encoder->cfg;
  encoder->notes = muzero_rc_first_pass_notes_open(libvpx, cfg->g_w, cfg->g_h,
                                                   (int32_t)cfg->g_bit_depth);
  encoder->times = calloc(1, sizeof(*encoder->times));
  if (encoder->times) muzero_rc_stats_times_init(encoder->times, cfg);
  muzero_rc_say(encoder->notes ? "first pass, with probe encodes beside it"
                               : "first pass, alone: probe encodes cannot start");
}

/* Whether the policy shapes GOPs, and what of that the program has set itself. */
static void write_shapes(const muzero_rc_encoder *encoder, char *text, size_t size) {
  static const char *const NAMES[] = {"GF intervals", "auto-alt-ref", "arnr settings"};
  *text = 0;
  if (!muzero_rc_policy_has_shapes(shared.policy)) return;
  const char *joint = "; the program keeps its own ";
  size_t used = (size_t)snprintf(text, size, ", GOPs too");
  for (int i = 0; i < 3 && used < size; ++i) {
    if (!(encoder->kept >> i & 1)) continue;
    used += (size_t)snprintf(text + used, size - used, "%s%s", joint, NAMES[i]);
    joint = ", ";
  }
}

static void write_peak(const muzero_rc_encoder *encoder, char *text, size_t size) {
  const muzero_rc_peak peak = muzero_rc_second_pass_peak(&encoder->cfg);
  *text = 0;
  if (peak.max_kbps)
    snprintf(text, size, ", peaks up to %d kbps with a buffer of %d kbits", (int)peak.max_kbps,
             (int)peak.buffer_kbits);
}

static bool filter_spoils(const muzero_rc_encoder *encoder) {
  return muzero_rc_filter_spoils(encoder->release, (int)encoder->cfg.g_bit_depth);
}

/* What the program has set itself stays. */
static void stop_filter(const muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                        const muzero_rc_libvpx *libvpx) {
  if (!filter_spoils(encoder) || encoder->kept & MUZERO_RC_KEEP_FILTER) return;
  if (!libvpx->control(codec, VP8E_SET_ARNR_MAXFRAMES, 0))
    muzero_rc_say("libvpx %s's alt-ref filter, which spoils 12-bit pictures, is off",
                  encoder->release->version);
}

void muzero_rc_encoder_shape(muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                             const muzero_rc_libvpx *libvpx, const vpx_image_t *image) {
  if (!encoder->plugin || encoder->shape_failed) return;
  const muzero_rc_functions functions = {.control = (muzero_rc_function)libvpx->control};
  const muzero_rc_encoder_setup setup = {.libvpx = &functions,
                                         .cfg = &encoder->cfg,
                                         .auto_alt_ref = encoder->auto_alt_ref,
                                         .arnr_strength = -1,
                                         .arnr_max_frames = -1,
                                         .keep = encoder->kept | (filter_spoils(encoder)
                                                                      ? MUZERO_RC_KEEP_FILTER
                                                                      : 0)};
  const int error = muzero_rc_plugin_before_encode(encoder->plugin, &setup, codec, image);
  if (!error) return;
  encoder->shape_failed = true;
  muzero_rc_say("libvpx's own GOPs from here on: %s", strerror(-error));
}

void muzero_rc_encoder_start(muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                             const muzero_rc_libvpx *libvpx, unsigned long deadline) {
  char reason[LINE_SIZE];
  encoder->started = true;
  if (!encoder->vp9) {
    muzero_rc_say("left alone: not VP9");
    return;
  }
  if (strcmp(policy_name(), "libvpx") == 0) {
    muzero_rc_say("left alone: the policy is libvpx");
    return;
  }
  if (!encoder->release) {
    muzero_rc_release_of(libvpx->version_str(), libvpx->encoder_abi, reason, sizeof(reason));
    refuse(encoder, reason);
    return;
  }
  if (!is_known(encoder->release, encoder->abi)) {
    snprintf(reason, sizeof(reason), "the program was built for encoder ABI %d, its libvpx has %d",
             encoder->abi, encoder->release->encoder_abi);
    refuse(encoder, reason);
    return;
  }
  const char *const other = not_ours(encoder, deadline);
  if (other) {
    muzero_rc_say("left alone: %s", other);
    return;
  }
  if (encoder->cfg.g_pass == VPX_RC_FIRST_PASS) {
    start_first_pass(encoder, libvpx);
    return;
  }
  pthread_once(&shared.once, open_shared_policy);
  if (!shared.policy) {
    refuse(encoder, shared.error);
    return;
  }
  const int error = register_callbacks(encoder, codec, libvpx);
  if (error) {
    refuse(encoder, error == -ENOMEM ? "out of memory"
                                     : "libvpx does not take external rate control");
    return;
  }
  stop_filter(encoder, codec, libvpx);
  char depth[16] = "", shapes[128], peak[128];
  if (encoder->cfg.g_bit_depth > VPX_BITS_8)
    snprintf(depth, sizeof(depth), ", %d bits", (int)encoder->cfg.g_bit_depth);
  const char *const doubt = muzero_rc_second_pass_begin(encoder);
  write_shapes(encoder, shapes, sizeof(shapes));
  write_peak(encoder, peak, sizeof(peak));
  muzero_rc_say("policy %s decides: %ux%u%s at %u kbps%s%s%s", policy_name(), encoder->cfg.g_w,
                encoder->cfg.g_h, depth, encoder->cfg.rc_target_bitrate, peak, shapes,
                doubt ? doubt : "");
}

void muzero_rc_encoder_configure(muzero_rc_encoder *encoder, const vpx_codec_enc_cfg_t *cfg) {
  if (!is_known(encoder->release, encoder->abi)) return;
  encoder->cfg = *cfg;
  if (!encoder->plugin) return;
  muzero_rc_plugin_limit(encoder->plugin, muzero_rc_qindex((int32_t)cfg->rc_min_quantizer),
                         muzero_rc_qindex((int32_t)cfg->rc_max_quantizer));
}

void muzero_rc_encoder_control(muzero_rc_encoder *encoder, int id, const void *argument) {
  const int value = (int)(intptr_t)argument; /* where the argument is a number */
  if (id == VP9E_SET_LOSSLESS) encoder->lossless = value != 0;
  if (id == VP9E_SET_SVC) encoder->layers = value != 0;
  if (id == VP8E_SET_ENABLEAUTOALTREF) encoder->auto_alt_ref = value;
  if (id == VP8E_SET_ENABLEAUTOALTREF) encoder->kept |= MUZERO_RC_KEEP_LAYERS;
  if (id == VP9E_SET_MIN_GF_INTERVAL || id == VP9E_SET_MAX_GF_INTERVAL)
    encoder->kept |= MUZERO_RC_KEEP_LENGTH;
  if (id == VP8E_SET_ARNR_STRENGTH || id == VP8E_SET_ARNR_MAXFRAMES)
    encoder->kept |= MUZERO_RC_KEEP_FILTER;
  if (encoder->release && id == encoder->release->control_id) encoder->own_rate_control = true;
}

bool muzero_rc_encoder_needs_psnr(const muzero_rc_libvpx *libvpx, const vpx_codec_enc_cfg_t *cfg,
                                  int abi) {
  return is_known(libvpx->release, abi) && libvpx->release->layout->by_index && cfg &&
         cfg->g_pass == VPX_RC_LAST_PASS && cfg->rc_end_usage == VPX_VBR;
}

void muzero_rc_encoder_frame(muzero_rc_encoder *encoder, vpx_codec_pts_t pts,
                             unsigned long duration, bool flush) {
  if (encoder->times) muzero_rc_stats_times_frame(encoder->times, pts, duration, flush);
  if (!flush) muzero_rc_second_pass_frame(encoder);
}

const vpx_codec_cx_pkt_t *muzero_rc_encoder_due(muzero_rc_encoder *encoder) {
  return encoder->times ? muzero_rc_stats_times_take(encoder->times) : NULL;
}

bool muzero_rc_encoder_packet(muzero_rc_encoder *encoder, const vpx_codec_cx_pkt_t *packet) {
  if (encoder->notes && packet->kind == VPX_CODEC_STATS_PKT)
    muzero_rc_first_pass_notes_write(encoder->notes, &packet->data.twopass_stats);
  if (encoder->times && packet->kind == VPX_CODEC_STATS_PKT &&
      !muzero_rc_stats_times_give(encoder->times, packet))
    return false;
  if (encoder->plugin) muzero_rc_plugin_packet(encoder->plugin, packet);
  return packet->kind != VPX_CODEC_PSNR_PKT || encoder->asked_psnr;
}

void muzero_rc_encoder_finish(muzero_rc_encoder *encoder) {
  if (encoder->plugin) muzero_rc_second_pass_finish(encoder);
  muzero_rc_plugin_close(&encoder->plugin);
  muzero_rc_first_pass_notes_close(&encoder->notes);
  free(encoder->times);
  free(encoder);
}
