#include "rate_control/probe_notes.h"

#include <string.h>

#include "rate_control/controller_params.h"
#include "rate_control/quantizer.h"

/* A note is 36 of a double's 52 bits of mantissa, so that 5 digits stay: log2 of bits
 * in units of 1/128, a variant's response in units of 1/2048 (12 bits each), then a check
 * over both, the frame's number and the level (12 bits). */
enum { CODE_BITS = 12, NOTE_BITS = 36 };
static const uint64_t kCodeMask = (1u << CODE_BITS) - 1;
static const uint64_t kNoteMask = ((uint64_t)1 << NOTE_BITS) - 1;
static const float kUnits = 128.0f;
static const float kResponseUnits = 2048.0f;
static const float kGreatestResponse = 0.58f; /* 40 % of the rate */
static const int kFields[MUZERO_RC_PROBE_LEVELS] = {MUZERO_RC_STAT_ROW_VARIANCE,
                                                    MUZERO_RC_STAT_COLUMN_VARIANCE};
_Static_assert(MUZERO_RC_PROBE_VARIANTS <= MUZERO_RC_PROBE_LEVELS, "a variant has a level's field");

float muzero_rc_probe_response(const muzero_rc_probe_total levels[MUZERO_RC_PROBE_LEVELS],
                               const muzero_rc_probe_total *variant) {
  const float least_slope = muzero_rc_params.least_slope;
  const float octaves = muzero_rc_log2((float)(levels[0].bits / levels[1].bits));
  float slope = (levels[0].quality - levels[1].quality) / (octaves > 0.1f ? octaves : 0.1f);
  slope = slope > least_slope ? slope : least_slope;
  const float response = (variant->quality - levels[0].quality) / slope -
                         muzero_rc_log2((float)(variant->bits / levels[0].bits));
  if (!(response < kGreatestResponse)) return kGreatestResponse;
  return response > -kGreatestResponse ? response : -kGreatestResponse;
}

/* splitmix64's finalizer: any change of the input changes half of the output. */
static uint64_t check_of(uint64_t codes, int32_t frame, int level) {
  uint64_t mixed = codes | ((uint64_t)(uint32_t)frame << 24) | ((uint64_t)(level + 1) << 56);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return (mixed ^ (mixed >> 31)) & kCodeMask;
}

static uint64_t code_of(float value) {
  const float rounded = value + 0.5f;
  if (!(rounded > 0.0f)) return 0;
  return rounded < (float)kCodeMask ? (uint64_t)rounded : kCodeMask;
}

void muzero_rc_probe_note_write(muzero_rc_frame_stats *stats, int32_t frame,
                                const muzero_rc_probe_frame *known) {
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    const int64_t bits = known->bits[level];
    const float response = level < MUZERO_RC_PROBE_VARIANTS ? known->response[level] : 0.0f;
    const uint64_t codes =
        code_of(kUnits * muzero_rc_log2((float)(bits > 1 ? bits : 1))) << CODE_BITS |
        code_of(kResponseUnits * (response + 1.0f));
    uint64_t word;
    memcpy(&word, &stats->field[kFields[level]], sizeof(word));
    word = (word & ~kNoteMask) | (codes << CODE_BITS) | check_of(codes, frame, level);
    memcpy(&stats->field[kFields[level]], &word, sizeof(word));
  }
}

bool muzero_rc_probe_note_read(const muzero_rc_frame_stats *stats, int32_t frame,
                               muzero_rc_probe_note *noted) {
  bool valid = true;
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    uint64_t word;
    memcpy(&word, &stats->field[kFields[level]], sizeof(word));
    const uint64_t codes = (word & kNoteMask) >> CODE_BITS;
    valid = valid && (word & kCodeMask) == check_of(codes, frame, level);
    noted->log_bits[level] = (float)(codes >> CODE_BITS) / kUnits;
    if (level < MUZERO_RC_PROBE_VARIANTS)
      noted->response[level] = (float)(codes & kCodeMask) / kResponseUnits - 1.0f;
  }
  return valid;
}

void muzero_rc_probe_note_move(muzero_rc_frame_stats *stats, int32_t from, int32_t to) {
  muzero_rc_probe_note ignored;
  if (!muzero_rc_probe_note_read(stats, from, &ignored)) return;
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    uint64_t word;
    memcpy(&word, &stats->field[kFields[level]], sizeof(word));
    word = (word & ~kCodeMask) | check_of((word & kNoteMask) >> CODE_BITS, to, level);
    memcpy(&stats->field[kFields[level]], &word, sizeof(word));
  }
}

static bool read_all(const muzero_rc_frame_stats *stats, int32_t count, float log_pixels,
                     muzero_rc_frame_traits *traits) {
  bool known = true;
  for (int32_t frame = 0; frame < count && known; ++frame) {
    muzero_rc_probe_note noted;
    known = muzero_rc_probe_note_read(&stats[frame], frame, &noted);
    for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level)
      traits[frame].probe[level] = noted.log_bits[level] - log_pixels;
    memcpy(traits[frame].response, noted.response, sizeof(noted.response));
  }
  return known;
}

static void forget(muzero_rc_frame_traits *traits, int32_t count) {
  for (int32_t frame = 0; frame < count; ++frame) {
    memset(traits[frame].probe, 0, sizeof(traits[frame].probe));
    memset(traits[frame].probe_sum, 0, sizeof(traits[frame].probe_sum));
    memset(traits[frame].response, 0, sizeof(traits[frame].response));
  }
}

muzero_rc_clip_probe muzero_rc_probe_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                          float log_pixels, muzero_rc_frame_traits *traits) {
  muzero_rc_clip_probe probe = {.known = read_all(stats, count, log_pixels, traits)};
  if (!probe.known) {
    forget(traits, count);
    return probe;
  }
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    double sum = 0.0;
    for (int32_t frame = 1; frame < count; ++frame)
      sum += (double)muzero_rc_exp2(traits[frame].probe[level]);
    probe.key[level] = traits[0].probe[level];
    probe.mean[level] =
        count > 1 ? muzero_rc_log2((float)(sum / (double)(count - 1))) : probe.key[level];
    /* Of a span that begins with the key frame, what an usual frame takes. */
    sum = (double)muzero_rc_exp2(probe.mean[level]);
    traits[0].probe_sum[level] = sum;
    for (int32_t frame = 1; frame < count; ++frame) {
      sum += (double)muzero_rc_exp2(traits[frame].probe[level]);
      traits[frame].probe_sum[level] = sum;
    }
  }
  return probe;
}

float muzero_rc_probe_response_at(const muzero_rc_frame_traits *traits, int32_t count,
                                  int32_t first, int32_t show) {
  const int32_t end = show - (first + show) % MUZERO_RC_PROBE_SPAN + MUZERO_RC_PROBE_SPAN - 1;
  return traits[end < count ? end : count - 1].response[MUZERO_RC_PROBE_FINE_KEYS];
}
