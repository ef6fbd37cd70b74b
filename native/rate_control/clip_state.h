/* The state of one clip while it is coded: its first-pass statistics, every frame asked for so
 * far with its result, and the budget. The controller, the features and the guard read from here;
 * nothing else keeps history. */
#ifndef MUZERO_RC_RATE_CONTROL_CLIP_STATE_H_
#define MUZERO_RC_RATE_CONTROL_CLIP_STATE_H_

#include <muzero_rc/policy.h>

#include "rate_control/controller_params.h"
#include "rate_control/gop_shape.h"

typedef struct muzero_rc_clip_state muzero_rc_clip_state;

/* The clip with depths that are said: 0 stands for others. */
muzero_rc_clip muzero_rc_clip_with_depth(const muzero_rc_clip *clip);

/* Copies clip and stats. -EINVAL for sizes or counts below 1 and for other depths, -ENOMEM. The
 * caller owns *state. After this nothing allocates and nothing fails. */
int muzero_rc_clip_state_open(const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                              muzero_rc_clip_state **state);

/* The controller goes by these constants from now on: before the first frame. */
void muzero_rc_clip_state_set_offsets(muzero_rc_clip_state *state,
                                      const muzero_rc_offset_params *offsets);

/* Keeps the packets within a leaky bucket from now on: before the first frame. -EINVAL for values
 * below 1, -ENOMEM. */
int muzero_rc_clip_state_set_peak(muzero_rc_clip_state *state, const muzero_rc_peak *peak);

/* What was used so far. */
typedef struct muzero_rc_spent {
  double fill; /* share of the target's bits */
  double peak; /* share of the bucket that it held at most; 0 without a peak */
} muzero_rc_spent;
muzero_rc_spent muzero_rc_clip_state_spent(const muzero_rc_clip_state *state);

/* Closes and sets *state to NULL; NULL is fine. */
void muzero_rc_clip_state_close(muzero_rc_clip_state **state);

/* Whether it was opened with these. */
bool muzero_rc_clip_state_is_of(const muzero_rc_clip_state *state, const muzero_rc_clip *clip,
                                const muzero_rc_frame_stats *stats);

/* Frames after `show_index` to the clip's end or to the next cut, where libvpx puts a key frame. */
int32_t muzero_rc_clip_state_scene_left(const muzero_rc_clip_state *state, int32_t show_index);

/* The GOPs that begin from now on have this shape, until told otherwise; what is asked for next
 * is foreseen with it. */
void muzero_rc_clip_state_plan(muzero_rc_clip_state *state, const muzero_rc_gop_shape *shape);

/* The plan in force in one number, for records: length + 256 layers, 0: none. And its way back. */
int32_t muzero_rc_clip_state_planned(const muzero_rc_clip_state *state);
muzero_rc_gop_shape muzero_rc_shape_planned(int32_t planned);

/* What the clip's first `count` GOPs are going to be, for the forecast: before the first frame.
 * Borrowed for the state's life. */
void muzero_rc_clip_state_foresee(muzero_rc_clip_state *state, const muzero_rc_gop_shape *shapes,
                                  int32_t count);

/* Where the GOPs after the one under way are expected to end: `count` shown frames in rising order,
 * of which the first MUZERO_RC_EXPECTED_GOPS are kept for the forecast until told otherwise. */
void muzero_rc_clip_state_expect(muzero_rc_clip_state *state, const int32_t *ends, int32_t count);

/* A frame is asked for: layer, q_ref and step features now speak of it. */
void muzero_rc_clip_state_begin(muzero_rc_clip_state *state,
                                const muzero_rc_frame_request *request);

/* The controller's q_ref for the pending frame, within [1, 255]. */
int32_t muzero_rc_clip_state_q_ref(const muzero_rc_clip_state *state);

/* 8, 10 or 12: whose qindexes these are. */
int32_t muzero_rc_clip_state_bit_depth(const muzero_rc_clip_state *state);

/* Pyramid layer of the pending frame: 0 key, 1 the GOP's alt-ref (or golden,
 * overlay), 2... deeper alt-refs, the largest number for plain inter frames. */
int32_t muzero_rc_clip_state_layer(const muzero_rc_clip_state *state);

/* Fixes the pending frame's qindex: clamps `asked` to [1, 255] and, when
 * `guard`, raises it as far as the budget demands. Returns the qindex to use. */
int32_t muzero_rc_clip_state_commit(muzero_rc_clip_state *state, int32_t asked, bool guard);

/* The result of the pending frame, or of a show-existing frame when none is
 * pending. */
void muzero_rc_clip_state_end(muzero_rc_clip_state *state, const muzero_rc_frame_result *result);

/* The squared error of a coded frame whose result had none, once it is known. */
void muzero_rc_clip_state_measured(muzero_rc_clip_state *state, int32_t coding_index,
                                   int64_t sse);

#endif /* MUZERO_RC_RATE_CONTROL_CLIP_STATE_H_ */
