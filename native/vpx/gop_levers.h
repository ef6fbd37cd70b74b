/* The levers on an encoder: libvpx's controls that give its next GOP a shape. Before each encode
 * call they look whether the call begins a GOP, and if so ask a model for its shape and set it.
 * docs/gop-shapes.md has what libvpx makes of it. */
#ifndef MUZERO_RC_VPX_GOP_LEVERS_H_
#define MUZERO_RC_VPX_GOP_LEVERS_H_

#include "policy/model.h"
#include "rate_control/gop_tracker.h"
#include "vpx/libvpx_calls.h"

/* How the encoder is configured. */
typedef struct muzero_rc_gop_settings {
  int32_t lag;          /* frames of look-ahead; shapes need MUZERO_RC_SHAPE_LAG_MIN */
  int32_t frame_count;  /* of the clip */
  int32_t kf_max_dist;  /* most frames between key frames */
  int32_t auto_alt_ref; /* these three: -1 is libvpx's default */
  int32_t arnr_strength;
  int32_t arnr_max_frames;
  int32_t best_strength; /* that a policy may set; -1: none is better than libvpx's default */
  bool keep_length; /* these three: the user's own setting, which no shape changes */
  bool keep_layers;
  bool keep_filter;
} muzero_rc_gop_settings;

typedef struct muzero_rc_gop_levers {
  bool is_ready;             /* muzero_rc_gop_levers_init came */
  muzero_rc_gop_settings settings;
  muzero_rc_gop_shape own;   /* as configured: what -1 goes back to */
  muzero_rc_gop_shape set;   /* what libvpx has now */
  muzero_rc_gop_shape asked; /* for GOP number `answered` - 1 */
  int32_t answered;          /* GOPs whose shape was asked for */
  int32_t fed;               /* frames */
  int32_t next_start;        /* where a GOP too short for an alt-ref is going to end; 0: unknown */
} muzero_rc_gop_levers;

/* Before the first encode call. */
void muzero_rc_gop_levers_init(muzero_rc_gop_levers *levers,
                               const muzero_rc_gop_settings *settings);

/* Before each vpx_codec_encode(): of a frame, or with `flush` of none. 0, the decider's error,
 * -EINVAL for a shape that libvpx does not take, -EIO where libvpx refuses it. Does nothing where
 * nobody decides shapes, or the look-ahead is too short for them. */
int muzero_rc_gop_levers_before_encode(muzero_rc_gop_levers *levers,
                                       const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec,
                                       const muzero_rc_gop_tracker *tracker,
                                       muzero_rc_model *model, bool flush);

#endif /* MUZERO_RC_VPX_GOP_LEVERS_H_ */
