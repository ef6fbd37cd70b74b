/* How long frames are shown, in the statistics of a first pass: programs with a variable frame rate
 * often say one tick of each frame's duration, whatever comes after it. The next frame's timestamp
 * tells; a packet whose next frame has not come yet is held back until then. Statistics of frames
 * that last as long as was said stay as they are. */
#ifndef MUZERO_RC_PLUGIN_STATS_TIMES_H_
#define MUZERO_RC_PLUGIN_STATS_TIMES_H_

#include <stdbool.h>
#include <stdint.h>

#include "vpx/libvpx_types.h"

enum {
  MUZERO_RC_TIMES_RING = 64, /* frames that libvpx may hold back, and more */
  MUZERO_RC_STATS_BYTES_MAX = 512
};

typedef struct muzero_rc_stats_times {
  double tick; /* of the program's timebase, in those of the statistics: 100 ns */
  int64_t fed; /* frames */
  int64_t given; /* packets, the one that is held counted */
  bool flushed;
  int64_t pts[MUZERO_RC_TIMES_RING];
  uint64_t duration[MUZERO_RC_TIMES_RING];
  double added; /* to all durations so far */
  bool holds;
  vpx_codec_cx_pkt_t held;
  unsigned char bytes[MUZERO_RC_STATS_BYTES_MAX];
} muzero_rc_stats_times;

void muzero_rc_stats_times_init(muzero_rc_stats_times *times, const vpx_codec_enc_cfg_t *cfg);

/* Before each encode call: of a frame, or with `flush` of none. */
void muzero_rc_stats_times_frame(muzero_rc_stats_times *times, vpx_codec_pts_t pts,
                                 unsigned long duration, bool flush);

/* The packet that was held back, once its frame's end is known, else NULL. Good until the next
 * encode call. */
const vpx_codec_cx_pkt_t *muzero_rc_stats_times_take(muzero_rc_stats_times *times);

/* Corrects the next packet of statistics in place; false: it is held back. */
bool muzero_rc_stats_times_give(muzero_rc_stats_times *times, const vpx_codec_cx_pkt_t *packet);

#endif /* MUZERO_RC_PLUGIN_STATS_TIMES_H_ */
