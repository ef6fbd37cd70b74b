/* muzero-rc for programs that embed libvpx: fills the callbacks of its external
 * rate control. This header needs libvpx neither to compile nor to link, and
 * libmuzero_rc never loads it: the program brings its own.
 *
 *   muzero_rc_policy_open(name, &policy, error, sizeof(error));
 *   muzero_rc_plugin_open(policy, &plugin);                  one per encoder
 *   muzero_rc_plugin_funcs(plugin, VPX_EXT_RATECTRL_ABI_VERSION, &funcs);
 *   vpx_codec_control(&codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &funcs);
 *   muzero_rc_plugin_gops(plugin, &cfg, auto_alt_ref);
 *   ... the last pass of two, VPX_VBR, VPX_DL_GOOD_QUALITY, VPX_CODEC_USE_PSNR;
 *   before each vpx_codec_encode():
 *   muzero_rc_plugin_before_encode(plugin, &setup, &codec, image);   shapes of GOPs
 *   muzero_rc_plugin_packet(plugin, packet);                 each that the encoder gives
 *   vpx_codec_destroy(&codec);
 *   report = muzero_rc_plugin_report(plugin);                what it did
 *
 * Beside the first pass run probe encodes and a lookahead, which tell a policy what
 * the clip takes; without them it knows less, and files get larger:
 *
 *   muzero_rc_first_pass_open(MUZERO_RC_LIBVPX, width, height, 8, &first);
 *   ... before each vpx_codec_encode() of a frame:
 *   muzero_rc_first_pass_frame(first, image);
 *   ... for each VPX_CODEC_STATS_PKT, before keeping it:
 *   muzero_rc_first_pass_note(first, packet->data.twopass_stats.buf, ...sz);
 *   muzero_rc_first_pass_close(&first);
 *
 * In any other mode libvpx accepts the callbacks and never asks: a report of
 * no decisions says so. native/examples/encode_y4m.c is a whole program. */
#ifndef MUZERO_RC_PLUGIN_H_
#define MUZERO_RC_PLUGIN_H_

#include <muzero_rc/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One encoder's rate control. Many threads may run one each over one policy. */
typedef struct muzero_rc_plugin muzero_rc_plugin;

/* libvpx's vpx_rc_funcs_t. */
struct vpx_rc_funcs;

/* libvpx's vpx_codec_enc_cfg_t and vpx_codec_cx_pkt_t. */
struct vpx_codec_enc_cfg;
struct vpx_codec_cx_pkt;

/* What was done for the encoder so far, or until its end. */
typedef struct muzero_rc_report {
  int64_t decisions; /* coded frames whose qindex we chose */
  int64_t guarded;   /* of these, coarser than the policy asked, to keep the budget */
  int64_t fallbacks; /* of these, the network answered NaN or inf: the controller chose */
  int64_t nanoseconds; /* spent in our callbacks */
  int32_t error;     /* 0, or the negative errno for which a callback failed the encode */
  int32_t reserved;
  double fill;      /* share of the target's bits that was used */
  double peak_used; /* share of a peak's buffer that was used at most; 0 without one */
} muzero_rc_report;

/* How fast a policy is on this machine, in CPU time. */
typedef struct muzero_rc_speed {
  double open_us;   /* a model, per frame of the clip */
  double median_us; /* of one decision, its features and bookkeeping included */
  double p99_us;
} muzero_rc_speed;

/* Opens the rate control of one encoder. `policy` must outlive it, and it must
 * outlive the encoder. The caller owns *plugin. -ENOMEM. */
MUZERO_RC_API int muzero_rc_plugin_open(const muzero_rc_policy *policy, muzero_rc_plugin **plugin);

/* Closes and sets *plugin to NULL; NULL is fine. */
MUZERO_RC_API void muzero_rc_plugin_close(muzero_rc_plugin **plugin);

/* Holds every qindex within [lowest, highest], cut to [1, 255]; the bound wins
 * over the policy and over the budget. May be called between frames. -EINVAL
 * when lowest > highest. libvpx's own rc_min_quantizer and rc_max_quantizer do
 * not bind external rate control: hand them over with muzero_rc_qindex(). */
MUZERO_RC_API int muzero_rc_plugin_limit(muzero_rc_plugin *plugin, int32_t lowest,
                                         int32_t highest);

/* Holds the encoder to a peak (policy.h); before its first frame. -EINVAL for values below 1; NULL:
 * none. libvpx's own rc_2pass_vbr_maxsection_pct and rc_buf_sz do not bind external rate control:
 * max_kbps is that share of the target, buffer_kbits what the target fills in those milliseconds. */
MUZERO_RC_API int muzero_rc_plugin_peak(muzero_rc_plugin *plugin, const muzero_rc_peak *peak);

/* The configuration of the encoder and its VP8E_SET_ENABLEAUTOALTREF, before its first frame:
 * libvpx 1.15 and newer do not say which frame they ask about, and this tells how their GOPs go
 * on. Older ones need it for 10- and 12-bit video only. */
MUZERO_RC_API void muzero_rc_plugin_gops(muzero_rc_plugin *plugin,
                                         const struct vpx_codec_enc_cfg *cfg,
                                         int32_t auto_alt_ref);

/* A packet of the encoder: libvpx 1.15 and newer tell a frame's error only there, and only with
 * VPX_CODEC_USE_PSNR; without, a policy knows less. Older ones do not need it. */
MUZERO_RC_API void muzero_rc_plugin_packet(muzero_rc_plugin *plugin,
                                           const struct vpx_codec_cx_pkt *packet);

/* The qindex of libvpx's outer scale: 0 to 63 gives 0 to 255; others are cut. */
MUZERO_RC_API int32_t muzero_rc_qindex(int32_t quantizer);

/* Fills *funcs with callbacks into `plugin`. `abi` is the program's own
 * VPX_EXT_RATECTRL_ABI_VERSION; -ENOTSUP when this library knows another. */
MUZERO_RC_API int muzero_rc_plugin_funcs(muzero_rc_plugin *plugin, int abi,
                                         struct vpx_rc_funcs *funcs);

/* Call it from the encoder's thread, or after vpx_codec_destroy(). */
MUZERO_RC_API muzero_rc_report muzero_rc_plugin_report(const muzero_rc_plugin *plugin);

/* The program's libvpx, as functions. */
typedef void (*muzero_rc_function)(void);
typedef struct muzero_rc_functions {
  muzero_rc_function vp9_cx, enc_config_default, enc_init_ver, control, encode, get_cx_data, destroy;
} muzero_rc_functions;

/* libvpx's vpx_codec_ctx_t, vpx_codec_enc_cfg_t and vpx_image_t. */
struct vpx_codec_ctx;
struct vpx_codec_enc_cfg;
struct vpx_image;

/* Levers on the shape of GOPs that a policy leaves alone. */
enum {
  MUZERO_RC_KEEP_LENGTH = 1, /* VP9E_SET_MIN_GF_INTERVAL, VP9E_SET_MAX_GF_INTERVAL */
  MUZERO_RC_KEEP_LAYERS = 2, /* VP8E_SET_ENABLEAUTOALTREF */
  MUZERO_RC_KEEP_FILTER = 4  /* VP8E_SET_ARNR_STRENGTH, VP8E_SET_ARNR_MAXFRAMES */
};

/* How the program has set up its encoder. */
typedef struct muzero_rc_encoder_setup {
  const muzero_rc_functions *libvpx;    /* MUZERO_RC_LIBVPX; `control` is enough */
  const struct vpx_codec_enc_cfg *cfg;  /* as the encoder got it, with its statistics */
  int32_t auto_alt_ref;    /* VP8E_SET_ENABLEAUTOALTREF, -1: not set, as the next two */
  int32_t arnr_strength;   /* VP8E_SET_ARNR_STRENGTH */
  int32_t arnr_max_frames; /* VP8E_SET_ARNR_MAXFRAMES */
  int32_t keep;            /* MUZERO_RC_KEEP_..., or-ed */
} muzero_rc_encoder_setup;

/* Call it before each vpx_codec_encode() of the last pass, from the first on, with the same
 * `image` (NULL to flush): policies that decide the shape of GOPs do so here, through libvpx's
 * controls. A program that does not call it gets libvpx's own shapes. 0, -EINVAL where the
 * encoder has begun without it or its statistics are none, -ENOMEM, -EIO where libvpx refuses a
 * control; whatever it is, the encode may go on. */
MUZERO_RC_API int muzero_rc_plugin_before_encode(muzero_rc_plugin *plugin,
                                                 const muzero_rc_encoder_setup *setup,
                                                 struct vpx_codec_ctx *codec,
                                                 const struct vpx_image *image);

/* For where <vpx/vpx_encoder.h> and <vpx/vp8cx.h> are included: a const muzero_rc_functions *, in
 * C11 and C++11. */
#define MUZERO_RC_LIBVPX_FUNCTIONS                                                                 \
  {(muzero_rc_function)vpx_codec_vp9_cx,       (muzero_rc_function)vpx_codec_enc_config_default,   \
   (muzero_rc_function)vpx_codec_enc_init_ver, (muzero_rc_function)vpx_codec_control_,             \
   (muzero_rc_function)vpx_codec_encode,       (muzero_rc_function)vpx_codec_get_cx_data,          \
   (muzero_rc_function)vpx_codec_destroy}
#ifdef __cplusplus
#define MUZERO_RC_LIBVPX                                                           \
  ([]() -> const muzero_rc_functions * {                                           \
    static const muzero_rc_functions functions = MUZERO_RC_LIBVPX_FUNCTIONS;       \
    return &functions;                                                             \
  }())
#else
#define MUZERO_RC_LIBVPX (&(const muzero_rc_functions)MUZERO_RC_LIBVPX_FUNCTIONS)
#endif

/* What runs beside one first pass of 4:2:0 frames: probe encodes (realtime, at
 * constant quality) and a lookahead (motion on half-size luma), each in a thread of its
 * own; what they find is noted in the first pass's statistics, in bits that libvpx does
 * not read. */
typedef struct muzero_rc_first_pass muzero_rc_first_pass;

/* `bit_depth` is the encoder's g_bit_depth. The caller owns *first. On failure *first is NULL, which the other functions
 * take: the statistics then stay as they are. -ENOTSUP when libvpx refuses. */
MUZERO_RC_API int muzero_rc_first_pass_open(const muzero_rc_functions *libvpx, int32_t width,
                                            int32_t height, int32_t bit_depth,
                                            muzero_rc_first_pass **first);

/* Begins to encode the next frame, of which it takes a copy. */
MUZERO_RC_API void muzero_rc_first_pass_frame(muzero_rc_first_pass *first,
                                              const struct vpx_image *image);

/* Notes, in place, in the next packet of statistics: `size` bytes at `stats`. */
MUZERO_RC_API void muzero_rc_first_pass_note(muzero_rc_first_pass *first, void *stats,
                                             size_t size);

/* Closes and sets *first to NULL; NULL is fine. */
MUZERO_RC_API void muzero_rc_first_pass_close(muzero_rc_first_pass **first);

/* Times `policy` over a made-up clip of `frames` frames. -EINVAL, -ENOMEM. */
MUZERO_RC_API int muzero_rc_policy_speed(const muzero_rc_policy *policy, int32_t frames,
                                         muzero_rc_speed *speed);

#ifdef __cplusplus
}
#endif

#endif /* MUZERO_RC_PLUGIN_H_ */
