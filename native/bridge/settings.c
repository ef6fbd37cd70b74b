#include "bridge/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vpx/image.h"

static const muzero_rc_setting TABLE[] = {
#define FIELD(name, value) {#name, value, offsetof(muzero_rc_settings, name)},
    MUZERO_RC_SETTINGS(FIELD)
#undef FIELD
        {NULL, 0, 0},
};

const muzero_rc_setting *muzero_rc_setting_table(void) { return TABLE; }

muzero_rc_settings muzero_rc_settings_default(void) {
  return (muzero_rc_settings){
#define FIELD(name, value) .name = value,
      MUZERO_RC_SETTINGS(FIELD)
#undef FIELD
  };
}

size_t muzero_rc_frame_bytes(const muzero_rc_settings *s) {
  enum { SIZE_MAX_VP9 = 65535 };
  if (s->width < 1 || s->height < 1) return 0;
  if (s->width > SIZE_MAX_VP9 || s->height > SIZE_MAX_VP9) return 0;
  if (s->bit_depth != 8 && s->bit_depth != 10 && s->bit_depth != 12) return 0;
  return muzero_rc_image_bytes((unsigned)s->width, (unsigned)s->height, s->bit_depth);
}

/* Fills `cfg`; -EINVAL when the settings do not even fit its unsigned fields
 * (what does fit is libvpx's to judge). */
static int fill_config(const muzero_rc_libvpx *libvpx, const muzero_rc_settings *s,
                       vpx_fixed_buf_t stats, vpx_codec_enc_cfg_t *cfg) {
  static const enum vpx_rc_mode USAGE[] = {VPX_VBR, VPX_CBR, VPX_CQ, VPX_Q};
  const int32_t unsigned_fields[] = {
      s->width,         s->height,      s->timebase_num, s->timebase_den, s->target_kbps,
      s->lag_in_frames, s->kf_max_dist, s->threads,      s->min_q,        s->max_q,
      s->corpus_complexity};
  for (size_t i = 0; i < sizeof(unsigned_fields) / sizeof(*unsigned_fields); ++i)
    if (unsigned_fields[i] < 0) return -EINVAL;
  if (s->end_usage < 0 || s->end_usage > 3) return -EINVAL;
  if (libvpx->enc_config_default(libvpx->vp9_cx(), cfg, 0)) return -EINVAL;
  cfg->g_w = (unsigned)s->width;
  cfg->g_h = (unsigned)s->height;
  cfg->g_timebase.num = s->timebase_num;
  cfg->g_timebase.den = s->timebase_den;
  cfg->g_threads = (unsigned)s->threads;
  cfg->g_lag_in_frames = (unsigned)s->lag_in_frames;
  cfg->g_pass = stats.sz ? VPX_RC_LAST_PASS : VPX_RC_FIRST_PASS;
  cfg->rc_twopass_stats_in = stats;
  cfg->rc_target_bitrate = (unsigned)s->target_kbps;
  cfg->rc_end_usage = USAGE[s->end_usage];
  cfg->rc_min_quantizer = (unsigned)s->min_q;
  cfg->rc_max_quantizer = (unsigned)s->max_q;
  cfg->kf_max_dist = (unsigned)s->kf_max_dist;
  cfg->rc_2pass_vbr_corpus_complexity = (unsigned)s->corpus_complexity;
  cfg->g_profile = s->bit_depth > 8 ? 2 : 0;
  cfg->g_bit_depth = (vpx_bit_depth_t)s->bit_depth;
  cfg->g_input_bit_depth = (unsigned)s->bit_depth;
  return 0;
}

typedef struct control {
  const char *name;
  int id;
  int32_t value;
} control;

static int set_controls(const muzero_rc_libvpx *libvpx, const muzero_rc_settings *s,
                        vpx_codec_ctx_t *codec, char *error, size_t error_size) {
  const bool no_filter =
      s->arnr_max_frames < 0 && muzero_rc_filter_spoils(libvpx->release, s->bit_depth);
  const control controls[] = {
      {"tile_columns", VP9E_SET_TILE_COLUMNS, s->tile_columns},
      {"row_mt", VP9E_SET_ROW_MT, s->row_mt},
      {"auto_alt_ref", VP8E_SET_ENABLEAUTOALTREF, s->auto_alt_ref},
      {"cq_level", VP8E_SET_CQ_LEVEL, s->cq_level},
      {"arnr_max_frames", VP8E_SET_ARNR_MAXFRAMES, no_filter ? 0 : s->arnr_max_frames},
      {"arnr_strength", VP8E_SET_ARNR_STRENGTH, s->arnr_strength},
      /* The larger first: libvpx checks after each call. */
      {"gf_interval", VP9E_SET_MAX_GF_INTERVAL, s->gf_interval},
      {"gf_interval", VP9E_SET_MIN_GF_INTERVAL, s->gf_interval},
      {"tpl", VP9E_SET_TPL, s->tpl},
      {"key_frame_filtering", libvpx->release ? libvpx->release->key_frame_filter : 0,
       s->key_frame_filtering},
  };
  /* The only one of which negative values mean something to libvpx. */
  if (libvpx->control(codec, VP8E_SET_CPUUSED, (int)s->cpu_used)) {
    snprintf(error, error_size, "libvpx refuses cpu_used %d", (int)s->cpu_used);
    return -EINVAL;
  }
  for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); ++i) {
    if (controls[i].value < 0) continue;
    if (!controls[i].id) {
      snprintf(error, error_size, "this libvpx has no %s, which came later", controls[i].name);
      return -EINVAL;
    }
    if (libvpx->control(codec, controls[i].id, (int)controls[i].value)) {
      snprintf(error, error_size, "libvpx refuses %s %d", controls[i].name,
               (int)controls[i].value);
      return -EINVAL;
    }
  }
  return 0;
}

int muzero_rc_encoder_open(const muzero_rc_libvpx *libvpx, const muzero_rc_settings *settings,
                           vpx_fixed_buf_t stats, vpx_codec_ctx_t *codec, char *error, size_t error_size) {
  vpx_codec_enc_cfg_t cfg;
  if (fill_config(libvpx, settings, stats, &cfg)) {
    snprintf(error, error_size, "encoder settings out of range");
    return -EINVAL;
  }
  if (settings->bit_depth > 8 && !muzero_rc_libvpx_has_high_bit_depth(libvpx)) {
    snprintf(error, error_size, "this libvpx was built without high bit depth, for %d-bit video",
             (int)settings->bit_depth);
    return -EINVAL;
  }
  const vpx_codec_flags_t flags = (settings->psnr ? VPX_CODEC_USE_PSNR : 0) |
                                  (settings->bit_depth > 8 ? VPX_CODEC_USE_HIGHBITDEPTH : 0);
  memset(codec, 0, sizeof(*codec));
  if (libvpx->enc_init_ver(codec, libvpx->vp9_cx(), &cfg, flags, libvpx->encoder_abi)) {
    snprintf(error, error_size, "libvpx refuses the settings: %s",
             muzero_rc_libvpx_error(libvpx, codec));
    return -EINVAL;
  }
  const int failure = set_controls(libvpx, settings, codec, error, error_size);
  if (failure) libvpx->destroy(codec);
  return failure;
}
