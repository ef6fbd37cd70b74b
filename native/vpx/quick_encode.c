#include "quick_encode.h"

#include <stdlib.h>
#include <string.h>

#include "../policy/quick.h"
#include "convert.h"

/* libvpx's cq-levels of the two encodes; the bits model is fitted to these. */
static const int kLevels[MUZERO_RC_QUICK_LEVELS] = {20, 50};
static const int kFastest = 8;          /* cpu-used, of the realtime deadline */
static const unsigned kKeyDistance = 128;
enum { WAITING_MAX = 128 }; /* frames that a first pass may hold back */

struct muzero_rc_quick_encode {
  muzero_rc_libvpx libvpx;
  vpx_codec_ctx_t codecs[MUZERO_RC_QUICK_LEVELS];
  int open; /* of these */
  unsigned width, height;
  int32_t encoded, noted; /* frames */
  int64_t bits[WAITING_MAX][MUZERO_RC_QUICK_LEVELS];
  bool failed;
};

static bool open_codec(muzero_rc_quick_encode *quick, int level) {
  const muzero_rc_libvpx *const vpx = &quick->libvpx;
  vpx_codec_ctx_t *const codec = &quick->codecs[level];
  vpx_codec_enc_cfg_t cfg;
  if (!vpx->vp9_cx || vpx->enc_config_default(vpx->vp9_cx(), &cfg, 0)) return false;
  cfg.g_w = quick->width;
  cfg.g_h = quick->height;
  cfg.g_threads = 1;
  cfg.g_lag_in_frames = 0;
  cfg.g_pass = VPX_RC_ONE_PASS;
  cfg.rc_end_usage = VPX_Q;
  cfg.kf_max_dist = kKeyDistance;
  if (vpx->enc_init_ver(codec, vpx->vp9_cx(), &cfg, 0, VPX_ENCODER_ABI_VERSION)) return false;
  ++quick->open;
  return !vpx->control(codec, VP8E_SET_CPUUSED, kFastest) &&
         !vpx->control(codec, VP8E_SET_ENABLEAUTOALTREF, 0) &&
         !vpx->control(codec, VP8E_SET_CQ_LEVEL, kLevels[level]);
}

muzero_rc_quick_encode *muzero_rc_quick_encode_open(const muzero_rc_libvpx *libvpx, unsigned width,
                                                    unsigned height) {
  muzero_rc_quick_encode *quick = calloc(1, sizeof(*quick));
  if (!quick) return NULL;
  quick->libvpx = *libvpx;
  quick->width = width;
  quick->height = height;
  bool opened = true;
  for (int level = 0; level < MUZERO_RC_QUICK_LEVELS && opened; ++level)
    opened = open_codec(quick, level);
  if (!opened) muzero_rc_quick_encode_close(&quick);
  return quick;
}

void muzero_rc_quick_encode_close(muzero_rc_quick_encode **quick) {
  if (!*quick) return;
  for (int level = 0; level < (*quick)->open; ++level)
    (*quick)->libvpx.destroy(&(*quick)->codecs[level]);
  free(*quick);
  *quick = NULL;
}

/* Bits of the frame's packet, or -1. */
static int64_t encode(muzero_rc_quick_encode *quick, int level, const vpx_image_t *image) {
  vpx_codec_ctx_t *const codec = &quick->codecs[level];
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  int64_t bits = -1;
  if (quick->libvpx.encode(codec, image, quick->encoded, 1, 0, VPX_DL_REALTIME)) return -1;
  while ((packet = quick->libvpx.get_cx_data(codec, &iterator)) != NULL)
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT) bits = 8 * (int64_t)packet->data.frame.sz;
  return bits;
}

void muzero_rc_quick_encode_frame(muzero_rc_quick_encode *quick, const vpx_image_t *image) {
  const bool fits = image->fmt == VPX_IMG_FMT_I420 && image->d_w == quick->width &&
                    image->d_h == quick->height;
  if (!fits || quick->encoded - quick->noted >= WAITING_MAX) quick->failed = true;
  if (quick->failed) return;
  int64_t *const bits = quick->bits[quick->encoded % WAITING_MAX];
  for (int level = 0; level < MUZERO_RC_QUICK_LEVELS; ++level) {
    bits[level] = encode(quick, level, image);
    if (bits[level] < 0) quick->failed = true;
  }
  ++quick->encoded;
}

void muzero_rc_quick_encode_note(muzero_rc_quick_encode *quick, const vpx_fixed_buf_t *packet) {
  if (quick->failed || quick->noted == quick->encoded) return;
  muzero_rc_frame_stats stats;
  if (!muzero_rc_packet_stats(packet, &stats) || (int32_t)stats.field[0] != quick->noted) {
    quick->failed = true; /* another frame than we think */
    return;
  }
  muzero_rc_quick_note(&stats, quick->noted, quick->bits[quick->noted % WAITING_MAX]);
  memcpy(packet->buf, &stats, sizeof(stats));
  ++quick->noted;
}
