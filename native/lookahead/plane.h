/* Half-size luma of a frame, and a quarter of that for coarse motion search. Both reach a whole
 * number of blocks and are surrounded by copies of their edge, so that a search may look past it.
 */
#ifndef MUZERO_RC_LOOKAHEAD_PLANE_H_
#define MUZERO_RC_LOOKAHEAD_PLANE_H_

#include <stddef.h>
#include <stdint.h>

enum {
  MUZERO_RC_BLOCK = 8,         /* side of a block, in pixels of the plane */
  MUZERO_RC_PLANE_BORDER = 16, /* pixels round a plane */
  MUZERO_RC_COARSE_FACTOR = 4  /* a coarse pixel's side */
};

typedef struct muzero_rc_plane {
  uint8_t *pixels; /* the top left one */
  int width, height;
  ptrdiff_t stride;
} muzero_rc_plane;

/* Bytes that a plane of this size takes, its border included. */
size_t muzero_rc_plane_bytes(int width, int height);

/* A plane within `memory`, of muzero_rc_plane_bytes, which stays the caller's. */
muzero_rc_plane muzero_rc_plane_of(int width, int height, uint8_t *memory);

/* Halves luma of width x height into the plane: the mean of two by two pixels. The plane is
 * at least half as wide and high, rounded up; what it has more repeats the edge. */
void muzero_rc_plane_halve(const uint8_t *luma, ptrdiff_t stride, int width, int height,
                           muzero_rc_plane *plane);

/* The mean of four by four pixels. coarse: a quarter of the plane's size. */
void muzero_rc_plane_shrink(const muzero_rc_plane *plane, muzero_rc_plane *coarse);

#endif /* MUZERO_RC_LOOKAHEAD_PLANE_H_ */
