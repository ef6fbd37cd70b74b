/* The notes of a first pass for programs that embed libvpx: their functions, our types. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <stdlib.h>

#include "vpx/first_pass_notes.h"

struct muzero_rc_first_pass {
  muzero_rc_first_pass_notes *notes;
};

static muzero_rc_libvpx typed(const muzero_rc_functions *functions) {
  return (muzero_rc_libvpx){
      .vp9_cx = (vpx_codec_iface_t * (*)(void)) functions->vp9_cx,
      .enc_config_default =
          (vpx_codec_err_t(*)(vpx_codec_iface_t *, vpx_codec_enc_cfg_t *,
                              unsigned))functions->enc_config_default,
      .enc_init_ver = (vpx_codec_err_t(*)(vpx_codec_ctx_t *, vpx_codec_iface_t *,
                                          const vpx_codec_enc_cfg_t *, vpx_codec_flags_t,
                                          int))functions->enc_init_ver,
      .control = (vpx_codec_err_t(*)(vpx_codec_ctx_t *, int, ...))functions->control,
      .encode = (vpx_codec_err_t(*)(vpx_codec_ctx_t *, const vpx_image_t *, vpx_codec_pts_t,
                                    unsigned long, vpx_enc_frame_flags_t,
                                    unsigned long))functions->encode,
      .get_cx_data = (const vpx_codec_cx_pkt_t *(*)(vpx_codec_ctx_t *,
                                                    vpx_codec_iter_t *))functions->get_cx_data,
      .destroy = (vpx_codec_err_t(*)(vpx_codec_ctx_t *))functions->destroy,
  };
}

int muzero_rc_first_pass_open(const muzero_rc_functions *functions, int32_t width, int32_t height,
                              int32_t bit_depth, muzero_rc_first_pass **first) {
  *first = NULL;
  if (width < 1 || height < 1 || bit_depth < 8 || bit_depth > 12) return -EINVAL;
  muzero_rc_first_pass *const opened = calloc(1, sizeof(*opened));
  if (!opened) return -ENOMEM;
  muzero_rc_libvpx libvpx = typed(functions);
  libvpx.encoder_abi = muzero_rc_highest_encoder_abi(libvpx.enc_init_ver);
  opened->notes = muzero_rc_first_pass_notes_open(&libvpx, (unsigned)width, (unsigned)height,
                                                  bit_depth);
  if (!opened->notes) {
    free(opened);
    return -ENOTSUP;
  }
  *first = opened;
  return 0;
}

void muzero_rc_first_pass_frame(muzero_rc_first_pass *first, const struct vpx_image *image) {
  if (first && image) muzero_rc_first_pass_notes_frame(first->notes, image);
}

void muzero_rc_first_pass_note(muzero_rc_first_pass *first, void *stats, size_t size) {
  const vpx_fixed_buf_t packet = {.buf = stats, .sz = size};
  if (first && stats) muzero_rc_first_pass_notes_write(first->notes, &packet);
}

void muzero_rc_first_pass_close(muzero_rc_first_pass **first) {
  if (!first || !*first) return;
  muzero_rc_first_pass_notes_close(&(*first)->notes);
  free(*first);
  *first = NULL;
}
