#include "lookahead/codes.h"

#include <stddef.h>

/* log2 in units of 1/256. */
enum { LOG_BITS = 8, LOG_UNIT = 1 << LOG_BITS, RATIO_STEPS = 8, WORTH_STEPS = 16 };

typedef enum kind {
  LUMA,  /* mean pixel */
  LEVEL, /* 16 log2, of intra: what the ratios are to */
  RATIO, /* 8 log2 of intra to it; the greatest: 0 */
  WORTH, /* 16 log2 of intra with it to intra */
  SHARE
} kind;

typedef struct part {
  kind kind;
  int bits;
  size_t place; /* in a frame, in bytes */
} part;

#define PLACE(member) offsetof(muzero_rc_lookahead_frame, member)

/* What is coded, lowest bits first. */
static const part kParts[] = {
    {LEVEL, 8, PLACE(intra)},         {LUMA, 8, PLACE(luma)},
    {RATIO, 7, PLACE(inter[0])},      {RATIO, 6, PLACE(inter[1])},
    {RATIO, 6, PLACE(inter[2])},      {RATIO, 6, PLACE(inter[3])},
    {RATIO, 6, PLACE(inter[4])},      {RATIO, 7, PLACE(both[0])},
    {RATIO, 6, PLACE(both[1])},       {RATIO, 6, PLACE(both[2])},
    {RATIO, 6, PLACE(both[3])},       {RATIO, 6, PLACE(noise)},
    {WORTH, 6, PLACE(worth_far[1])},  {WORTH, 6, PLACE(worth_far[2])},
    {WORTH, 6, PLACE(worth_far[3])},  {WORTH, 6, PLACE(worth_near[1])},
    {WORTH, 6, PLACE(worth_near[2])}, {WORTH, 6, PLACE(worth_near[3])},
    {SHARE, 5, PLACE(fresh[0])},      {SHARE, 5, PLACE(fresh[1])},
    {SHARE, 4, PLACE(fresh[2])},      {SHARE, 4, PLACE(fresh[3])},
    {SHARE, 4, PLACE(still[0])},      {SHARE, 4, PLACE(still[3])},
};
enum { PARTS = sizeof(kParts) / sizeof(kParts[0]) };

/* 2^(i / 16), in 1/65536. */
static const uint32_t kPowers[WORTH_STEPS] = {65536,  68438,  71468,  74632, 77936,  81386,
                                              84990,  88752,  92682,  96785, 101070, 105545,
                                              110218, 115098, 120194, 125515};

/* Rounded down. value: 1 or more. */
static int log2_of(uint64_t value) {
  int whole = 0, fraction = 0;
  while (value >> (whole + 1)) ++whole;
  uint64_t mantissa = whole > 31 ? value >> (whole - 31) : value << (31 - whole);
  for (int bit = 0; bit < LOG_BITS; ++bit) {
    mantissa = mantissa * mantissa >> 31;
    fraction *= 2;
    if (mantissa >> 32) {
      fraction += 1;
      mantissa >>= 1;
    }
  }
  return LOG_UNIT * whole + fraction;
}

static int64_t times_power(int64_t value, int sixteenths) {
  const int whole = sixteenths >= 0 ? sixteenths / 16 : -((15 - sixteenths) / 16);
  const int64_t scaled = value * kPowers[sixteenths - 16 * whole];
  return whole >= 0 ? (scaled << whole) >> 16 : scaled >> (16 - whole);
}

static int32_t bounded(int64_t value, int32_t greatest) {
  return value < 0 ? 0 : (value < greatest ? (int32_t)value : greatest);
}

static int32_t rounded(int log, int steps) { return (log * steps + LOG_UNIT / 2) / LOG_UNIT; }

static int32_t code_of(const part *p, int32_t value, int32_t intra) {
  const int32_t greatest = (1 << p->bits) - 1;
  if (value < 0) value = 0; /* unknown */
  switch (p->kind) {
    case LUMA:
      return bounded(((int64_t)value + 8) / 16, greatest);
    case LEVEL:
      return bounded(rounded(log2_of((uint64_t)value + 1), 16) - 2 * 16, greatest);
    case SHARE:
      return bounded(((int64_t)value * greatest + 512) / MUZERO_RC_SHARE_UNIT, greatest);
    case RATIO:
      if (value == 0 || intra == 0) return greatest;
      return bounded(rounded(log2_of((uint64_t)intra) - log2_of((uint64_t)value), RATIO_STEPS),
                     greatest - 1);
    case WORTH:
      if (intra == 0) return 0;
      return bounded(rounded(log2_of((uint64_t)intra + (uint64_t)value) - log2_of((uint64_t)intra),
                             WORTH_STEPS),
                     greatest);
  }
  return 0;
}

static int32_t value_of(const part *p, int32_t code, int32_t intra) {
  const int32_t greatest = (1 << p->bits) - 1;
  switch (p->kind) {
    case LUMA:
      return 16 * code;
    case LEVEL:
      return code ? (int32_t)times_power(4, code) - 1 : 0;
    case SHARE:
      return (code * MUZERO_RC_SHARE_UNIT + greatest / 2) / greatest;
    case RATIO:
      return code == greatest ? 0 : (int32_t)times_power(intra, -code * 16 / RATIO_STEPS);
    case WORTH:
      return (int32_t)times_power(intra, code) - intra;
  }
  return 0;
}

static int32_t *at(muzero_rc_lookahead_frame *frame, size_t place) {
  return (int32_t *)((char *)frame + place);
}

muzero_rc_lookahead_code muzero_rc_lookahead_encode(const muzero_rc_lookahead_frame *frame) {
  muzero_rc_lookahead_code code = {{0}};
  muzero_rc_lookahead_frame told = *frame;
  const int32_t intra = value_of(&kParts[0], code_of(&kParts[0], told.intra, 0), 0);
  int position = 0;
  for (int i = 0; i < PARTS; ++i) {
    const uint64_t bits = (uint64_t)code_of(&kParts[i], *at(&told, kParts[i].place), intra);
    const int word = position / 64, shift = position % 64;
    code.words[word] |= bits << shift;
    if (shift + kParts[i].bits > 64) code.words[word + 1] |= bits >> (64 - shift);
    position += kParts[i].bits;
  }
  return code;
}

static int32_t mean(int32_t a, int32_t b) { return (a + b) / 2; }

/* What is not coded, from what is; and what frame `show` cannot have. */
static void complete(muzero_rc_lookahead_frame *frame, int32_t show) {
  frame->still[1] = (2 * frame->still[0] + frame->still[3]) / 3;
  frame->still[2] = mean(frame->still[1], frame->still[3]);
  frame->still[4] = frame->still[3];
  frame->fresh[4] = frame->fresh[3];
  frame->worth_far[0] = frame->worth_far[1] / 3; /* one frame between instead of three */
  frame->worth_near[0] = frame->worth_near[1] / 3;
  for (int i = 0; i < MUZERO_RC_DISTANCES; ++i)
    if (show < 1 << i) frame->inter[i] = frame->still[i] = frame->fresh[i] = MUZERO_RC_UNKNOWN;
  for (int i = 0; i < MUZERO_RC_PYRAMIDS; ++i) {
    if (show < 2 << i) frame->both[i] = MUZERO_RC_UNKNOWN;
    /* The shortest comes with the next. */
    if (show < (i > 0 ? 2 << i : 4)) frame->worth_far[i] = frame->worth_near[i] = MUZERO_RC_UNKNOWN;
  }
  if (show < 2) frame->noise = MUZERO_RC_UNKNOWN;
}

muzero_rc_lookahead_frame muzero_rc_lookahead_decode(const muzero_rc_lookahead_code *code,
                                                     int32_t show) {
  muzero_rc_lookahead_frame frame = {0};
  int position = 0;
  for (int i = 0; i < PARTS; ++i) {
    const int word = position / 64, shift = position % 64, width = kParts[i].bits;
    uint64_t bits = code->words[word] >> shift;
    if (shift + width > 64) bits |= code->words[word + 1] << (64 - shift);
    bits &= ((uint64_t)1 << width) - 1;
    *at(&frame, kParts[i].place) = value_of(&kParts[i], (int32_t)bits, frame.intra);
    position += width;
  }
  complete(&frame, show);
  return frame;
}
