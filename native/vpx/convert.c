#include "vpx/convert.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "rate_control/frame_traits.h"

/* libvpx's own FIRSTPASS_STATS: the doubles of the callback, and a layer number. libvpx 1.14
 * added a double. */
enum { FIELDS_MIN = MUZERO_RC_STATS_FIELDS, FIELDS_MAX = MUZERO_RC_STATS_FIELDS + 1 };

static size_t record_bytes(int fields) { return ((size_t)fields + 1) * sizeof(double); }

static const char *record_of(const void *blob, int32_t frame, int fields) {
  return (const char *)blob + (size_t)frame * record_bytes(fields);
}

/* Sizes alone would take 27 frames of one libvpx for 26 of another. Behind the point there may be
 * notes. */
static bool is_frame(const void *blob, int32_t frame, int fields) {
  muzero_rc_frame_stats stats;
  memcpy(&stats, record_of(blob, frame, fields), sizeof(stats));
  return floor(stats.field[MUZERO_RC_STAT_FRAME]) == (double)frame &&
         floor(stats.field[MUZERO_RC_STAT_COUNT]) == 1.0;
}

int32_t muzero_rc_blob_frames(const void *blob, size_t size, int fields) {
  const size_t records = size / record_bytes(fields);
  if (size % record_bytes(fields) != 0 || records < 2 || records > INT32_MAX / 2) return -EINVAL;
  for (int32_t frame = 0; frame < (int32_t)records - 1; ++frame)
    if (!is_frame(blob, frame, fields)) return -EINVAL;
  return (int32_t)records - 1;
}

void muzero_rc_blob_stats(const void *blob, int32_t frames, int fields,
                          muzero_rc_frame_stats *out) {
  for (int32_t i = 0; i < frames; ++i) memcpy(&out[i], record_of(blob, i, fields), sizeof(out[i]));
}

bool muzero_rc_packet_stats(const vpx_fixed_buf_t *packet, muzero_rc_frame_stats *out) {
  bool known = false;
  for (int fields = FIELDS_MIN; fields <= FIELDS_MAX; ++fields)
    known = known || packet->sz == record_bytes(fields);
  if (!known) return false;
  memcpy(out, packet->buf, sizeof(*out));
  return true;
}
