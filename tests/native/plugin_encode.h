/* A two-pass encode of a made-up clip by the real libvpx. */
#ifndef MUZERO_RC_TESTS_PLUGIN_ENCODE_H_
#define MUZERO_RC_TESTS_PLUGIN_ENCODE_H_

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vpx/libvpx_types.h"

enum { ENCODE_WIDTH = 64, ENCODE_HEIGHT = 48, ENCODE_FRAMES = 12 };

/* What an encode left: a hash over all packets, or 0 when it failed. */
typedef struct encoded {
  uint64_t hash;
  int packets;
} encoded;

/* Called between init and the first frame of the last pass; may be NULL. */
typedef int (*encode_prepare)(vpx_codec_ctx_t *codec, void *context);

/* Told of every packet of the last pass, with the frames' errors among them; may be NULL. */
typedef void (*encode_watch)(const vpx_codec_cx_pkt_t *packet, void *context);

static inline void encode_draw(int frame, vpx_image_t *image) {
  for (unsigned plane = 0; plane < 3; ++plane)
    for (unsigned y = 0; y < image->d_h >> (plane > 0); ++y)
      for (unsigned x = 0; x < image->d_w >> (plane > 0); ++x)
        image->planes[plane][y * (unsigned)image->stride[plane] + x] =
            (unsigned char)((x + (unsigned)frame) * (y + 3u) * 5u + plane * 40u);
}

static inline int encode_drain(vpx_codec_ctx_t *codec, vpx_fixed_buf_t *stats, encoded *out,
                               encode_watch watch, void *context) {
  const vpx_codec_cx_pkt_t *packet = NULL;
  vpx_codec_iter_t iter = NULL;
  int count = 0;
  for (; (packet = vpx_codec_get_cx_data(codec, &iter)) != NULL; ++count) {
    const vpx_fixed_buf_t data = packet->data.raw;
    if (watch) watch(packet, context);
    if (packet->kind == VPX_CODEC_STATS_PKT) {
      stats->buf = realloc(stats->buf, stats->sz + data.sz);
      memcpy((char *)stats->buf + stats->sz, data.buf, data.sz);
      stats->sz += data.sz;
    } else if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
      out->packets += 1;
      for (size_t i = 0; i < data.sz; ++i)
        out->hash = (out->hash ^ ((const uint8_t *)data.buf)[i]) * 1099511628211u;
    }
  }
  return count;
}

static inline int encode_pass(enum vpx_enc_pass pass, vpx_fixed_buf_t *stats, encoded *out,
                              encode_prepare prepare, encode_watch watch, void *context) {
  vpx_codec_enc_cfg_t cfg;
  vpx_codec_ctx_t codec;
  vpx_image_t *const image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, ENCODE_WIDTH, ENCODE_HEIGHT, 1);
  int failed = !image || vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &cfg, 0);
  cfg.g_w = ENCODE_WIDTH;
  cfg.g_h = ENCODE_HEIGHT;
  cfg.g_pass = pass;
  cfg.g_timebase.num = 1;
  cfg.g_timebase.den = 25;
  cfg.rc_end_usage = VPX_VBR;
  cfg.rc_target_bitrate = 40;
  if (pass == VPX_RC_LAST_PASS) cfg.rc_twopass_stats_in = *stats;
  failed = failed || vpx_codec_enc_init(&codec, vpx_codec_vp9_cx(), &cfg,
                                        watch ? VPX_CODEC_USE_PSNR : 0);
  if (failed) return 1;
  failed = (int)vpx_codec_control(&codec, VP8E_SET_CPUUSED, 5);
  if (!failed && prepare && pass == VPX_RC_LAST_PASS) failed = prepare(&codec, context);
  for (int frame = 0, got = 1; !failed && (frame <= ENCODE_FRAMES || got); ++frame) {
    const int more = frame < ENCODE_FRAMES;
    if (more) encode_draw(frame, image);
    failed = (int)vpx_codec_encode(&codec, more ? image : NULL, frame, 1, 0, VPX_DL_GOOD_QUALITY);
    got = encode_drain(&codec, stats, out, watch, context);
  }
  vpx_codec_destroy(&codec);
  vpx_img_free(image);
  return failed;
}

static inline encoded encode_clip_watched(encode_prepare prepare, encode_watch watch,
                                          void *context) {
  encoded out = {.hash = 14695981039346656037u};
  vpx_fixed_buf_t stats = {NULL, 0};
  if (encode_pass(VPX_RC_FIRST_PASS, &stats, &out, NULL, NULL, NULL) ||
      encode_pass(VPX_RC_LAST_PASS, &stats, &out, prepare, watch, context))
    out.hash = 0;
  free(stats.buf);
  return out;
}

static inline encoded encode_clip(encode_prepare prepare, void *context) {
  return encode_clip_watched(prepare, NULL, context);
}

#endif /* MUZERO_RC_TESTS_PLUGIN_ENCODE_H_ */
