#include "vpx/key_frames.h"

#include <math.h>

#include "rate_control/frame_traits.h"

enum { DECAYS = 8, FOLLOWERS = 16, FEWEST = 4, MOST = 16 };

static double field(const muzero_rc_frame_stats *stats, int position) {
  return stats->field[position];
}
static double intra(const muzero_rc_frame_stats *s) { return field(s, MUZERO_RC_STAT_INTRA_ERROR); }
static double coded(const muzero_rc_frame_stats *s) { return field(s, MUZERO_RC_STAT_CODED_ERROR); }
static double second(const muzero_rc_frame_stats *s) {
  return field(s, MUZERO_RC_STAT_SECOND_REF_ERROR);
}
static double inter(const muzero_rc_frame_stats *s) { return field(s, MUZERO_RC_STAT_INTER); }
static double motion(const muzero_rc_frame_stats *s) { return field(s, MUZERO_RC_STAT_MOTION); }
static double neutral(const muzero_rc_frame_stats *s) { return field(s, MUZERO_RC_STAT_NEUTRAL); }
static double second_ref(const muzero_rc_frame_stats *s) {
  return field(s, MUZERO_RC_STAT_SECOND_REF);
}

/* Intra error per inter error. */
static double gain(const muzero_rc_frame_stats *s) {
  const double error = coded(s);
  return intra(s) / (error < 0.0 ? error - 1e-6 : error + 1e-6);
}

muzero_rc_order_settings muzero_rc_order_settings_default(void) {
  return (muzero_rc_order_settings){.layers = 6,
                                  .lag_in_frames = 25,
                                  .kf_max_dist = 128,
                                  .places_key_frames = true,
                                  .tpl = true};
}

int32_t muzero_rc_own_min_gf_interval(const muzero_rc_clip *clip,
                                      const muzero_rc_frame_stats *stats) {
  const double fastest = 3840.0 * 2160.0 * 20.0;
  const double seconds = muzero_rc_shown_seconds(stats, clip->frame_count);
  const double fps = seconds > 0.0 ? clip->frame_count / seconds : 30.0;
  const double load = (double)clip->width * clip->height * fps / fastest;
  int32_t frames = (int32_t)round(fmin(fps * 0.125, (double)MOST));
  if (frames < FEWEST) frames = FEWEST;
  if (load > 1.0 && frames < round(FEWEST * load)) frames = (int32_t)round(FEWEST * load);
  return frames;
}

/* The golden frame predicts it better than the last: that one was a flash. */
static bool follows_flash(const muzero_rc_frame_stats *s) {
  return second(s) < coded(s) || (second_ref(s) > inter(s) && second_ref(s) >= 0.5);
}

/* One frame of high error between two of low. */
static bool is_slide(const muzero_rc_frame_stats *before, const muzero_rc_frame_stats *frame,
                     const muzero_rc_frame_stats *after) {
  return intra(frame) < coded(frame) * 1.5 && coded(frame) > coded(before) * 5.0 &&
         coded(frame) > coded(after) * 5.0;
}

/* Intra prediction serves this frame much more than its neighbours. */
static bool is_intra_step(const muzero_rc_frame_stats *before, const muzero_rc_frame_stats *frame,
                          const muzero_rc_frame_stats *after) {
  const double share = 1.0 - inter(frame), either = share + neutral(frame);
  if (gain(frame) < 2.0 && gain(before) > 2.25 && gain(after) > 2.25 &&
      share > 3.0 * (1.0 - inter(before)) && share > 3.0 * (1.0 - inter(after)) &&
      (share > 0.075 || either > 0.85))
    return true;
  return gain(frame) < 1.25 && either > 0.85 && gain(frame) < gain(before) * 0.9 &&
         gain(frame) < gain(after) * 0.9;
}

static bool looks_like_cut(const muzero_rc_frame_stats *frame) {
  const muzero_rc_frame_stats *const before = frame - 1, *const after = frame + 1;
  const double share = 1.0 - inter(frame);
  if (follows_flash(frame) || follows_flash(after) || second_ref(frame) >= 0.2) return false;
  return inter(frame) < 0.05 || is_slide(before, frame, after) ||
         is_intra_step(before, frame, after) ||
         (coded(frame) > coded(after) * 1.2 && coded(frame) > coded(before) * 1.2 &&
          share > 0.25 && share + neutral(frame) > 0.5 && gain(frame) < 2.5);
}

/* Whether a key frame would serve the frames after it, frame `show` + 1 to the clip's last. */
static bool serves_followers(const muzero_rc_frame_stats *stats, int32_t count, int32_t show) {
  double sum = 0.0, before = 0.0, decay = 1.0;
  int i = 0;
  for (; i < FOLLOWERS; ++i) {
    const muzero_rc_frame_stats *const frame = &stats[show + 1 + i];
    const double each = fmin(12.5 * gain(frame), 128.0);
    decay *= inter(frame) > 0.85 ? inter(frame) : (0.85 + inter(frame)) / 2.0;
    sum += decay * each;
    if (inter(frame) < 0.05 || each < 1.5 ||
        (inter(frame) - neutral(frame) < 0.2 && each < 3.0) || sum - before < 3.0 ||
        intra(frame) < 0.5)
      break;
    before = sum;
    if (show + 1 + i == count - 1) break;
  }
  return sum > 30.0 && i > 3;
}

/* How much of a prediction is left, where the golden frame falls behind the last. */
static double second_decay(const muzero_rc_frame_stats *s) {
  const double floor = 0.75, difference = second(s) - coded(s);
  double served = inter(s);
  if (difference <= 0.1) return 1.0;
  if (coded(s) > 10.0 && gain(s) < 6.0)
    served += field(s, MUZERO_RC_STAT_INTRA_LOW) - neutral(s);
  return fmax(1.0 - 0.25 * difference / intra(s) - 0.005 * (100.0 * (1.0 - served)), floor);
}

static double prediction_decay(const muzero_rc_frame_stats *s) {
  const double still = 0.5 * (inter(s) - motion(s)), decay = second_decay(s);
  return fmax(still, decay + (1.0 - decay) * still);
}

double muzero_rc_zero_motion(const muzero_rc_frame_stats *stats) {
  return fmin(second_decay(stats), inter(stats) - motion(stats));
}

static bool stays_still(const muzero_rc_frame_stats *stats, int32_t count, int32_t show,
                        int32_t frames) {
  if (show + frames > count) return false;
  for (int32_t i = show; i < show + frames; ++i)
    if (inter(&stats[i]) - motion(&stats[i]) < 0.999) return false;
  return true;
}

int32_t muzero_rc_next_key_frame(const muzero_rc_order_settings *settings,
                                 const muzero_rc_frame_stats *stats, int32_t count, int32_t key) {
  const int32_t most = settings->kf_max_dist;
  const int32_t end = most < count - key ? key + (most < 1 ? 1 : most) : count;
  double decays[DECAYS];
  if (!settings->places_key_frames) return end;
  for (int i = 0; i < DECAYS; ++i) decays[i] = 1.0;
  for (int32_t show = key + 1; show < end; ++show) {
    const int32_t passed = show - key - 1;
    double product = 1.0;
    if (show + 1 >= count) continue;
    if (looks_like_cut(&stats[show]) && serves_followers(stats, count, show)) return show;
    const double decay = prediction_decay(&stats[show + 1]);
    decays[passed % DECAYS] = decay;
    for (int i = 0; i < DECAYS; ++i) product *= decays[i];
    if (passed > settings->min_gf_interval && decay >= 0.999 && product < 0.9 &&
        stays_still(stats, count, show, most - passed))
      return show;
  }
  return end;
}
