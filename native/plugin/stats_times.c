#include "plugin/stats_times.h"

#include <math.h>
#include <string.h>

enum { AT_DURATION = 23 }; /* among a record's doubles, of every release that is known */

void muzero_rc_stats_times_init(muzero_rc_stats_times *times, const vpx_codec_enc_cfg_t *cfg) {
  const double ticks_per_second = 1e7;
  *times = (muzero_rc_stats_times){0};
  times->tick = ticks_per_second * (double)cfg->g_timebase.num / (double)cfg->g_timebase.den;
}

void muzero_rc_stats_times_frame(muzero_rc_stats_times *times, vpx_codec_pts_t pts,
                                 unsigned long duration, bool flush) {
  times->flushed |= flush;
  if (flush) return;
  times->pts[times->fed % MUZERO_RC_TIMES_RING] = pts;
  times->duration[times->fed % MUZERO_RC_TIMES_RING] = duration;
  ++times->fed;
}

/* What frame `index` lasts beyond what was said of it, in ticks of the statistics; 0 where the
 * timestamps tell nothing. */
static double beyond(const muzero_rc_stats_times *times, int64_t index) {
  if (index + 1 >= times->fed || times->fed - index > MUZERO_RC_TIMES_RING) return 0.0;
  const int64_t start = times->pts[index % MUZERO_RC_TIMES_RING];
  const int64_t end = times->pts[(index + 1) % MUZERO_RC_TIMES_RING];
  const double said = (double)times->duration[index % MUZERO_RC_TIMES_RING];
  if (end <= start) return 0.0;
  const double more = times->tick * ((double)(end - start) - said);
  return fabs(more) < 1.0 ? 0.0 : round(more);
}

static void correct(muzero_rc_stats_times *times, int64_t index, void *record) {
  const bool is_sum = index >= times->fed;
  const double more = is_sum ? times->added : beyond(times, index);
  double duration;
  char *const at = (char *)record + AT_DURATION * sizeof(duration);
  if (more == 0.0) return;
  memcpy(&duration, at, sizeof(duration));
  duration += more; /* what follows the point is a note's */
  memcpy(at, &duration, sizeof(duration));
  if (!is_sum) times->added += more;
}

const vpx_codec_cx_pkt_t *muzero_rc_stats_times_take(muzero_rc_stats_times *times) {
  if (!times->holds || (times->given >= times->fed && !times->flushed)) return NULL;
  times->holds = false;
  correct(times, times->given - 1, times->held.data.twopass_stats.buf);
  return &times->held;
}

bool muzero_rc_stats_times_give(muzero_rc_stats_times *times, const vpx_codec_cx_pkt_t *packet) {
  const vpx_fixed_buf_t stats = packet->data.twopass_stats;
  const int64_t index = times->given++;
  const bool is_known = index + 1 < times->fed || times->flushed;
  if (stats.sz < (AT_DURATION + 1) * sizeof(double)) return true;
  if (is_known || times->holds || stats.sz > MUZERO_RC_STATS_BYTES_MAX) {
    correct(times, index, stats.buf);
    return true;
  }
  times->holds = true;
  times->held = *packet;
  memcpy(times->bytes, stats.buf, stats.sz);
  times->held.data.twopass_stats.buf = times->bytes;
  return false;
}
