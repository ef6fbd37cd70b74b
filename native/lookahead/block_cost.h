/* What an 8x8 block costs: sums of absolute differences, plain and after a Hadamard transform
 * (which tells the bits better), and its best intra prediction. Integers, the same everywhere. */
#ifndef MUZERO_RC_LOOKAHEAD_BLOCK_COST_H_
#define MUZERO_RC_LOOKAHEAD_BLOCK_COST_H_

#include <stdint.h>

#include "lookahead/plane.h"

/* SAD of two blocks, 0 to 16320. */
int muzero_rc_block_sad(const uint8_t *block, ptrdiff_t stride, const uint8_t *other,
                        ptrdiff_t other_stride);

/* SATD of a block and its prediction, [8 x 8] without gaps: the sum of absolute
 * coefficients, scaled to SAD's range (an even difference has the same in both), 0 to 16320. */
int muzero_rc_block_satd(const uint8_t *block, ptrdiff_t stride, const uint8_t *prediction);

/* SATD after the best of the predictions from the pixels round it that the picture has: their
 * mean, the row above downwards, the column to the left rightwards. column and row: of the block.
 */
int muzero_rc_block_intra(const muzero_rc_plane *plane, int column, int row);

/* The block at x, y in half pixels of the plane, [8 x 8] without gaps: between pixels the
 * rounded mean of the two beside it, between four that of two means. The block and a pixel more
 * must lie within the border. */
void muzero_rc_block_predict(const muzero_rc_plane *plane, int x, int y, uint8_t *prediction);

/* The rounded mean of two predictions, into the third. */
void muzero_rc_block_average(const uint8_t *restrict first, const uint8_t *restrict second,
                             uint8_t *restrict mean);

#endif /* MUZERO_RC_LOOKAHEAD_BLOCK_COST_H_ */
