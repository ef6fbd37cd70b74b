/* The GOP under way: its frames still to come, with what does not depend on the base step worked
 * out. */
#ifndef MUZERO_RC_RATE_CONTROL_GOP_REST_H_
#define MUZERO_RC_RATE_CONTROL_GOP_REST_H_

#include "rate_control/bits_model.h"

typedef struct muzero_rc_gop_rest {
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP]; /* in coding order */
  muzero_rc_bits_curve curves[MUZERO_RC_MAX_GOP];
  float offsets[MUZERO_RC_MAX_GOP];
  float corrections[MUZERO_RC_MAX_GOP];
  int32_t count;
  int32_t next_gop;      /* first shown frame that the forecast answers for */
  float next_correction; /* of the forecast, as a factor */
} muzero_rc_gop_rest;

#endif /* MUZERO_RC_RATE_CONTROL_GOP_REST_H_ */
