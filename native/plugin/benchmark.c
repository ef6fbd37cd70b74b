/* How fast a policy decides here: a made-up clip, timed frame by frame. */
#include <muzero_rc/plugin.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { GOP = 16, FRAMES_MAX = 1000000 };

/* This thread's own time: what other programs do meanwhile does not count. */
static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

/* Values within the range of real clips'; their order is libvpx's. */
static void fill_stats(int32_t frames, muzero_rc_frame_stats *stats) {
  for (int32_t i = 0; i < frames; ++i) {
    const double wave = (double)(i % 23) / 23.0;
    for (int field = 0; field < MUZERO_RC_STATS_FIELDS; ++field)
      stats[i].field[field] = 0.1 + wave / (1.0 + field);
    stats[i].field[0] = i;
    stats[i].field[MUZERO_RC_STATS_FIELDS - 2] = 333333.0; /* duration */
    stats[i].field[MUZERO_RC_STATS_FIELDS - 1] = 1.0;      /* count */
  }
}

static muzero_rc_frame_request request_of(int32_t frame) {
  const int32_t place = frame % GOP;
  return (muzero_rc_frame_request){
      .frame_type = frame == 0 ? MUZERO_RC_KEY : place == 1 ? MUZERO_RC_ALTREF : MUZERO_RC_INTER,
      .show_index = frame,
      .coding_index = frame,
      .gop_index = place,
      .ref_coding_index = {frame - 1, frame - place, frame - place},
      .ref_valid = {frame > 0, frame > 0, frame > 0}};
}

static void decide_all(muzero_rc_model *model, int32_t frames, double *each_us) {
  for (int32_t i = 0; i < frames; ++i) {
    const muzero_rc_frame_request request = request_of(i);
    const double start_us = now_us();
    const muzero_rc_decision decision = muzero_rc_model_decide(model, &request);
    const muzero_rc_frame_result result = {
        .sse = 1000000, .bits = 10000, .pixels = 152064, .qindex = decision.qindex};
    muzero_rc_model_update(model, &result);
    each_us[i] = now_us() - start_us;
  }
}

static int ascending(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int muzero_rc_policy_speed(const muzero_rc_policy *policy, int32_t frames,
                           muzero_rc_speed *speed) {
  if (frames < 1 || frames > FRAMES_MAX) return -EINVAL;
  const muzero_rc_clip clip = {
      .width = 352, .height = 288, .frame_count = frames, .target_kbps = 300};
  const size_t count = (size_t)frames;
  muzero_rc_frame_stats *const stats = calloc(count, sizeof(*stats));
  double *const each_us = calloc(count, sizeof(*each_us));
  muzero_rc_model *model = NULL;
  int error = stats && each_us ? 0 : -ENOMEM;
  if (error) goto done;
  fill_stats(frames, stats);
  const double start_us = now_us();
  error = muzero_rc_model_open(policy, &clip, stats, &model);
  if (error) goto done;
  speed->open_us = (now_us() - start_us) / frames;
  decide_all(model, frames, each_us);
  qsort(each_us, count, sizeof(*each_us), ascending);
  speed->median_us = each_us[count / 2];
  speed->p99_us = each_us[count - 1 - count / 100];

done:
  muzero_rc_model_close(&model);
  free(each_us);
  free(stats);
  return error;
}
