#include "vpx/version.h"

#include <errno.h>
#include <stdio.h>

#include "vpx/vpx_abi.h"

#ifndef MUZERO_RC_VPX_BUILT
#error "the build must define MUZERO_RC_VPX_BUILT, libvpx's version according to pkg-config"
#endif

const char *muzero_rc_vpx_built(void) { return MUZERO_RC_VPX_BUILT; }

const char *muzero_rc_vpx_loaded(void) {
  const char *const version = vpx_codec_version_str();
  return *version == 'v' ? version + 1 : version;
}

static int same_release(const char *a, const char *b) {
  int a_major = 0, a_minor = 0, b_major = -1, b_minor = -1;
  sscanf(a, "%d.%d", &a_major, &a_minor);
  sscanf(b, "%d.%d", &b_major, &b_minor);
  return a_major == b_major && a_minor == b_minor;
}

int muzero_rc_vpx_check(char *error, size_t error_size) {
  /* Without a context libvpx looks at the ABI and returns. */
  const vpx_codec_err_t status =
      vpx_codec_enc_init_ver(NULL, NULL, NULL, 0, VPX_ENCODER_ABI_VERSION);
  const char *const built = muzero_rc_vpx_built(), *const loaded = muzero_rc_vpx_loaded();
  if (status != VPX_CODEC_ABI_MISMATCH && same_release(built, loaded)) return 0;
  snprintf(error, error_size,
           "built for libvpx %s, but libvpx %s is loaded: reinstall muzero-rc, "
           "so that it is compiled against the libvpx that is here",
           built, loaded);
  return -ENOTSUP;
}
