/* libvpx's external rate control ABI: the one place that knows it by version.
 *
 * Everything else of ours includes this header instead of libvpx's own. The
 * interface broke in libvpx 1.13, 1.14, 1.15 and 1.16; its number tells. */
#ifndef MUZERO_RC_VPX_VPX_ABI_H_
#define MUZERO_RC_VPX_VPX_ABI_H_

#if defined(__has_include)
#if !__has_include(<vpx/vpx_ext_ratectrl.h>)
#error "muzero-rc needs libvpx 1.10, 1.11 or 1.12: this one has no vpx/vpx_ext_ratectrl.h."
#endif
#endif

#include <vpx/vpx_ext_ratectrl.h>

#if VPX_EXT_RATECTRL_ABI_VERSION != 1
#error "muzero-rc knows ABI 1 of vpx_ext_ratectrl.h only: install the headers of libvpx 1.10 to 1.12."
#endif

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#endif /* MUZERO_RC_VPX_VPX_ABI_H_ */
