/* The shape of a GOP: what is decided of it before its first frame is coded. */
#ifndef MUZERO_RC_RATE_CONTROL_GOP_SHAPE_H_
#define MUZERO_RC_RATE_CONTROL_GOP_SHAPE_H_

#include <stdbool.h>
#include <stdint.h>

enum {
  MUZERO_RC_SHAPE_SHORTEST = 4,   /* no alt-ref is coded for fewer frames */
  MUZERO_RC_SHAPE_LAYERS_MAX = 6, /* of alt-refs */
  MUZERO_RC_SHAPE_STRENGTH_MAX = 6,
  MUZERO_RC_SHAPE_FRAMES_MAX = 15,
  MUZERO_RC_SHAPE_LAG_MIN = 6 /* a look-ahead that has room for a GOP of the shortest length */
};

/* A GOP lasts from the frame that begins it to its alt-ref, which begins the next. */
typedef struct muzero_rc_gop_shape {
  int32_t length;   /* frames, 4 to lag - 2; 0: libvpx's own */
  int32_t layers;   /* of alt-refs, 1 to 6; 0 or -1: as configured */
  int32_t strength; /* of the alt-refs' temporal filter, 0 to 6; -1: as configured */
  int32_t frames;   /* that it filters over, 0 to 15; -1: as configured */
} muzero_rc_gop_shape;

/* Nothing decided: everything as libvpx does it by itself. */
#define MUZERO_RC_OWN_SHAPE ((muzero_rc_gop_shape){.length = 0, .layers = -1, .strength = -1, .frames = -1})

/* Whether libvpx takes it with a look-ahead of `lag` frames. */
bool muzero_rc_gop_shape_is_valid(const muzero_rc_gop_shape *shape, int32_t lag);

#endif /* MUZERO_RC_RATE_CONTROL_GOP_SHAPE_H_ */
