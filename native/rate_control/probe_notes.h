/* Probe encodes: while the first pass runs, every frame is also coded by realtime
 * encoders at constant quality (vpx/probe_encoder.h): at two levels, and in a
 * variant of the first with finer key frames, which tells what these are worth. What they took is
 * noted in the statistics themselves, in the lowest bits of two numbers that
 * libvpx's second pass does not read (variances of motion vectors). So whoever
 * hands the statistics on, hands on the notes, and libvpx codes the same bits.
 * Statistics without notes are still valid. */
#ifndef MUZERO_RC_RATE_CONTROL_PROBE_NOTES_H_
#define MUZERO_RC_RATE_CONTROL_PROBE_NOTES_H_

#include "rate_control/frame_traits.h"

/* Frames from one key frame of the probe encodes to the next. */
enum { MUZERO_RC_PROBE_SPAN = 128 };

/* Which variant: with finer key frames. */
enum { MUZERO_RC_PROBE_FINE_KEYS = 0 };

/* A frame's note. */
typedef struct muzero_rc_probe_frame {
  int64_t bits[MUZERO_RC_PROBE_LEVELS];     /* finest level first */
  float response[MUZERO_RC_PROBE_VARIANTS]; /* of its span so far */
} muzero_rc_probe_frame;

/* What an encode has come to. */
typedef struct muzero_rc_probe_total {
  double bits;
  float quality; /* mean PSNR-Y in dB */
} muzero_rc_probe_total;

/* What a variant gained on the first level, as the log2 of rate that it saved at the
 * same quality; bounded. The two levels tell what quality costs. */
float muzero_rc_probe_response(const muzero_rc_probe_total levels[MUZERO_RC_PROBE_LEVELS],
                               const muzero_rc_probe_total *variant);

/* What is known of a clip from its probe encodes; log2 of bits per pixel. */
typedef struct muzero_rc_clip_probe {
  bool known;                         /* every frame has a valid note */
  float key[MUZERO_RC_PROBE_LEVELS];  /* of the first frame */
  float mean[MUZERO_RC_PROBE_LEVELS]; /* of all others, mean of bits */
} muzero_rc_clip_probe;

/* Notes what is known of shown frame `frame`. */
void muzero_rc_probe_note_write(muzero_rc_frame_stats *stats, int32_t frame,
                                const muzero_rc_probe_frame *known);

/* What was noted; false when there is no note of this very frame. */
typedef struct muzero_rc_probe_note {
  float log_bits[MUZERO_RC_PROBE_LEVELS];
  float response[MUZERO_RC_PROBE_VARIANTS];
} muzero_rc_probe_note;
bool muzero_rc_probe_note_read(const muzero_rc_frame_stats *stats, int32_t frame,
                               muzero_rc_probe_note *noted);

/* The note of frame `from` becomes one of frame `to`; what is none stays none. */
void muzero_rc_probe_note_move(muzero_rc_frame_stats *stats, int32_t from, int32_t to);

/* Reads the notes of a clip into the traits' `probe`, `probe_sum` and
 * `response`; those are 0 when a note is missing. log_pixels: log2 of luma pixels. */
muzero_rc_clip_probe muzero_rc_probe_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                          float log_pixels, muzero_rc_frame_traits *traits);

/* The response of the variant with finer key frames in the whole span that shown frame `show` lies in, as
 * far as the clip goes, which begins with frame `first` of its film. traits: [count], filled. */
float muzero_rc_probe_response_at(const muzero_rc_frame_traits *traits, int32_t count,
                                  int32_t first, int32_t show);

#endif /* MUZERO_RC_RATE_CONTROL_PROBE_NOTES_H_ */
