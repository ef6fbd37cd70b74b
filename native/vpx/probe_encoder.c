#include "vpx/probe_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "rate_control/probe_notes.h"
#include "vpx/convert.h"
#include "vpx/image.h"
#include "vpx/probe_workers.h"

enum {
  LEVELS = MUZERO_RC_PROBE_LEVELS,
  VARIANTS = MUZERO_RC_PROBE_VARIANTS,
  ENCODES = LEVELS + VARIANTS,
  WAITING_MAX = 128 /* frames that a first pass may hold back */
};

/* libvpx's cq-levels of the encodes; the bits model is fitted to these two. */
static const int kLevels[LEVELS] = {20, 50};
/* A variant is the first of them again with every `period`th frame at `level`. */
static const struct {
  int period, level;
} kVariants[VARIANTS] = {{MUZERO_RC_PROBE_SPAN, 10}};
static const int kFastest = 8; /* cpu-used, of the realtime deadline */

/* What an encode has come to since its last key frame. */
typedef struct tally {
  double bits, quality; /* quality: PSNR-Y in dB, of all frames together */
} tally;

struct muzero_rc_probe_encoder {
  muzero_rc_libvpx libvpx;
  int32_t bit_depth;      /* of the samples that come */
  muzero_rc_workers *workers; /* one for each encode; what it does not own, it only reads */
  vpx_codec_ctx_t codecs[ENCODES];
  int open; /* of these */
  vpx_image_t image;      /* the frame that is encoded, a copy of 8 bits */
  uint8_t *frame;         /* its pixels */
  bool busy;              /* the workers have it */
  int32_t encoded, noted; /* frames */
  int64_t bits[ENCODES];  /* of the frame; -1: that encode failed */
  int levels[ENCODES];    /* set last; 0 is none of ours */
  tally tallies[ENCODES];
  muzero_rc_probe_frame frames[WAITING_MAX];
  bool failed;
};

static bool open_codec(muzero_rc_probe_encoder *probe, int encode) {
  const muzero_rc_libvpx *const vpx = &probe->libvpx;
  vpx_codec_ctx_t *const codec = &probe->codecs[encode];
  vpx_codec_enc_cfg_t cfg;
  if (!vpx->vp9_cx || vpx->enc_config_default(vpx->vp9_cx(), &cfg, 0)) return false;
  cfg.g_w = probe->image.d_w;
  cfg.g_h = probe->image.d_h;
  cfg.g_threads = 1;
  cfg.g_lag_in_frames = 0;
  cfg.g_pass = VPX_RC_ONE_PASS;
  cfg.rc_end_usage = VPX_Q;
  cfg.kf_max_dist = MUZERO_RC_PROBE_SPAN;
  if (vpx->enc_init_ver(codec, vpx->vp9_cx(), &cfg, VPX_CODEC_USE_PSNR, vpx->encoder_abi))
    return false;
  ++probe->open;
  return !vpx->control(codec, VP8E_SET_CPUUSED, kFastest) &&
         !vpx->control(codec, VP8E_SET_ENABLEAUTOALTREF, 0);
}

static void work(void *context, int encode);

muzero_rc_probe_encoder *muzero_rc_probe_encoder_open(const muzero_rc_libvpx *libvpx,
                                                      unsigned width, unsigned height,
                                                      int32_t bit_depth) {
  muzero_rc_probe_encoder *probe = calloc(1, sizeof(*probe));
  if (!probe) return NULL;
  probe->libvpx = *libvpx;
  probe->bit_depth = bit_depth;
  probe->frame = malloc(muzero_rc_image_bytes(width, height, 8));
  bool opened = probe->frame != NULL;
  if (opened) probe->image = muzero_rc_image_of(width, height, 8, probe->frame);
  for (int encode = 0; encode < ENCODES && opened; ++encode) opened = open_codec(probe, encode);
  if (opened)
    opened = !muzero_rc_workers_open("muzero-rc probe", ENCODES, work, probe, &probe->workers);
  if (!opened) muzero_rc_probe_encoder_close(&probe);
  return probe;
}

void muzero_rc_probe_encoder_close(muzero_rc_probe_encoder **probe) {
  if (!*probe) return;
  muzero_rc_workers_close(&(*probe)->workers);
  for (int encode = 0; encode < (*probe)->open; ++encode)
    (*probe)->libvpx.destroy(&(*probe)->codecs[encode]);
  free((*probe)->frame);
  free(*probe);
  *probe = NULL;
}

static int level_of(int encode, int32_t frame) {
  if (encode < LEVELS) return kLevels[encode];
  const int variant = encode - LEVELS;
  return frame % kVariants[variant].period ? kLevels[0] : kVariants[variant].level;
}

/* Encodes the frame and adds it to the tally. Bits of its packet, or -1. */
static int64_t encode_frame(muzero_rc_probe_encoder *probe, int encode) {
  const muzero_rc_libvpx *const vpx = &probe->libvpx;
  vpx_codec_ctx_t *const codec = &probe->codecs[encode];
  tally *const sum = &probe->tallies[encode];
  const double lossless = 55.0; /* dB; what is finer counts as this */
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  int64_t bits = -1;
  const int level = level_of(encode, probe->encoded);
  if (level != probe->levels[encode] && vpx->control(codec, VP8E_SET_CQ_LEVEL, level)) return -1;
  probe->levels[encode] = level;
  if (vpx->encode(codec, &probe->image, probe->encoded, 1, 0, VPX_DL_REALTIME)) return -1;
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
  muzero_rc_probe_encoder *const probe = context;
  probe->bits[encode] = encode_frame(probe, encode);
}

static muzero_rc_probe_total total_of(const muzero_rc_probe_encoder *probe, int encode) {
  const double frames = (double)(probe->encoded % MUZERO_RC_PROBE_SPAN + 1);
  const tally *const sum = &probe->tallies[encode];
  return (muzero_rc_probe_total){.bits = sum->bits, .quality = (float)(sum->quality / frames)};
}

/* Waits for the frame that the workers have, and keeps what is known of it. */
static void finish_frame(muzero_rc_probe_encoder *probe) {
  muzero_rc_probe_total levels[LEVELS];
  if (!probe->busy) return;
  muzero_rc_workers_wait(probe->workers);
  probe->busy = false;
  muzero_rc_probe_frame *const frame = &probe->frames[probe->encoded % WAITING_MAX];
  for (int encode = 0; encode < ENCODES; ++encode) {
    if (probe->bits[encode] < 0) probe->failed = true;
    if (encode < LEVELS) frame->bits[encode] = probe->bits[encode];
  }
  for (int level = 0; level < LEVELS; ++level) levels[level] = total_of(probe, level);
  for (int variant = 0; variant < VARIANTS; ++variant) {
    const muzero_rc_probe_total total = total_of(probe, LEVELS + variant);
    frame->response[variant] = muzero_rc_probe_response(levels, &total);
  }
  ++probe->encoded;
}

void muzero_rc_probe_encoder_frame(muzero_rc_probe_encoder *probe, const vpx_image_t *image) {
  const bool is_420 = image->fmt == VPX_IMG_FMT_I420 || image->fmt == VPX_IMG_FMT_I42016;
  const bool fits =
      is_420 && image->d_w == probe->image.d_w && image->d_h == probe->image.d_h;
  finish_frame(probe);
  if (!fits || probe->encoded - probe->noted >= WAITING_MAX) probe->failed = true;
  if (probe->failed) return;
  muzero_rc_image_copy(image, probe->bit_depth, probe->frame);
  if (probe->encoded % MUZERO_RC_PROBE_SPAN == 0) memset(probe->tallies, 0, sizeof(probe->tallies));
  probe->busy = true;
  muzero_rc_workers_begin(probe->workers);
}

void muzero_rc_probe_encoder_note(muzero_rc_probe_encoder *probe, const vpx_fixed_buf_t *packet) {
  finish_frame(probe);
  if (probe->failed || probe->noted == probe->encoded) return;
  muzero_rc_frame_stats stats;
  if (!muzero_rc_packet_stats(packet, &stats) || (int32_t)stats.field[0] != probe->noted) {
    probe->failed = true; /* another frame than we think */
    return;
  }
  muzero_rc_probe_note_write(&stats, probe->noted, &probe->frames[probe->noted % WAITING_MAX]);
  memcpy(packet->buf, &stats, sizeof(stats));
  ++probe->noted;
}
