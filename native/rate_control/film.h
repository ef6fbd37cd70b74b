/* A film that is coded in parts, each by an encoder of its own that knows nothing of the others.
 * All of them are controlled as the one film they are: what a frame is worth is measured by the
 * whole film, and one budget is dealt out at one quantizer step. */
#ifndef MUZERO_RC_RATE_CONTROL_FILM_H_
#define MUZERO_RC_RATE_CONTROL_FILM_H_

#include "rate_control/clip_state.h"

/* Where a clip lies in its film. */
typedef struct muzero_rc_film_part {
  const muzero_rc_frame_stats *stats; /* [frame_count] of the whole film, with their notes */
  int32_t frame_count;
  int32_t first;      /* frame of the film that the part begins with */
  double target_bits; /* that the part may take */
} muzero_rc_film_part;

/* From now on the state, which was opened with the part's own statistics, compares with the whole
 * film, not with the part, and keeps the part's budget. Before the first frame; `part` is only
 * read. -EINVAL for a part that does not lie in the film, -ENOMEM. */
int muzero_rc_clip_state_set_part(muzero_rc_clip_state *state, const muzero_rc_film_part *part);

/* Deals the film's bits out to parts that begin at starts[count], ascending from 0: to each what
 * the forecast says it takes at the one base step at which the whole film meets its target.
 * bits: [count], their sum is the film's target. -EINVAL for other starts, -ENOMEM. */
int muzero_rc_film_deal(const muzero_rc_clip *film, const muzero_rc_frame_stats *stats,
                        const int32_t *starts, int32_t count, double *bits);

#endif /* MUZERO_RC_RATE_CONTROL_FILM_H_ */
