/* The levers on an encoder: libvpx's controls that give its next GOP a shape. Before each encode
 * call they look whether the call begins a GOP, and if so ask for its shape and set it. */
#ifndef MUZERO_RC_VPX_GOP_LEVERS_H_
#define MUZERO_RC_VPX_GOP_LEVERS_H_

#include "rate_control/gop_shape.h"
#include "rate_control/gop_tracker.h"
#include "vpx/libvpx_calls.h"

/* The GOP that the coming encode call begins. */
typedef struct muzero_rc_shape_question {
  int32_t gop_index;   /* GOPs before it */
  int32_t show_index;  /* of the frame that begins it; of the earliest that can, where unknown */
  int32_t frames_left; /* after that frame */
  int32_t is_last;     /* 1: the call flushes, all GOPs from here on get this shape */
} muzero_rc_shape_question;

/* Who decides: writes *shape, which is MUZERO_RC_OWN_SHAPE before. 0 or a negative errno. */
typedef struct muzero_rc_shaper {
  int (*shape)(void *self, const muzero_rc_shape_question *question, muzero_rc_gop_shape *shape);
  void *self;
} muzero_rc_shaper;

typedef struct muzero_rc_gop_levers {
  muzero_rc_libvpx libvpx;
  muzero_rc_shaper shaper;
  int32_t lag;
  int32_t frame_count;
  muzero_rc_gop_shape own;  /* as configured: what -1 goes back to */
  muzero_rc_gop_shape set;  /* what libvpx has now */
  int32_t fed;              /* frames */
  int32_t asked;            /* GOPs whose shape was asked for */
} muzero_rc_gop_levers;

/* `own`: the encoder's layers (auto-alt-ref), strength and frames; -1 is libvpx's default. `lag`
 * is at least MUZERO_RC_SHAPE_LAG_MIN. Before the first encode call. */
void muzero_rc_gop_levers_init(muzero_rc_gop_levers *levers, const muzero_rc_libvpx *libvpx,
                               muzero_rc_shaper shaper, int32_t lag, int32_t frame_count,
                               muzero_rc_gop_shape own);

/* Before each vpx_codec_encode(): of a frame, or with `flush` of none. 0, the shaper's error,
 * -EINVAL for a shape that libvpx does not take, or -EIO where libvpx refuses it. */
int muzero_rc_gop_levers_before_encode(muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec,
                                       const muzero_rc_gop_tracker *tracker, bool flush);

#endif /* MUZERO_RC_VPX_GOP_LEVERS_H_ */
