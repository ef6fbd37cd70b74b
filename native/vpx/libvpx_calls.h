/* The table of libvpx's functions: no code of ours links it. */
#ifndef MUZERO_RC_VPX_LIBVPX_CALLS_H_
#define MUZERO_RC_VPX_LIBVPX_CALLS_H_

#include <stdbool.h>

#include "vpx/abi/release.h"
#include "vpx/libvpx_types.h"

typedef struct muzero_rc_libvpx {
  const char *(*version_str)(void);
  vpx_codec_iface_t *(*vp9_cx)(void); /* NULL in a libvpx without VP9's encoder */
  vpx_codec_err_t (*enc_config_default)(vpx_codec_iface_t *, vpx_codec_enc_cfg_t *, unsigned);
  vpx_codec_err_t (*enc_init_ver)(vpx_codec_ctx_t *, vpx_codec_iface_t *,
                                  const vpx_codec_enc_cfg_t *, vpx_codec_flags_t, int);
  vpx_codec_err_t (*enc_config_set)(vpx_codec_ctx_t *, const vpx_codec_enc_cfg_t *);
  vpx_codec_err_t (*control)(vpx_codec_ctx_t *, int, ...);
  vpx_codec_err_t (*encode)(vpx_codec_ctx_t *, const vpx_image_t *, vpx_codec_pts_t,
                            unsigned long, vpx_enc_frame_flags_t, unsigned long);
  const vpx_codec_cx_pkt_t *(*get_cx_data)(vpx_codec_ctx_t *, vpx_codec_iter_t *);
  vpx_codec_err_t (*destroy)(vpx_codec_ctx_t *);
  vpx_codec_caps_t (*get_caps)(vpx_codec_iface_t *);
  const char *(*error)(vpx_codec_ctx_t *);
  const char *(*error_detail)(vpx_codec_ctx_t *);
  int encoder_abi; /* the highest that it takes; -1: none that we would know */
  const muzero_rc_release *release; /* NULL: unknown, so its rate control cannot be ours */
} muzero_rc_libvpx;

/* Fills *libvpx with the functions of a library that dlopen() gave, or RTLD_NEXT, and says what
 * it is. NULL, or the name of a function that it lacks. */
const char *muzero_rc_libvpx_fill(void *handle, muzero_rc_libvpx *libvpx);

/* The highest encoder ABI that this function takes, -1 when it is none of a libvpx. Builds differ
 * in whether they take older ones too. */
int muzero_rc_highest_encoder_abi(vpx_codec_err_t (*enc_init_ver)(
    vpx_codec_ctx_t *, vpx_codec_iface_t *, const vpx_codec_enc_cfg_t *, vpx_codec_flags_t, int));

/* Whether it was built for more than 8 bits a sample. */
bool muzero_rc_libvpx_has_high_bit_depth(const muzero_rc_libvpx *libvpx);

/* What libvpx says of its last failure. */
const char *muzero_rc_libvpx_error(const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec);

#endif /* MUZERO_RC_VPX_LIBVPX_CALLS_H_ */
