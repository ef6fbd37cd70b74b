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
#define MUZERO_RC_OWN_SHAPE \
  ((muzero_rc_gop_shape){.length = 0, .layers = -1, .strength = -1, .frames = -1})

/* Before a GOP: which shape? */
typedef struct muzero_rc_shape_question {
  int32_t gop_index;   /* GOPs before it */
  int32_t show_index;  /* of the frame that begins it; the earliest, after a GOP without alt-ref */
  int32_t frames_left; /* after that frame, to the clip's end or the next key frame foreseen */
  int32_t longest;     /* length that the look-ahead has room for */
  int32_t flush;       /* 1: the encoder gets no further frames: all GOPs from here to the clip's
                          end share this shape */
  int32_t strength;    /* of the alt-ref's filter that serves this libvpx best; -1: as configured */
} muzero_rc_shape_question;

/* Whether libvpx takes it with a look-ahead of `lag` frames. */
bool muzero_rc_gop_shape_is_valid(const muzero_rc_gop_shape *shape, int32_t lag);

/* The length that keeps the alt-ref of the GOP asked about, and with `flush` those of the GOPs
 * after it: libvpx codes none for a GOP that ends before its length. 0 where only libvpx's own
 * length does. */
int32_t muzero_rc_gop_length_fit(int32_t length, const muzero_rc_shape_question *question);

#endif /* MUZERO_RC_RATE_CONTROL_GOP_SHAPE_H_ */
