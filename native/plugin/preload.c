/* LD_PRELOAD into any program that links libvpx: the same calls, with our rate
 * control registered at the first vpx_codec_encode(), when all settings are
 * made. Whatever is not ours passes untouched.
 *
 * Environment: MUZERO_RC_POLICY, "controller" (default), "libvpx" or a policy
 * file; MUZERO_RC_STRICT=1 refuses encodes that a policy should have had;
 * MUZERO_RC_PROGRAM, the process that says so when it opened no encoder. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/intercept.h"

#define EXPORT __attribute__((visibility("default")))

static struct {
  pthread_mutex_t lock;
  muzero_rc_encoder *first;
  bool any;     /* an encoder was opened */
  bool refused; /* libvpx would not open one */
} encoders = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep(muzero_rc_encoder *encoder) {
  pthread_mutex_lock(&encoders.lock);
  encoder->next = encoders.first;
  encoders.first = encoder;
  encoders.any = true;
  pthread_mutex_unlock(&encoders.lock);
}

static void note_refusal(void) {
  pthread_mutex_lock(&encoders.lock);
  encoders.refused = true;
  pthread_mutex_unlock(&encoders.lock);
}

/* By libvpx's own part of a context: programs may move the context itself. */
static muzero_rc_encoder *find(const vpx_codec_ctx_t *codec, bool take_out) {
  if (!codec || !codec->priv) return NULL;
  pthread_mutex_lock(&encoders.lock);
  muzero_rc_encoder **link = &encoders.first;
  while (*link && (*link)->key != codec->priv) link = &(*link)->next;
  muzero_rc_encoder *const found = *link;
  if (found && take_out) *link = found->next;
  pthread_mutex_unlock(&encoders.lock);
  return found;
}

static const vpx_codec_iface_t *iface_of(const vpx_codec_ctx_t *codec) {
  return codec ? codec->iface : NULL;
}

EXPORT vpx_codec_err_t vpx_codec_enc_init_ver(vpx_codec_ctx_t *codec, vpx_codec_iface_t *iface,
                                              const vpx_codec_enc_cfg_t *cfg,
                                              vpx_codec_flags_t flags, int abi) {
  muzero_rc_libvpx libvpx;
  if (!muzero_rc_libvpx_of(iface, &libvpx)) return VPX_CODEC_ERROR;
  const bool vp9 = libvpx.vp9_cx && iface == libvpx.vp9_cx();
  const bool psnr = vp9 && muzero_rc_encoder_needs_psnr(&libvpx, cfg, abi);
  const vpx_codec_err_t status =
      libvpx.enc_init_ver(codec, iface, cfg, psnr ? flags | VPX_CODEC_USE_PSNR : flags, abi);
  if (status) note_refusal();
  if (status || !codec || !codec->priv) return status;
  muzero_rc_encoder *const encoder = calloc(1, sizeof(*encoder));
  if (!encoder) return status; /* libvpx's own rate control */
  encoder->key = codec->priv;
  encoder->abi = abi;
  encoder->flags = flags;
  encoder->release = libvpx.release;
  encoder->vp9 = vp9;
  encoder->asked_psnr = (flags & VPX_CODEC_USE_PSNR) != 0;
  encoder->auto_alt_ref = 1; /* libvpx's default */
  muzero_rc_encoder_configure(encoder, cfg);
  keep(encoder);
  return status;
}

EXPORT vpx_codec_err_t vpx_codec_enc_config_set(vpx_codec_ctx_t *codec,
                                                const vpx_codec_enc_cfg_t *cfg) {
  muzero_rc_libvpx libvpx;
  if (!muzero_rc_libvpx_of(iface_of(codec), &libvpx)) return VPX_CODEC_ERROR;
  const vpx_codec_err_t status = libvpx.enc_config_set(codec, cfg);
  muzero_rc_encoder *const encoder = find(codec, false);
  if (!status && encoder) muzero_rc_encoder_configure(encoder, cfg);
  return status;
}

EXPORT vpx_codec_err_t vpx_codec_control_(vpx_codec_ctx_t *codec, int id, ...) {
  muzero_rc_libvpx libvpx;
  va_list arguments;
  if (!muzero_rc_libvpx_of(iface_of(codec), &libvpx)) return VPX_CODEC_ERROR;
  /* One argument, an int or a pointer: as a pointer it travels whole in either
   * case, wherever small arguments fill a register or a slot of a pointer's size. */
  va_start(arguments, id);
  void *const argument = va_arg(arguments, void *);
  va_end(arguments);
  const vpx_codec_err_t status = libvpx.control(codec, id, argument);
  muzero_rc_encoder *const encoder = find(codec, false);
  if (!status && encoder) muzero_rc_encoder_control(encoder, id, argument);
  return status;
}

EXPORT vpx_codec_err_t vpx_codec_encode(vpx_codec_ctx_t *codec, const vpx_image_t *image,
                                        vpx_codec_pts_t pts, unsigned long duration,
                                        vpx_enc_frame_flags_t flags, unsigned long deadline) {
  muzero_rc_libvpx libvpx;
  if (!muzero_rc_libvpx_of(iface_of(codec), &libvpx)) return VPX_CODEC_ERROR;
  muzero_rc_encoder *const encoder = find(codec, false);
  if (encoder && !encoder->started) muzero_rc_encoder_start(encoder, codec, &libvpx, deadline);
  if (encoder && encoder->refused) {
    codec->err_detail = "refused by muzero-rc, whose policy cannot run";
    return codec->err = VPX_CODEC_ERROR;
  }
  if (encoder) muzero_rc_encoder_frame(encoder, pts, duration, image == NULL);
  if (encoder) muzero_rc_encoder_shape(encoder, codec, &libvpx, image);
  if (encoder && encoder->notes && image) muzero_rc_first_pass_notes_frame(encoder->notes, image);
  return libvpx.encode(codec, image, pts, duration, flags, deadline);
}

EXPORT const vpx_codec_cx_pkt_t *vpx_codec_get_cx_data(vpx_codec_ctx_t *codec,
                                                       vpx_codec_iter_t *iterator) {
  muzero_rc_libvpx libvpx;
  if (!muzero_rc_libvpx_of(iface_of(codec), &libvpx)) return NULL;
  muzero_rc_encoder *const encoder = find(codec, false);
  const vpx_codec_cx_pkt_t *const due = encoder ? muzero_rc_encoder_due(encoder) : NULL;
  if (due) return due;
  const vpx_codec_cx_pkt_t *packet = libvpx.get_cx_data(codec, iterator);
  while (packet && encoder && !muzero_rc_encoder_packet(encoder, packet))
    packet = libvpx.get_cx_data(codec, iterator);
  return packet;
}

EXPORT vpx_codec_err_t vpx_codec_destroy(vpx_codec_ctx_t *codec) {
  muzero_rc_libvpx libvpx;
  if (!muzero_rc_libvpx_of(iface_of(codec), &libvpx)) return VPX_CODEC_ERROR;
  muzero_rc_encoder *const encoder = find(codec, true);
  const vpx_codec_err_t status = libvpx.destroy(codec);
  if (encoder) muzero_rc_encoder_finish(encoder);
  return status;
}

/* A program with libvpx built in, or none, gives us nothing to wrap. */
__attribute__((destructor)) static void at_exit(void) {
  const char *const program = getenv("MUZERO_RC_PROGRAM");
  if (!program || encoders.any || strtol(program, NULL, 10) != (long)getpid()) return;
  if (encoders.refused) {
    muzero_rc_say("libvpx refused the program's settings and opened no encoder: nothing was done");
    return;
  }
  muzero_rc_say("the program opened no encoder of a shared libvpx: nothing was done%s",
                muzero_rc_libvpx_is_there() ? "" : " (has it a libvpx built in?)");
}
