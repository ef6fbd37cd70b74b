/* Quick encodes: while the first pass runs, every frame is also coded by two
 * realtime encoders at constant quality (vpx/quick_encode.h), and their bits are
 * noted in the statistics themselves, in the lowest bits of two numbers that
 * libvpx's second pass does not read (variances of motion vectors). So whoever
 * hands the statistics on, hands on the notes, and libvpx codes the same bits.
 * Statistics without notes are as good as ever. */
#ifndef MUZERO_RC_POLICY_QUICK_H_
#define MUZERO_RC_POLICY_QUICK_H_

#include "traits.h"

/* What is known of a clip from its quick encodes; log2 of bits per pixel. */
typedef struct muzero_rc_quick {
  bool known;                         /* every frame has a valid note */
  float key[MUZERO_RC_QUICK_LEVELS];  /* of the first frame */
  float mean[MUZERO_RC_QUICK_LEVELS]; /* of all others, mean of bits */
} muzero_rc_quick;

/* Notes the bits of shown frame `frame`, finest level first. */
void muzero_rc_quick_note(muzero_rc_frame_stats *stats, int32_t frame,
                          const int64_t bits[MUZERO_RC_QUICK_LEVELS]);

/* log2 of the bits noted; false when there is no note of this very frame. */
bool muzero_rc_quick_read(const muzero_rc_frame_stats *stats, int32_t frame,
                          float log_bits[MUZERO_RC_QUICK_LEVELS]);

/* Reads the notes of a clip into the traits' `quick` and `quick_sum`; those are
 * 0 when a note is missing. log_pixels: log2 of luma pixels. */
muzero_rc_quick muzero_rc_quick_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                     float log_pixels, muzero_rc_traits *traits);

#endif /* MUZERO_RC_POLICY_QUICK_H_ */
