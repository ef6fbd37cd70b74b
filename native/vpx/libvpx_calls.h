/* The table of libvpx's functions: ours may be linked to it, or wrapped round it. */
#ifndef MUZERO_RC_VPX_LIBVPX_CALLS_H_
#define MUZERO_RC_VPX_LIBVPX_CALLS_H_

#include "vpx/vpx_abi.h"

typedef struct muzero_rc_libvpx {
  vpx_codec_iface_t *(*vp9_cx)(void);
  vpx_codec_err_t (*enc_config_default)(vpx_codec_iface_t *, vpx_codec_enc_cfg_t *, unsigned);
  vpx_codec_err_t (*enc_init_ver)(vpx_codec_ctx_t *, vpx_codec_iface_t *,
                                  const vpx_codec_enc_cfg_t *, vpx_codec_flags_t, int);
  vpx_codec_err_t (*enc_config_set)(vpx_codec_ctx_t *, const vpx_codec_enc_cfg_t *);
  vpx_codec_err_t (*control)(vpx_codec_ctx_t *, int, ...);
  vpx_codec_err_t (*encode)(vpx_codec_ctx_t *, const vpx_image_t *, vpx_codec_pts_t,
                            unsigned long, vpx_enc_frame_flags_t, unsigned long);
  const vpx_codec_cx_pkt_t *(*get_cx_data)(vpx_codec_ctx_t *, vpx_codec_iter_t *);
  vpx_codec_err_t (*destroy)(vpx_codec_ctx_t *);
} muzero_rc_libvpx;

/* The libvpx that we are linked to; only where we are. */
muzero_rc_libvpx muzero_rc_libvpx_linked(void);

#endif /* MUZERO_RC_VPX_LIBVPX_CALLS_H_ */
