/* Uses what the public headers define, as a program of one's own would: compiled as C11, C++11 and
 * C++20, never run. */
#include <muzero_rc/plugin.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

int use_macros(muzero_rc_plugin *plugin, vpx_codec_ctx_t *codec, const vpx_codec_enc_cfg_t *cfg,
               muzero_rc_first_pass **first);

int use_macros(muzero_rc_plugin *plugin, vpx_codec_ctx_t *codec, const vpx_codec_enc_cfg_t *cfg,
               muzero_rc_first_pass **first) {
  const muzero_rc_functions *const libvpx = MUZERO_RC_LIBVPX;
  const muzero_rc_peak peak = {450, 900};
  muzero_rc_encoder_setup setup;
  setup.libvpx = MUZERO_RC_LIBVPX;
  setup.cfg = cfg;
  setup.auto_alt_ref = setup.arnr_strength = setup.arnr_max_frames = -1;
  setup.keep = MUZERO_RC_KEEP_LENGTH | MUZERO_RC_KEEP_LAYERS | MUZERO_RC_KEEP_FILTER;
  const int refused = muzero_rc_plugin_peak(plugin, &peak);
  if (refused || muzero_rc_plugin_before_encode(plugin, &setup, codec, NULL)) return 1;
  return muzero_rc_first_pass_open(libvpx, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX, 8, first);
}
