/* Two passes over raw 4:2:0 frames by the libvpx that this is linked to, with the encoder ABI that
 * it is told; under the preload library the last pass is a policy's.
 *   encode_raw IN OUT ABI WIDTH HEIGHT KBPS AUTO_ALT_REF
 * OUT: each packet behind its size, 4 bytes. Fails where libvpx gives PSNR, for which nobody asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

static void check(int failed, const char *what) {
  if (!failed) return;
  fprintf(stderr, "encode_raw: %s\n", what);
  exit(1);
}

static int drain(vpx_codec_ctx_t *codec, vpx_fixed_buf_t *stats, FILE *out) {
  const vpx_codec_cx_pkt_t *packet;
  vpx_codec_iter_t iterator = NULL;
  int count = 0;
  for (; (packet = vpx_codec_get_cx_data(codec, &iterator)) != NULL; ++count) {
    const vpx_fixed_buf_t data = packet->data.raw;
    const unsigned size = (unsigned)data.sz;
    check(packet->kind == VPX_CODEC_PSNR_PKT, "a PSNR packet");
    if (packet->kind == VPX_CODEC_CX_FRAME_PKT)
      check(!fwrite(&size, 4, 1, out) || !fwrite(data.buf, data.sz, 1, out), "no space left");
    if (packet->kind != VPX_CODEC_STATS_PKT) continue;
    check(!(stats->buf = realloc(stats->buf, stats->sz + data.sz)), "out of memory");
    memcpy((char *)stats->buf + stats->sz, data.buf, data.sz);
    stats->sz += data.sz;
  }
  return count;
}

int main(int argc, char **argv) {
  check(argc != 8, "usage: encode_raw IN OUT ABI WIDTH HEIGHT KBPS AUTO_ALT_REF");
  FILE *const in = fopen(argv[1], "rb"), *const out = fopen(argv[2], "wb");
  const unsigned width = (unsigned)atoi(argv[4]), height = (unsigned)atoi(argv[5]);
  const size_t bytes = width * height * 3 / 2;
  unsigned char *const frame = malloc(bytes);
  vpx_fixed_buf_t stats = {NULL, 0};
  vpx_image_t image;
  check(!in || !out || !frame, "IN or OUT cannot be opened");
  vpx_img_wrap(&image, VPX_IMG_FMT_I420, width, height, 1, frame);
  for (int pass = VPX_RC_FIRST_PASS; pass <= VPX_RC_LAST_PASS; ++pass) {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t cfg;
    vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &cfg, 0);
    cfg.g_w = width, cfg.g_h = height, cfg.g_pass = pass, cfg.rc_twopass_stats_in = stats;
    cfg.g_timebase = (vpx_rational_t){1, 25};
    cfg.g_threads = 1;
    cfg.rc_end_usage = VPX_VBR, cfg.rc_target_bitrate = (unsigned)atoi(argv[6]);
    check(vpx_codec_enc_init_ver(&codec, vpx_codec_vp9_cx(), &cfg, 0, atoi(argv[3])), "no encoder");
    vpx_codec_control_(&codec, VP8E_SET_CPUUSED, 5);
    vpx_codec_control_(&codec, VP8E_SET_ENABLEAUTOALTREF, atoi(argv[7]));
    rewind(in);
    for (int pts = 0, more = 1; drain(&codec, &stats, out) || more; ++pts) {
      more = fread(frame, bytes, 1, in) == 1;
      check(vpx_codec_encode(&codec, more ? &image : NULL, pts, 1, 0, VPX_DL_GOOD_QUALITY),
            "encoding failed");
    }
    vpx_codec_destroy(&codec);
  }
  return fclose(in) || fclose(out);
}
