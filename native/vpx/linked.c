#include "vpx/libvpx_calls.h"

muzero_rc_libvpx muzero_rc_libvpx_linked(void) {
  return (muzero_rc_libvpx){.vp9_cx = vpx_codec_vp9_cx,
                            .enc_config_default = vpx_codec_enc_config_default,
                            .enc_init_ver = vpx_codec_enc_init_ver,
                            .enc_config_set = vpx_codec_enc_config_set,
                            .control = vpx_codec_control_,
                            .encode = vpx_codec_encode,
                            .get_cx_data = vpx_codec_get_cx_data,
                            .destroy = vpx_codec_destroy};
}
