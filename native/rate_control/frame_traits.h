/* First-pass statistics of a shown frame, as the logarithms and shares that the bits model and
 * the features read, and means of them over a span of frames. */
#ifndef MUZERO_RC_RATE_CONTROL_FRAME_TRAITS_H_
#define MUZERO_RC_RATE_CONTROL_FRAME_TRAITS_H_

#include <muzero_rc/policy.h>

/* Positions in muzero_rc_frame_stats.field; vpx/convert.c checks them against libvpx's own. */
enum {
  MUZERO_RC_STAT_FRAME,
  MUZERO_RC_STAT_WEIGHT,
  MUZERO_RC_STAT_INTRA_ERROR, /* per macroblock */
  MUZERO_RC_STAT_CODED_ERROR,
  MUZERO_RC_STAT_SECOND_REF_ERROR,
  MUZERO_RC_STAT_NOISE,
  MUZERO_RC_STAT_INTER, /* shares of macroblocks, up to INTRA_SMOOTH */
  MUZERO_RC_STAT_MOTION,
  MUZERO_RC_STAT_SECOND_REF,
  MUZERO_RC_STAT_NEUTRAL,
  MUZERO_RC_STAT_INTRA_LOW,
  MUZERO_RC_STAT_INTRA_HIGH,
  MUZERO_RC_STAT_INTRA_SKIP,
  MUZERO_RC_STAT_INTRA_SMOOTH,
  MUZERO_RC_STAT_INACTIVE_ROWS,
  MUZERO_RC_STAT_INACTIVE_COLUMNS,
  MUZERO_RC_STAT_VECTOR_ROW, /* motion vectors: means */
  MUZERO_RC_STAT_VECTOR_ROW_ABS,
  MUZERO_RC_STAT_VECTOR_COLUMN,
  MUZERO_RC_STAT_VECTOR_COLUMN_ABS,
  MUZERO_RC_STAT_ROW_VARIANCE,
  MUZERO_RC_STAT_COLUMN_VARIANCE,
  MUZERO_RC_STAT_VECTORS_INWARD,
  MUZERO_RC_STAT_DURATION, /* ticks of 100 ns */
  MUZERO_RC_STAT_COUNT
};

enum { /* probe encodes of a clip, see probe_notes.h */
       MUZERO_RC_PROBE_LEVELS = 2,
       MUZERO_RC_PROBE_VARIANTS = 1
};

typedef struct muzero_rc_frame_traits {
  float intra;        /* log2(1 + intra error per macroblock) */
  float coded;        /* log2(1 + error of the better of intra and last frame) */
  float second_error; /* log2(1 + the same against the golden frame) */
  float noise;        /* log2(1 + noise energy) */
  float inter;        /* shares of macroblocks, 0..1 */
  float motion;
  float second_ref;
  float neutral;
  float intra_skip;
  float intra_smooth;
  float vectors;    /* log2(1 + mean absolute vector, rows and columns) */
  float coded_sum;  /* coded errors of frames 0..this, not a logarithm */
  float forward;    /* frames after this one that live on its quality, see frame_traits.c */
  float backward;   /* frames before it that would, were they predicted from it */
  int32_t scene;    /* frames after this one up to the next cut; 0 before a cut and at the end */
  float probe[MUZERO_RC_PROBE_LEVELS];      /* log2 bits per pixel of its probe encodes */
  double probe_sum[MUZERO_RC_PROBE_LEVELS]; /* bits per pixel of frames 0..this: differences
                                               count, hours into a film too */
  float response[MUZERO_RC_PROBE_VARIANTS]; /* of its span up to it, see probe_notes.h */
} muzero_rc_frame_traits;

/* traits: [count]. The first frame has nothing to be predicted from, so its
 * inter terms are the second frame's. Values that are not finite count as 0. */
void muzero_rc_frame_traits_fill(const muzero_rc_frame_stats *stats, int32_t count,
                                 muzero_rc_frame_traits *traits);

/* Shown time in seconds from the frames' durations (ticks of 100 ns); 0 when
 * they say nothing. */
double muzero_rc_shown_seconds(const muzero_rc_frame_stats *stats, int32_t count);

/* What a span of frames is like; see muzero_rc_frame_span_of. */
typedef struct muzero_rc_frame_span {
  float predicted; /* mean of coded - intra: the lower, the better inter predicts */
  float still;     /* mean share of macroblocks predicted without motion */
  float coded;     /* mean of coded */
  float noise;     /* mean of noise */
  float vectors;   /* mean of vectors */
  float probe;     /* log2 of mean bits per pixel between the probe encodes; 0 unknown */
  float steepness; /* by how much more than usual bits fall from the fine to the coarse one */
  int32_t followers; /* frames after it up to the next cut or the end */
} muzero_rc_frame_span;

/* Means over frames first..last, cut to those of the clip. */
muzero_rc_frame_span muzero_rc_frame_span_of(const muzero_rc_frame_traits *traits, int32_t count,
                                             int32_t first, int32_t last);

#endif /* MUZERO_RC_RATE_CONTROL_FRAME_TRAITS_H_ */
