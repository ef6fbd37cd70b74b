#include "vpx/first_pass_part.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "rate_control/frame_traits.h"
#include "rate_control/lookahead_notes.h"
#include "rate_control/probe_notes.h"
#include "vpx/convert.h"

/* Doubles, and a layer number. */
static size_t record_bytes(int fields) { return ((size_t)fields + 1) * sizeof(double); }

size_t muzero_rc_first_pass_part_bytes(int32_t count, int fields) {
  return ((size_t)count + 1) * record_bytes(fields);
}

/* Frame `from` of the film becomes frame `to`. */
static void renumber(muzero_rc_frame_stats *stats, int32_t from, int32_t to) {
  muzero_rc_lookahead_frame told;
  const bool looked = muzero_rc_lookahead_note_read(stats, from, &told);
  stats->field[MUZERO_RC_STAT_FRAME] += (double)to - (double)from;
  if (looked) muzero_rc_lookahead_note_write(stats, to, &told);
  muzero_rc_probe_note_move(stats, from, to);
}

/* libvpx's totals are sums of what was there before any note. */
static double without_note(int field, double value) {
  switch (field) {
    case MUZERO_RC_STAT_FRAME:
    case MUZERO_RC_STAT_DURATION:
    case MUZERO_RC_STAT_COUNT: return floor(value);
    case MUZERO_RC_STAT_INACTIVE_COLUMNS: return value < 0.0 ? 0.0 : value;
    default: return value;
  }
}

static void add(void *total, const void *record, int fields) {
  for (int field = 0; field < fields; ++field) {
    const size_t offset = (size_t)field * sizeof(double);
    double sum, value;
    memcpy(&sum, (const char *)total + offset, sizeof(sum));
    memcpy(&value, (const char *)record + offset, sizeof(value));
    sum += without_note(field, value);
    memcpy((char *)total + offset, &sum, sizeof(sum));
  }
}

int muzero_rc_first_pass_part(const void *blob, size_t size, int fields, int32_t first,
                              int32_t count, void *out) {
  const int32_t frames = muzero_rc_blob_frames(blob, size, fields);
  const size_t bytes = record_bytes(fields);
  if (frames < 0 || first < 0 || count < 1 || first > frames - count) return -EINVAL;
  char *const total = (char *)out + (size_t)count * bytes;
  memcpy(out, (const char *)blob + (size_t)first * bytes, (size_t)count * bytes);
  memcpy(total, (const char *)blob + (size_t)frames * bytes, bytes); /* its layer number stays */
  memset(total, 0, (size_t)fields * sizeof(double));
  for (int32_t i = 0; i < count; ++i) {
    char *const record = (char *)out + (size_t)i * bytes;
    muzero_rc_frame_stats stats;
    memcpy(&stats, record, sizeof(stats));
    renumber(&stats, first + i, i);
    memcpy(record, &stats, sizeof(stats));
    add(total, record, fields);
  }
  return 0;
}
