/* libvpx's types, as far as they are the same in libvpx 1.10 to 1.17: any of their headers does to
 * compile. Everything else of ours includes this header instead of libvpx's own.
 *
 * Not the same, and never used here: its external rate control (vpx/abi has own declarations of
 * it), VPX_ENCODER_ABI_VERSION, and the numbers of controls from 66 on. */
#ifndef MUZERO_RC_VPX_LIBVPX_TYPES_H_
#define MUZERO_RC_VPX_LIBVPX_TYPES_H_

#define VPX_DISABLE_CTRL_TYPECHECKS 1 /* else the headers define callers of libvpx */
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

_Static_assert(sizeof(vpx_codec_ctx_t) == 7 * sizeof(void *) &&
                   sizeof(vpx_codec_enc_cfg_t) == 504 && sizeof(vpx_codec_cx_pkt_t) == 136 &&
                   sizeof(vpx_image_t) == 136,
               "libvpx's types have another size than in libvpx 1.10 to 1.17");
_Static_assert(VP8E_SET_CQ_LEVEL == 25 && VP9E_SET_LOSSLESS == 32 && VP9E_SET_SVC == 39 &&
                   VP9E_SET_MIN_GF_INTERVAL == 48 && VP9E_SET_ROW_MT == 55 && VP9E_SET_TPL == 65,
               "libvpx's controls have other numbers than in libvpx 1.10 to 1.17");

#endif /* MUZERO_RC_VPX_LIBVPX_TYPES_H_ */
