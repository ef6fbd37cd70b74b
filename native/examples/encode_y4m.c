/* VP9 with a muzero-rc policy in a program of your own: y4m in, IVF out.
 *   cc encode_y4m.c $(pkg-config --cflags --libs muzero_rc vpx) -o encode_y4m
 *   ./encode_y4m in.y4m out.ivf KBPS POLICY CPU_USED AUTO_ALT_REF */
#include <muzero_rc/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

static void check(int failed, const char *what) {
  if (failed) exit(fprintf(stderr, "encode_y4m: %s\n", what) > 0);
}
static int read_frame(FILE *in, vpx_image_t *image) {
  char line[256];
  if (!fgets(line, sizeof(line), in) || strncmp(line, "FRAME", 5) != 0) return 0;
  for (unsigned plane = 0, half = 0; plane < 3; ++plane, half = 1)
    for (unsigned y = 0; y < (image->d_h + half) >> half; ++y)
      check(!fread(image->planes[plane] + y * (unsigned)image->stride[plane],
                   (image->d_w + half) >> half, 1, in), "the last frame is cut short");
  return 1;
}
static muzero_rc_plugin *plugin;
static int drain(vpx_codec_ctx_t *codec, muzero_rc_first_pass *first, vpx_fixed_buf_t *stats, FILE *out) {
  const vpx_codec_cx_pkt_t *packet; int count = 0;
  for (vpx_codec_iter_t iter = NULL; (packet = vpx_codec_get_cx_data(codec, &iter)) != NULL; ++count) {
    const vpx_fixed_buf_t data = packet->data.raw;
    const unsigned head[3] = {(unsigned)data.sz, (unsigned)packet->data.frame.pts};
    if (muzero_rc_plugin_packet(plugin, packet), packet->kind == VPX_CODEC_CX_FRAME_PKT)
      check(!fwrite(head, 12, 1, out) || !fwrite(data.buf, data.sz, 1, out), "no space left");
    if (packet->kind != VPX_CODEC_STATS_PKT) continue;
    muzero_rc_first_pass_note(first, data.buf, data.sz);
    check(!(stats->buf = realloc(stats->buf, stats->sz + data.sz)), "out of memory");
    memcpy((char *)stats->buf + (stats->sz += data.sz) - data.sz, data.buf, data.sz);
  }
  return count;
}
int main(int argc, char **argv) {
  check(argc != 7, "usage: encode_y4m IN.y4m OUT.ivf KBPS POLICY CPU_USED AUTO_ALT_REF");
  FILE *const in = fopen(argv[1], "rb"), *const out = fopen(argv[2], "wb");
  unsigned w, h, num, den;
  char header[256], error[256] = "out of memory, or this libvpx is unknown";
  muzero_rc_policy *policy = NULL;
  vpx_rc_funcs_t funcs; /* libvpx's callbacks, filled by ours */
  check(muzero_rc_policy_open(argv[4], &policy, error, sizeof(error)) ||
        muzero_rc_plugin_open(policy, &plugin) ||
        muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs), error);
  check(!in || !out || !fgets(header, 256, in) || sscanf(header, "YUV4MPEG2 W%u H%u F%u:%u", &w, &h,
        &num, &den) != 4, "IN is no y4m, or OUT cannot be written");
  const unsigned ivf[8] = {0x46494b44, 32 << 16, 0x30395056, w | h << 16, num, den};
  vpx_image_t *const image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, w, h, 1);
  vpx_fixed_buf_t stats = {NULL, 0};
  check(!image || !fwrite(ivf, sizeof(ivf), 1, out), "out of memory or space");
  for (int pass = VPX_RC_FIRST_PASS; pass <= VPX_RC_LAST_PASS; ++pass) {
    vpx_codec_ctx_t codec; vpx_codec_enc_cfg_t cfg;
    muzero_rc_first_pass *first = NULL; /* probe encodes, beside the first pass only */
    vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &cfg, 0);
    cfg.g_w = w, cfg.g_h = h, cfg.g_pass = pass, cfg.rc_twopass_stats_in = stats;
    cfg.g_timebase = (vpx_rational_t){(int)den, (int)num}; /* a tick is a frame */
    cfg.rc_end_usage = VPX_VBR, cfg.rc_target_bitrate = (unsigned)atoi(argv[3]);
    check(vpx_codec_enc_init(&codec, vpx_codec_vp9_cx(), &cfg, VPX_CODEC_USE_PSNR), "libvpx refuses the settings");
    vpx_codec_control(&codec, VP8E_SET_CPUUSED, atoi(argv[5])), muzero_rc_plugin_gops(plugin, &cfg, atoi(argv[6]));
    vpx_codec_control(&codec, VP8E_SET_ENABLEAUTOALTREF, (unsigned)atoi(argv[6]));
    if (pass == VPX_RC_LAST_PASS) vpx_codec_control(&codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &funcs);
    if (pass == VPX_RC_FIRST_PASS) muzero_rc_first_pass_open(MUZERO_RC_LIBVPX, (int)w, (int)h, 8, &first);
    const muzero_rc_encoder_setup setup = {MUZERO_RC_LIBVPX, &cfg, atoi(argv[6]), -1, -1, 0};
    fseek(in, (long)strlen(header), SEEK_SET);
    for (int pts = 0, more = 1; drain(&codec, first, &stats, out) || more; ++pts) {
      vpx_image_t *const next = (more = read_frame(in, image)) ? image : NULL; /* NULL: flush */
      muzero_rc_first_pass_frame(first, next);
      if (pass == VPX_RC_LAST_PASS) muzero_rc_plugin_before_encode(plugin, &setup, &codec, next);
      check(vpx_codec_encode(&codec, next, pts, 1, 0, VPX_DL_GOOD_QUALITY), "libvpx failed");
    }
    vpx_codec_destroy(&codec), muzero_rc_first_pass_close(&first);
  }
  printf("%d decisions\n", (int)muzero_rc_plugin_report(plugin).decisions);
  muzero_rc_plugin_close(&plugin), muzero_rc_policy_close(&policy), vpx_img_free(image), free(stats.buf);
  return fclose(in) || fclose(out);
}
