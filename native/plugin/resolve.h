/* The functions of the libvpx that an encoder really belongs to. */
#ifndef MUZERO_RC_PLUGIN_RESOLVE_H_
#define MUZERO_RC_PLUGIN_RESOLVE_H_

#include <stdbool.h>

#include "../vpx/vpx_abi.h"

typedef struct muzero_rc_libvpx {
  vpx_codec_iface_t *(*vp9_cx)(void);
  vpx_codec_err_t (*enc_init_ver)(vpx_codec_ctx_t *, vpx_codec_iface_t *,
                                  const vpx_codec_enc_cfg_t *, vpx_codec_flags_t, int);
  vpx_codec_err_t (*enc_config_set)(vpx_codec_ctx_t *, const vpx_codec_enc_cfg_t *);
  vpx_codec_err_t (*control)(vpx_codec_ctx_t *, int, ...);
  vpx_codec_err_t (*encode)(vpx_codec_ctx_t *, const vpx_image_t *, vpx_codec_pts_t,
                            unsigned long, vpx_enc_frame_flags_t, unsigned long);
  vpx_codec_err_t (*destroy)(vpx_codec_ctx_t *);
} muzero_rc_libvpx;

/* Fills *libvpx with the functions of the library that `iface` lies in, however
 * that was loaded, else with the next in the search order. NULL is fine.
 * Thread-safe. False when there is none. */
bool muzero_rc_libvpx_of(const vpx_codec_iface_t *iface, muzero_rc_libvpx *libvpx);

#endif /* MUZERO_RC_PLUGIN_RESOLVE_H_ */
