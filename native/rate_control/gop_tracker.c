#include "rate_control/gop_tracker.h"

#include <string.h>

void muzero_rc_gop_tracker_init(muzero_rc_gop_tracker *tracker) {
  memset(tracker, 0, sizeof(*tracker));
  tracker->alt_ref = -1;
  tracker->shown = -1;
  tracker->key = -1;
}

static void begin_gop(muzero_rc_gop_tracker *tracker, int32_t show_index) {
  ++tracker->begun;
  tracker->start = show_index;
  tracker->alt_ref = -1;
  tracker->hidden_count = 0;
}

void muzero_rc_gop_tracker_request(muzero_rc_gop_tracker *tracker,
                                   const muzero_rc_frame_request *request) {
  tracker->request = *request;
  tracker->is_pending = true;
  if (request->frame_type == MUZERO_RC_KEY) tracker->key = request->show_index;
  if (request->gop_index == 0) begin_gop(tracker, request->show_index);
  if (request->frame_type != MUZERO_RC_ALTREF) return;
  if (tracker->alt_ref < 0) tracker->alt_ref = request->show_index;
  if (tracker->hidden_count < MUZERO_RC_MAX_HIDDEN)
    tracker->hidden[tracker->hidden_count++] = request->show_index;
}

/* The last alt-ref that waits is its GOP's end: with it libvpx begins the next GOP. */
static void show_hidden(muzero_rc_gop_tracker *tracker) {
  if (tracker->hidden_count == 0) return;
  tracker->shown = tracker->hidden[--tracker->hidden_count];
  if (tracker->hidden_count == 0) begin_gop(tracker, tracker->shown);
}

void muzero_rc_gop_tracker_result(muzero_rc_gop_tracker *tracker) {
  if (!tracker->is_pending) {
    show_hidden(tracker);
    return;
  }
  tracker->is_pending = false;
  if (tracker->request.frame_type != MUZERO_RC_ALTREF)
    tracker->shown = tracker->request.show_index;
}
