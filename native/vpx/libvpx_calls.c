#define _GNU_SOURCE /* RTLD_NEXT, for callers */
#include "vpx/libvpx_calls.h"

#include <dlfcn.h>
#include <string.h>

/* ISO C has no cast from data to function pointers; POSIX's dlsym needs one. */
static bool look_up(void *handle, const char *name, void *function) {
  void *const symbol = dlsym(handle, name);
  memcpy(function, &symbol, sizeof(symbol));
  return symbol != NULL;
}

int muzero_rc_highest_encoder_abi(vpx_codec_err_t (*enc_init_ver)(
    vpx_codec_ctx_t *, vpx_codec_iface_t *, const vpx_codec_enc_cfg_t *, vpx_codec_flags_t,
    int)) {
  enum { HIGHEST = 99 };
  /* Without a context libvpx looks at the ABI and returns. */
  for (int abi = HIGHEST; abi > 0; --abi)
    if (enc_init_ver(NULL, NULL, NULL, 0, abi) != VPX_CODEC_ABI_MISMATCH) return abi;
  return -1;
}

const char *muzero_rc_libvpx_fill(void *handle, muzero_rc_libvpx *libvpx) {
  const struct {
    const char *name;
    void *function;
  } needed[] = {{"vpx_codec_version_str", &libvpx->version_str},
                {"vpx_codec_enc_init_ver", &libvpx->enc_init_ver},
                {"vpx_codec_enc_config_default", &libvpx->enc_config_default},
                {"vpx_codec_enc_config_set", &libvpx->enc_config_set},
                {"vpx_codec_control_", &libvpx->control},
                {"vpx_codec_encode", &libvpx->encode},
                {"vpx_codec_get_cx_data", &libvpx->get_cx_data},
                {"vpx_codec_destroy", &libvpx->destroy},
                {"vpx_codec_get_caps", &libvpx->get_caps},
                {"vpx_codec_error", &libvpx->error},
                {"vpx_codec_error_detail", &libvpx->error_detail}};
  char unknown[256];
  *libvpx = (muzero_rc_libvpx){0};
  for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); ++i)
    if (!look_up(handle, needed[i].name, needed[i].function)) return needed[i].name;
  look_up(handle, "vpx_codec_vp9_cx", &libvpx->vp9_cx);
  libvpx->encoder_abi = muzero_rc_highest_encoder_abi(libvpx->enc_init_ver);
  libvpx->release = muzero_rc_release_of(libvpx->version_str(), libvpx->encoder_abi, unknown,
                                         sizeof(unknown));
  return NULL;
}

bool muzero_rc_libvpx_has_high_bit_depth(const muzero_rc_libvpx *libvpx) {
  return libvpx->vp9_cx && (libvpx->get_caps(libvpx->vp9_cx()) & VPX_CODEC_CAP_HIGHBITDEPTH);
}

const char *muzero_rc_libvpx_error(const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec) {
  const char *const detail = libvpx->error_detail(codec);
  return detail ? detail : libvpx->error(codec);
}
