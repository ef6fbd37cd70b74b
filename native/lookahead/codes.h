/* What the lookahead says of a frame in 140 bits, to be noted beside first-pass statistics.
 * Costs become ratios to the frame's intra cost, in steps of 1/8 octave; integers only. */
#ifndef MUZERO_RC_LOOKAHEAD_CODES_H_
#define MUZERO_RC_LOOKAHEAD_CODES_H_

#include "lookahead/analysis.h"

enum { MUZERO_RC_LOOKAHEAD_CODE_BITS = 140, MUZERO_RC_LOOKAHEAD_CODE_WORDS = 3 };

/* Bit i of the code is bit i % 64 of word i / 64. */
typedef struct muzero_rc_lookahead_code {
  uint64_t words[MUZERO_RC_LOOKAHEAD_CODE_WORDS];
} muzero_rc_lookahead_code;

muzero_rc_lookahead_code muzero_rc_lookahead_encode(const muzero_rc_lookahead_frame *frame);

/* The frame as coded; `show` is its number in the clip, which says what is unknown. What is not
 * coded (shares of some distances, the shortest pyramid's worths) is filled in from the rest. */
muzero_rc_lookahead_frame muzero_rc_lookahead_decode(const muzero_rc_lookahead_code *code,
                                                     int32_t show);

#endif /* MUZERO_RC_LOOKAHEAD_CODES_H_ */
