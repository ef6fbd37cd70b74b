/* The plugin: libvpx's callbacks over one policy, for programs that embed libvpx. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <stdlib.h>

#include "vpx/abi/release.h"
#include "vpx/callbacks.h"
#include "vpx/convert.h"
#include "vpx/libvpx_types.h"

struct muzero_rc_plugin {
  const muzero_rc_policy *policy;
  muzero_rc_callbacks *callbacks;
  muzero_rc_peak peak; /* 0: none */
  int ext_abi;         /* of the callbacks that were filled in; 0: none yet */
  int64_t sse; /* of the frame whose packet comes next */
};

static int open_model(void *self, const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                      muzero_rc_model **model) {
  const muzero_rc_plugin *const plugin = self;
  int error = muzero_rc_model_open(plugin->policy, clip, stats, model);
  if (!error && plugin->peak.max_kbps) error = muzero_rc_model_set_peak(*model, &plugin->peak);
  if (error) muzero_rc_model_close(model);
  return error;
}

int muzero_rc_plugin_open(const muzero_rc_policy *policy, muzero_rc_plugin **plugin) {
  *plugin = calloc(1, sizeof(**plugin));
  if (!*plugin) return -ENOMEM;
  (*plugin)->policy = policy;
  (*plugin)->sse = MUZERO_RC_SSE_UNKNOWN;
  const muzero_rc_callbacks_owner owner = {.self = *plugin, .open_model = open_model};
  const int error = muzero_rc_callbacks_open(&owner, &(*plugin)->callbacks);
  if (error) muzero_rc_plugin_close(plugin);
  return error;
}

void muzero_rc_plugin_close(muzero_rc_plugin **plugin) {
  if (!*plugin) return;
  muzero_rc_callbacks_close(&(*plugin)->callbacks);
  free(*plugin);
  *plugin = NULL;
}

/* How many doubles its libvpx keeps of a frame follows from a blob; -EINVAL when it is none. */
static int32_t frames_of(vpx_fixed_buf_t blob, int *fields) {
  const int most = MUZERO_RC_STATS_FIELDS + 1; /* from libvpx 1.14 on */
  for (*fields = MUZERO_RC_STATS_FIELDS; blob.buf && *fields <= most; ++*fields) {
    const int32_t frames = muzero_rc_blob_frames(blob.buf, blob.sz, *fields);
    if (frames > 0) return frames;
  }
  return -EINVAL;
}

/* libvpx takes a frame's error in the depth of what came in, where that is the smaller one. */
static int32_t error_depth_of(const vpx_codec_enc_cfg_t *cfg) {
  const int32_t depth = (int32_t)cfg->g_bit_depth, input = (int32_t)cfg->g_input_bit_depth;
  return input < depth ? input : depth;
}

/* Opens the model with the statistics that the program has given its encoder: the first GOP
 * begins before libvpx hands them on. */
static int prepare(muzero_rc_plugin *plugin, const muzero_rc_encoder_setup *setup) {
  const vpx_codec_enc_cfg_t *const cfg = setup->cfg;
  const vpx_fixed_buf_t stats = cfg->rc_twopass_stats_in;
  int fields = 0;
  const int32_t frames = frames_of(stats, &fields);
  if (frames < 0) return frames;
  const muzero_rc_clip clip = {.width = (int32_t)cfg->g_w,
                               .height = (int32_t)cfg->g_h,
                               .frame_count = frames,
                               .target_kbps = (int32_t)cfg->rc_target_bitrate,
                               .bit_depth = (int32_t)cfg->g_bit_depth,
                               .error_depth = error_depth_of(cfg)};
  const muzero_rc_gop_settings settings = {.lag = (int32_t)cfg->g_lag_in_frames,
                                           .frame_count = frames,
                                           .kf_max_dist = (int32_t)cfg->kf_max_dist,
                                           .auto_alt_ref = setup->auto_alt_ref,
                                           .arnr_strength = setup->arnr_strength,
                                           .arnr_max_frames = setup->arnr_max_frames,
                                           .best_strength =
                                               muzero_rc_filter_strength(plugin->ext_abi)};
  muzero_rc_frame_stats *const copied = calloc((size_t)frames, sizeof(*copied));
  if (!copied) return -ENOMEM;
  muzero_rc_blob_stats(stats.buf, frames, fields, copied);
  const int error = muzero_rc_callbacks_prepare(plugin->callbacks, &clip, copied, &settings);
  free(copied);
  return error;
}

int muzero_rc_plugin_before_encode(muzero_rc_plugin *plugin, const muzero_rc_encoder_setup *setup,
                                   struct vpx_codec_ctx *codec, const struct vpx_image *image) {
  const muzero_rc_libvpx libvpx = {
      .control = (vpx_codec_err_t(*)(vpx_codec_ctx_t *, int, ...))setup->libvpx->control};
  if (!muzero_rc_policy_has_shapes(plugin->policy)) return 0;
  const muzero_rc_gop_levers *const levers = muzero_rc_callbacks_levers(plugin->callbacks);
  if (!levers->is_ready) {
    if (muzero_rc_callbacks_report(plugin->callbacks).decisions > 0) return -EINVAL;
    const int error = prepare(plugin, setup);
    if (error) return error;
  }
  muzero_rc_callbacks_keep(plugin->callbacks, setup->keep & MUZERO_RC_KEEP_LENGTH,
                           setup->keep & MUZERO_RC_KEEP_LAYERS,
                           setup->keep & MUZERO_RC_KEEP_FILTER);
  return muzero_rc_callbacks_before_encode(plugin->callbacks, &libvpx, codec, image == NULL);
}

int muzero_rc_plugin_limit(muzero_rc_plugin *plugin, int32_t lowest, int32_t highest) {
  if (lowest > highest) return -EINVAL;
  muzero_rc_callbacks_limit(plugin->callbacks, lowest, highest);
  return 0;
}

int muzero_rc_plugin_peak(muzero_rc_plugin *plugin, const muzero_rc_peak *peak) {
  if (peak && (peak->max_kbps < 1 || peak->buffer_kbits < 1)) return -EINVAL;
  plugin->peak = peak ? *peak : (muzero_rc_peak){0};
  return 0;
}

void muzero_rc_plugin_gops(muzero_rc_plugin *plugin, const vpx_codec_enc_cfg_t *cfg,
                           int32_t auto_alt_ref) {
  muzero_rc_order_settings gops = muzero_rc_order_settings_default();
  gops.layers = auto_alt_ref;
  gops.lag_in_frames = (int32_t)cfg->g_lag_in_frames;
  gops.kf_max_dist = (int32_t)cfg->kf_max_dist;
  gops.places_key_frames = cfg->kf_mode == VPX_KF_AUTO && cfg->kf_min_dist != cfg->kf_max_dist;
  muzero_rc_callbacks_set_order(plugin->callbacks, &gops);
  muzero_rc_callbacks_set_depth(plugin->callbacks, (int32_t)cfg->g_bit_depth, error_depth_of(cfg));
}

void muzero_rc_plugin_packet(muzero_rc_plugin *plugin, const vpx_codec_cx_pkt_t *packet) {
  if (packet->kind == VPX_CODEC_PSNR_PKT) plugin->sse = (int64_t)packet->data.psnr.sse[0];
  if (packet->kind != VPX_CODEC_CX_FRAME_PKT) return;
  muzero_rc_callbacks_shown(plugin->callbacks, plugin->sse);
  plugin->sse = MUZERO_RC_SSE_UNKNOWN;
}

int32_t muzero_rc_qindex(int32_t quantizer) {
  /* libvpx's table: steps of 4, but the last two. */
  const int32_t inner = quantizer < 0 ? 0 : quantizer > 63 ? 63 : quantizer;
  return inner < 62 ? 4 * inner : inner == 62 ? 249 : 255;
}

int muzero_rc_plugin_funcs(muzero_rc_plugin *plugin, int abi, struct vpx_rc_funcs *funcs) {
  const muzero_rc_layout *const layout = muzero_rc_layout_of(abi);
  if (!layout) return -ENOTSUP;
  plugin->ext_abi = abi;
  layout->fill(plugin->callbacks, funcs);
  return 0;
}

muzero_rc_report muzero_rc_plugin_report(const muzero_rc_plugin *plugin) {
  return muzero_rc_callbacks_report(plugin->callbacks);
}
