/* Where libvpx stands in its GOPs, from the frames that it asks for and the results it sends:
 * how many it has begun, and where the next begins. */
#ifndef MUZERO_RC_RATE_CONTROL_GOP_TRACKER_H_
#define MUZERO_RC_RATE_CONTROL_GOP_TRACKER_H_

#include <muzero_rc/policy.h>

#include "rate_control/gop_schedule.h"

typedef struct muzero_rc_gop_tracker {
  int32_t begun;   /* GOPs so far */
  int32_t start;   /* show index of the frame that began the last */
  int32_t alt_ref; /* show index of its alt-ref, where the next GOP begins; -1: none so far */
  int32_t shown;   /* last shown frame, -1 at first */
  int32_t key;     /* the last key frame, -1 at first */
  int32_t hidden[MUZERO_RC_MAX_HIDDEN]; /* alt-refs that wait to be shown, the GOP's end first */
  int32_t hidden_count;
  muzero_rc_frame_request request; /* without a result yet, where `is_pending` */
  bool is_pending;
} muzero_rc_gop_tracker;

void muzero_rc_gop_tracker_init(muzero_rc_gop_tracker *tracker);

/* libvpx asks for a frame. */
void muzero_rc_gop_tracker_request(muzero_rc_gop_tracker *tracker,
                                   const muzero_rc_frame_request *request);

/* The frame asked for is coded, or, when none was, an alt-ref that waited is shown. */
void muzero_rc_gop_tracker_result(muzero_rc_gop_tracker *tracker);

#endif /* MUZERO_RC_RATE_CONTROL_GOP_TRACKER_H_ */
