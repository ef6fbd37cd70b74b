/* The life of an intercepted encoder: whether its rate control can be ours, and what became of
 * it. */
#ifndef MUZERO_RC_PLUGIN_INTERCEPT_H_
#define MUZERO_RC_PLUGIN_INTERCEPT_H_

#include <muzero_rc/plugin.h>

#include "vpx/first_pass_notes.h"
#include "plugin/resolve.h"
#include "plugin/stats_times.h"

/* One encoder of the program, from its init to its destroy. */
typedef struct muzero_rc_encoder {
  struct muzero_rc_encoder *next;
  const vpx_codec_priv_t *key;
  int abi; /* the program's VPX_ENCODER_ABI_VERSION */
  const muzero_rc_release *release; /* of its libvpx; NULL: unknown */
  bool vp9;
  vpx_codec_flags_t flags;
  vpx_codec_enc_cfg_t cfg; /* only where both are known */
  bool lossless, layers, own_rate_control;
  bool asked_psnr; /* by the program; we may ask for our own */
  int32_t auto_alt_ref;
  bool started; /* its first encode call came */
  bool refused; /* MUZERO_RC_STRICT: no encode call succeeds */
  int32_t kept;   /* levers on GOPs that the program has set itself, MUZERO_RC_KEEP_... */
  bool shape_failed; /* and it was said */
  muzero_rc_plugin *plugin; /* NULL: libvpx's own rate control */
  muzero_rc_first_pass_notes *notes; /* beside a first pass, or NULL */
  muzero_rc_stats_times *times;      /* of a first pass, or NULL */
  int32_t expected; /* frames that the first pass saw, where that is known */
  int64_t fed;      /* frames of a second pass so far */
} muzero_rc_encoder;

/* The first encode call: registers our callbacks, or starts the probe encodes of
 * a first pass, or says why not. */
void muzero_rc_encoder_start(muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                             const muzero_rc_libvpx *libvpx, unsigned long deadline);

/* Whether the frames' errors have to be asked of libvpx for it, before it is opened. */
bool muzero_rc_encoder_needs_psnr(const muzero_rc_libvpx *libvpx, const vpx_codec_enc_cfg_t *cfg,
                                  int abi);

/* Before each encode call, after the first's start: of a frame, or with `flush` of none. */
void muzero_rc_encoder_frame(muzero_rc_encoder *encoder, vpx_codec_pts_t pts,
                             unsigned long duration, bool flush);

/* A packet that was held back and is due, or NULL. */
const vpx_codec_cx_pkt_t *muzero_rc_encoder_due(muzero_rc_encoder *encoder);

/* A packet that comes out of it. False: the program does not know of it. */
bool muzero_rc_encoder_packet(muzero_rc_encoder *encoder, const vpx_codec_cx_pkt_t *packet);

/* Before each encode call, after the first's start: the shape of the GOP that it begins. */
void muzero_rc_encoder_shape(muzero_rc_encoder *encoder, vpx_codec_ctx_t *codec,
                             const muzero_rc_libvpx *libvpx, const vpx_image_t *image);

/* Its settings changed. */
void muzero_rc_encoder_configure(muzero_rc_encoder *encoder, const vpx_codec_enc_cfg_t *cfg);

/* A control call that succeeded, with its argument. */
void muzero_rc_encoder_control(muzero_rc_encoder *encoder, int id, const void *argument);

/* libvpx destroyed it: says what was done. Frees `encoder`. */
void muzero_rc_encoder_finish(muzero_rc_encoder *encoder);

/* One line on stderr, with our name before it. */
__attribute__((format(printf, 1, 2))) void muzero_rc_say(const char *format, ...);

#endif /* MUZERO_RC_PLUGIN_INTERCEPT_H_ */
