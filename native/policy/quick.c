#include "quick.h"

#include <string.h>

#include "quantizer.h"

/* A note is 24 bits of a double's 52: log2 of bits in units of 1/128 (12 bits),
 * then a check over it, the frame's number and the level (12 bits). */
enum { CODE_BITS = 12, NOTE_BITS = 24 };
static const uint64_t kCodeMask = (1u << CODE_BITS) - 1;
static const uint64_t kNoteMask = (1u << NOTE_BITS) - 1;
static const float kUnits = 128.0f;
static const int kFields[MUZERO_RC_QUICK_LEVELS] = {MUZERO_RC_STAT_ROW_VARIANCE,
                                                    MUZERO_RC_STAT_COLUMN_VARIANCE};

/* splitmix64's finalizer: any change of the input changes half of the output. */
static uint64_t check_of(uint64_t code, int32_t frame, int level) {
  uint64_t mixed = code | ((uint64_t)(uint32_t)frame << 16) | ((uint64_t)(level + 1) << 56);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return (mixed ^ (mixed >> 31)) & kCodeMask;
}

static uint64_t code_of(int64_t bits) {
  const float scaled = kUnits * muzero_rc_log2((float)(bits > 1 ? bits : 1)) + 0.5f;
  return scaled < (float)kCodeMask ? (uint64_t)scaled : kCodeMask;
}

void muzero_rc_quick_note(muzero_rc_frame_stats *stats, int32_t frame,
                          const int64_t bits[MUZERO_RC_QUICK_LEVELS]) {
  for (int level = 0; level < MUZERO_RC_QUICK_LEVELS; ++level) {
    const uint64_t code = code_of(bits[level]);
    uint64_t word;
    memcpy(&word, &stats->field[kFields[level]], sizeof(word));
    word = (word & ~kNoteMask) | (code << CODE_BITS) | check_of(code, frame, level);
    memcpy(&stats->field[kFields[level]], &word, sizeof(word));
  }
}

bool muzero_rc_quick_read(const muzero_rc_frame_stats *stats, int32_t frame,
                          float log_bits[MUZERO_RC_QUICK_LEVELS]) {
  bool valid = true;
  for (int level = 0; level < MUZERO_RC_QUICK_LEVELS; ++level) {
    uint64_t word;
    memcpy(&word, &stats->field[kFields[level]], sizeof(word));
    const uint64_t code = (word >> CODE_BITS) & kCodeMask;
    valid = valid && (word & kCodeMask) == check_of(code, frame, level);
    log_bits[level] = (float)code / kUnits;
  }
  return valid;
}

static bool read_all(const muzero_rc_frame_stats *stats, int32_t count, float log_pixels,
                     muzero_rc_traits *traits) {
  bool known = true;
  for (int32_t frame = 0; frame < count && known; ++frame) {
    known = muzero_rc_quick_read(&stats[frame], frame, traits[frame].quick);
    for (int level = 0; level < MUZERO_RC_QUICK_LEVELS; ++level)
      traits[frame].quick[level] -= log_pixels;
  }
  return known;
}

static void forget(muzero_rc_traits *traits, int32_t count) {
  for (int32_t frame = 0; frame < count; ++frame) {
    memset(traits[frame].quick, 0, sizeof(traits[frame].quick));
    memset(traits[frame].quick_sum, 0, sizeof(traits[frame].quick_sum));
  }
}

muzero_rc_quick muzero_rc_quick_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                     float log_pixels, muzero_rc_traits *traits) {
  muzero_rc_quick quick = {.known = read_all(stats, count, log_pixels, traits)};
  if (!quick.known) {
    forget(traits, count);
    return quick;
  }
  for (int level = 0; level < MUZERO_RC_QUICK_LEVELS; ++level) {
    double sum = 0.0;
    for (int32_t frame = 1; frame < count; ++frame)
      sum += (double)muzero_rc_exp2(traits[frame].quick[level]);
    quick.key[level] = traits[0].quick[level];
    quick.mean[level] =
        count > 1 ? muzero_rc_log2((float)(sum / (double)(count - 1))) : quick.key[level];
    /* Of a stretch that begins with the key frame, what an usual frame takes. */
    sum = (double)muzero_rc_exp2(quick.mean[level]);
    traits[0].quick_sum[level] = sum;
    for (int32_t frame = 1; frame < count; ++frame) {
      sum += (double)muzero_rc_exp2(traits[frame].quick[level]);
      traits[frame].quick_sum[level] = sum;
    }
  }
  return quick;
}
