/* Where libvpx puts key frames, from first-pass statistics alone, as its second pass decides it
 * (the same from 1.10 to 1.17): where it does not say what it codes next, this does. */
#ifndef MUZERO_RC_VPX_KEY_FRAMES_H_
#define MUZERO_RC_VPX_KEY_FRAMES_H_

#include <muzero_rc/policy.h>

/* What of the encoder's settings its GOPs follow. */
typedef struct muzero_rc_order_settings {
  int32_t layers;          /* auto-alt-ref: 0 no alt-refs, 1 one, 2 to 6 a pyramid */
  int32_t lag_in_frames;
  int32_t kf_max_dist;     /* most frames between key frames */
  int32_t min_gf_interval; /* fewest frames of a GOP with an alt-ref; 0: libvpx's own */
  bool places_key_frames;  /* false: every kf_max_dist frames only */
  bool tpl;                /* libvpx's temporal dependency model is on */
} muzero_rc_order_settings;

/* libvpx's, but for a pyramid. */
muzero_rc_order_settings muzero_rc_order_settings_default(void);

/* libvpx's fewest frames of a GOP: an eighth of a second, more of them above 4K at 20 fps. */
int32_t muzero_rc_own_min_gf_interval(const muzero_rc_clip *clip,
                                      const muzero_rc_frame_stats *stats);

/* Show index of the key frame after the one at `key`; `count` when there is none. `settings` have
 * a min_gf_interval. stats: [count]. */
int32_t muzero_rc_next_key_frame(const muzero_rc_order_settings *settings,
                                 const muzero_rc_frame_stats *stats, int32_t count, int32_t key);

/* Share of the frame that is predicted without motion, lowered where the golden frame predicts it
 * worse than the last one: the lowest of a GOP says whether it is static. */
double muzero_rc_zero_motion(const muzero_rc_frame_stats *stats);

#endif /* MUZERO_RC_VPX_KEY_FRAMES_H_ */
