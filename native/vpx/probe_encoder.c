#include "vpx/probe_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "rate_control/probe_notes.h"
#include "vpx/convert.h"
#include "vpx/image.h"
#include "vpx/probe_workers.h"

enum {
  LEVELS = MUZERO_RC_QUICK_LEVELS,
  PROBES = MUZERO_RC_QUICK_PROBES,
  ENCODES = LEVELS + PROBES,
  WAITING_MAX = 128 /* frames that a first pass may hold back */
};

/* libvpx's cq-levels of the encodes; the bits model is fitted to these two. */
static const int kLevels[LEVELS] = {20, 50};
/* A probe is the first of them again with every `period`th frame at `level`. */
static const struct {
  int period, level;
} kProbes[PROBES] = {{MUZERO_RC_QUICK_STRETCH, 10}};
static const int kFastest = 8; /* cpu-used, of the realtime deadline */

/* What an encode has come to since its last key frame. */
typedef struct tally {
  double bits, quality; /* quality: PSNR-Y in dB, of all frames together */
} tally;

struct muzero_rc_quick_encode {
  muzero_rc_libvpx libvpx;
  muzero_rc_workers *workers; /* one for each encode; what it does not own, it only reads */
  vpx_codec_ctx_t codecs[ENCODES];
  int open; /* of these */
  vpx_image_t image;      /* the frame that is encoded, a copy */
  uint8_t *frame;         /* its pixels */
  bool busy;              /* the workers have it */
  int32_t encoded, noted; /* frames */
  int64_t bits[ENCODES];  /* of the frame; -1: that encode failed */
  int levels[ENCODES];    /* set last; 0 is none of ours */
  tally tallies[ENCODES];
  muzero_rc_quick_frame frames[WAITING_MAX];
  bool failed;
};

static bool open_codec(muzero_rc_quick_encode *quick, int encode) {
  const muzero_rc_libvpx *const vpx = &quick->libvpx;
  vpx_codec_ctx_t *const codec = &quick->codecs[encode];
  vpx_codec_enc_cfg_t cfg;
  if (!vpx->vp9_cx || vpx->enc_config_default(vpx->vp9_cx(), &cfg, 0)) return false;
  cfg.g_w = quick->image.d_w;
  cfg.g_h = quick->image.d_h;
  cfg.g_threads = 1;
  cfg.g_lag_in_frames = 0;
  cfg.g_pass = VPX_RC_ONE_PASS;
  cfg.rc_end_usage = VPX_Q;
  cfg.kf_max_dist = MUZERO_RC_QUICK_STRETCH;
  if (vpx->enc_init_ver(codec, vpx->vp9_cx(), &cfg, VPX_CODEC_USE_PSNR, VPX_ENCODER_ABI_VERSION))
    return false;
  ++quick->open;
  return !vpx->control(codec, VP8E_SET_CPUUSED, kFastest) &&
         !vpx->control(codec, VP8E_SET_ENABLEAUTOALTREF, 0);
}

static void work(void *context, int encode);

muzero_rc_quick_encode *muzero_rc_quick_encode_open(const muzero_rc_libvpx *libvpx, unsigned width,
                                                    unsigned height) {
  muzero_rc_quick_encode *quick = calloc(1, sizeof(*quick));
  if (!quick) return NULL;
  quick->libvpx = *libvpx;
  quick->frame = malloc(muzero_rc_picture_bytes(width, height));
  bool opened = quick->frame != NULL;
  if (opened) quick->image = muzero_rc_picture_of(width, height, quick->frame);
  for (int encode = 0; encode < ENCODES && opened; ++encode) opened = open_codec(quick, encode);
  if (opened)
    opened = !muzero_rc_workers_open("muzero-rc quick", ENCODES, work, quick, &quick->workers);
  if (!opened) muzero_rc_quick_encode_close(&quick);
  return quick;
}

void muzero_rc_quick_encode_close(muzero_rc_quick_encode **quick) {
  if (!*quick) return;
  muzero_rc_workers_close(&(*quick)->workers);
  for (int encode = 0; encode < (*quick)->open; ++encode)
    (*quick)->libvpx.destroy(&(*quick)->codecs[encode]);
  free((*quick)->frame);
  free(*quick);
  *quick = NULL;
}

static int level_of(int encode, int32_t frame) {
  if (encode < LEVELS) return kLevels[encode];
  const int probe = encode - LEVELS;
  return frame % kProbes[probe].period ? kLevels[0] : kProbes[probe].level;
}

/* Encodes the frame and adds it to the tally. Bits of its packet, or -1. */
static int64_t encode_frame(muzero_rc_quick_encode *quick, int encode) {
  const muzero_rc_libvpx *const vpx = &quick->libvpx;
  vpx_codec_ctx_t *const codec = &quick->codecs[encode];
  tally *const sum = &quick->tallies[encode];
  const double lossless = 55.0; /* dB; what is finer counts as this */
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  int64_t bits = -1;
  const int level = level_of(encode, quick->encoded);
  if (level != quick->levels[encode] && vpx->control(codec, VP8E_SET_CQ_LEVEL, level)) return -1;
  quick->levels[encode] = level;
  if (vpx->encode(codec, &quick->image, quick->encoded, 1, 0, VPX_DL_REALTIME)) return -1;
  while ((packet = vpx->get_cx_data(codec, &iterator)) != NULL) {
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT) bits = 8 * (int64_t)packet->data.frame.sz;
    if (packet->kind == VPX_CODEC_PSNR_PKT) {
      const double quality = packet->data.psnr.psnr[1];
      sum->quality += quality < lossless ? quality : lossless;
    }
  }
  sum->bits += (double)(bits > 1 ? bits : 1);
  return bits;
}

static void work(void *context, int encode) {
  muzero_rc_quick_encode *const quick = context;
  quick->bits[encode] = encode_frame(quick, encode);
}

static muzero_rc_quick_total total_of(const muzero_rc_quick_encode *quick, int encode) {
  const double frames = (double)(quick->encoded % MUZERO_RC_QUICK_STRETCH + 1);
  const tally *const sum = &quick->tallies[encode];
  return (muzero_rc_quick_total){.bits = sum->bits, .quality = (float)(sum->quality / frames)};
}

/* Waits for the frame that the workers have, and keeps what is known of it. */
static void finish_frame(muzero_rc_quick_encode *quick) {
  muzero_rc_quick_total levels[LEVELS];
  if (!quick->busy) return;
  muzero_rc_workers_wait(quick->workers);
  quick->busy = false;
  muzero_rc_quick_frame *const frame = &quick->frames[quick->encoded % WAITING_MAX];
  for (int encode = 0; encode < ENCODES; ++encode) {
    if (quick->bits[encode] < 0) quick->failed = true;
    if (encode < LEVELS) frame->bits[encode] = quick->bits[encode];
  }
  for (int level = 0; level < LEVELS; ++level) levels[level] = total_of(quick, level);
  for (int probe = 0; probe < PROBES; ++probe) {
    const muzero_rc_quick_total probed = total_of(quick, LEVELS + probe);
    frame->response[probe] = muzero_rc_quick_response(levels, &probed);
  }
  ++quick->encoded;
}

void muzero_rc_quick_encode_frame(muzero_rc_quick_encode *quick, const vpx_image_t *image) {
  const bool fits = image->fmt == VPX_IMG_FMT_I420 && image->d_w == quick->image.d_w &&
                    image->d_h == quick->image.d_h;
  finish_frame(quick);
  if (!fits || quick->encoded - quick->noted >= WAITING_MAX) quick->failed = true;
  if (quick->failed) return;
  muzero_rc_picture_copy(image, quick->frame);
  if (quick->encoded % MUZERO_RC_QUICK_STRETCH == 0)
    memset(quick->tallies, 0, sizeof(quick->tallies));
  quick->busy = true;
  muzero_rc_workers_begin(quick->workers);
}

void muzero_rc_quick_encode_note(muzero_rc_quick_encode *quick, const vpx_fixed_buf_t *packet) {
  finish_frame(quick);
  if (quick->failed || quick->noted == quick->encoded) return;
  muzero_rc_frame_stats stats;
  if (!muzero_rc_packet_stats(packet, &stats) || (int32_t)stats.field[0] != quick->noted) {
    quick->failed = true; /* another frame than we think */
    return;
  }
  muzero_rc_quick_note(&stats, quick->noted, &quick->frames[quick->noted % WAITING_MAX]);
  memcpy(packet->buf, &stats, sizeof(stats));
  ++quick->noted;
}
