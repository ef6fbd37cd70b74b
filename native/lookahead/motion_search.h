/* Hierarchical motion search between two frames: every block of the one is found in the other. */
#ifndef MUZERO_RC_LOOKAHEAD_MOTION_SEARCH_H_
#define MUZERO_RC_LOOKAHEAD_MOTION_SEARCH_H_

#include "lookahead/plane.h"

typedef struct muzero_rc_vector {
  int16_t x, y; /* half pixels of the plane */
} muzero_rc_vector;

/* A frame as the search sees it. */
typedef struct muzero_rc_picture {
  muzero_rc_plane plane, coarse;
} muzero_rc_picture;

/* Blocks in a row, and rows of blocks. */
typedef struct muzero_rc_block_grid {
  int columns, rows;
} muzero_rc_block_grid;

static inline int muzero_rc_grid_blocks(muzero_rc_block_grid grid) {
  return grid.columns * grid.rows;
}

/* Of the coarse search: regions of two by two blocks. */
static inline muzero_rc_block_grid muzero_rc_grid_regions(muzero_rc_block_grid grid) {
  return (muzero_rc_block_grid){(grid.columns + 1) / 2, (grid.rows + 1) / 2};
}

/* Vectors that a search may start from, each [blocks], scaled by `scale`; NULL: none. */
typedef struct muzero_rc_motion_hint {
  const muzero_rc_vector *vectors;
  int scale;
} muzero_rc_motion_hint;

enum { MUZERO_RC_MOTION_HINTS = 2 };

/* Finds the blocks of `picture` in `reference`, both of this grid.
 * coarse: [regions] scratch. vectors, sad: [blocks]. */
void muzero_rc_motion_search(const muzero_rc_picture *picture, const muzero_rc_picture *reference,
                             muzero_rc_block_grid grid,
                             const muzero_rc_motion_hint hints[MUZERO_RC_MOTION_HINTS],
                             muzero_rc_vector *coarse, muzero_rc_vector *vectors, uint16_t *sad);

#endif /* MUZERO_RC_LOOKAHEAD_MOTION_SEARCH_H_ */
