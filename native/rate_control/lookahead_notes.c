#include "rate_control/lookahead_notes.h"

#include <math.h>
#include <string.h>

#include "lookahead/codes.h"
#include "rate_control/frame_traits.h"

/* How many bits of a note lie in each number; all of it: the code, and 16 bits of a check over
 * the code and the frame's number. */
enum { FRAME_BITS = 32, COLUMNS_BITS = 52, COUNT_BITS = 48, DURATION_BITS = 24, CHECK_BITS = 16 };
enum { NOTE_BITS = FRAME_BITS + COLUMNS_BITS + COUNT_BITS + DURATION_BITS };
_Static_assert(MUZERO_RC_LOOKAHEAD_CODE_BITS + CHECK_BITS == NOTE_BITS, "a note fills its numbers");
enum { CODE_WORDS = MUZERO_RC_LOOKAHEAD_CODE_WORDS };
static const double kMostFrames = 1048576.0;        /* 2^20, and 32 bits after the point */
static const double kLongestDuration = 268435456.0; /* 2^28 ticks, and 24 bits after the point */
/* Sign and exponent of what the columns become: -2^-20 to -2^-19. */
static const uint64_t kColumns = (uint64_t)(0x800 | (1023 - 20)) << COLUMNS_BITS;
static const uint64_t kOne = (uint64_t)1023 << 52;

static uint64_t low_bits(int count) { return ((uint64_t)1 << count) - 1; }

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* splitmix64's finalizer over all words. */
static uint64_t check_of(const muzero_rc_lookahead_code *code, int32_t show) {
  uint64_t mixed = (uint64_t)(uint32_t)show + 0x9e3779b97f4a7c15u;
  for (int word = 0; word < CODE_WORDS; ++word) {
    mixed = (mixed ^ code->words[word]) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
  }
  return mixed & low_bits(CHECK_BITS);
}

/* `count` bits of a note from `position` on. */
static uint64_t take(const uint64_t *note, int position, int count) {
  const int word = position / 64, shift = position % 64;
  uint64_t bits = note[word] >> shift;
  if (shift + count > 64) bits |= note[word + 1] << (64 - shift);
  return bits & low_bits(count);
}

static void put(uint64_t *note, int position, int count, uint64_t bits) {
  const int word = position / 64, shift = position % 64;
  note[word] |= bits << shift;
  if (shift + count > 64) note[word + 1] |= bits >> (64 - shift);
}

/* Where the parts of a note begin. */
enum {
  AT_COLUMNS = FRAME_BITS,
  AT_COUNT = AT_COLUMNS + COLUMNS_BITS,
  AT_DURATION = AT_COUNT + COUNT_BITS
};

void muzero_rc_lookahead_note_write(muzero_rc_frame_stats *stats, int32_t show,
                                    const muzero_rc_lookahead_frame *told) {
  const double frame = floor(stats->field[MUZERO_RC_STAT_FRAME]);
  const double duration = floor(stats->field[MUZERO_RC_STAT_DURATION]);
  if (!(frame >= 0.0 && frame < kMostFrames)) return;
  if (!(duration >= 0.0 && duration < kLongestDuration)) return;
  muzero_rc_lookahead_code note = muzero_rc_lookahead_encode(told);
  put(note.words, MUZERO_RC_LOOKAHEAD_CODE_BITS, CHECK_BITS, check_of(&note, show));
  stats->field[MUZERO_RC_STAT_FRAME] =
      frame + ldexp((double)take(note.words, 0, FRAME_BITS), -FRAME_BITS);
  stats->field[MUZERO_RC_STAT_INACTIVE_COLUMNS] =
      double_of(kColumns | take(note.words, AT_COLUMNS, COLUMNS_BITS));
  stats->field[MUZERO_RC_STAT_COUNT] = double_of(kOne | take(note.words, AT_COUNT, COUNT_BITS));
  stats->field[MUZERO_RC_STAT_DURATION] =
      duration + ldexp((double)take(note.words, AT_DURATION, DURATION_BITS), -DURATION_BITS);
}

/* What follows the point, in bits; 0 of what is no such number. */
static uint64_t fraction_of(double value, double end, int count) {
  if (!(value >= 0.0 && value < end)) return 0;
  return (uint64_t)ldexp(value - floor(value), count);
}

bool muzero_rc_lookahead_note_read(const muzero_rc_frame_stats *stats, int32_t show,
                                   muzero_rc_lookahead_frame *noted) {
  const double *const field = stats->field;
  muzero_rc_lookahead_code note = {{0}};
  const uint64_t columns = bits_of(field[MUZERO_RC_STAT_INACTIVE_COLUMNS]);
  if ((columns & ~low_bits(COLUMNS_BITS)) != kColumns) return false;
  put(note.words, 0, FRAME_BITS, fraction_of(field[MUZERO_RC_STAT_FRAME], kMostFrames, FRAME_BITS));
  put(note.words, AT_COLUMNS, COLUMNS_BITS, columns & low_bits(COLUMNS_BITS));
  put(note.words, AT_COUNT, COUNT_BITS,
      bits_of(field[MUZERO_RC_STAT_COUNT]) & low_bits(COUNT_BITS));
  put(note.words, AT_DURATION, DURATION_BITS,
      fraction_of(field[MUZERO_RC_STAT_DURATION], kLongestDuration, DURATION_BITS));
  const uint64_t check = take(note.words, MUZERO_RC_LOOKAHEAD_CODE_BITS, CHECK_BITS);
  note.words[CODE_WORDS - 1] &= low_bits(MUZERO_RC_LOOKAHEAD_CODE_BITS - 64 * (CODE_WORDS - 1));
  if (check != check_of(&note, show)) return false;
  *noted = muzero_rc_lookahead_decode(&note, show);
  return true;
}

bool muzero_rc_lookahead_notes_read(const muzero_rc_frame_stats *stats, int32_t count,
                                    muzero_rc_lookahead_frame *frames) {
  for (int32_t show = 0; show < count; ++show) {
    if (muzero_rc_lookahead_note_read(&stats[show], show, &frames[show])) continue;
    memset(frames, 0, (size_t)count * sizeof(*frames));
    return false;
  }
  return count > 0;
}
