/* muzero-rc policies: one qindex for every frame that libvpx codes.
 *
 * A policy is an immutable object that any number of threads may share; a model
 * is one policy at work on one clip, used by one thread at a time. Records here
 * are plain copies of what libvpx's external rate control sends, so this header
 * needs libvpx neither to compile nor to link.
 *
 * Every function that can fail returns 0 or a negative errno value. */
#ifndef MUZERO_RC_POLICY_H_
#define MUZERO_RC_POLICY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MUZERO_RC_API __attribute__((visibility("default")))
#else
#define MUZERO_RC_API
#endif

enum {
  MUZERO_RC_STATS_FIELDS = 25,  /* doubles per shown frame, vpx_rc_frame_stats_t's order */
  MUZERO_RC_REFERENCES = 3,     /* last, golden, alt-ref */
  MUZERO_RC_QINDEX_MIN = 1,     /* 0 would switch to lossless coding */
  MUZERO_RC_QINDEX_MAX = 255,
  MUZERO_RC_SSE_UNKNOWN = -1
};

/* Frame types as libvpx sends them. With pyramid GOPs all alt-ref layers come
 * as MUZERO_RC_ALTREF. */
typedef enum muzero_rc_frame_type {
  MUZERO_RC_KEY = 0,
  MUZERO_RC_INTER = 1,
  MUZERO_RC_ALTREF = 2,
  MUZERO_RC_OVERLAY = 3,
  MUZERO_RC_GOLDEN = 4
} muzero_rc_frame_type;

/* What is known before the first frame. */
typedef struct muzero_rc_clip {
  int32_t width;       /* luma pixels */
  int32_t height;      /* luma pixels */
  int32_t frame_count; /* shown frames, as many as first-pass records */
  int32_t target_kbps; /* kilobits (1000 bits) per second of shown time */
  int32_t bit_depth;   /* of the samples that are coded: 8, 10 or 12; 0 is 8 */
  int32_t error_depth; /* of the samples in whose units squared errors come, libvpx's
                          g_input_bit_depth: 8 to 12; 0 is bit_depth */
} muzero_rc_clip;

/* A constraint on peaks: a leaky bucket. A packet is poured into it when its frame is shown,
 * max_kbps run out, and it never holds more than buffer_kbits; so the packets of any stretch take at
 * most buffer_kbits and max_kbps times its seconds. Hidden frames are in the packet of the next shown
 * one. Shown times are those of the first-pass statistics. */
typedef struct muzero_rc_peak {
  int32_t max_kbps;     /* kilobits (1000 bits) per second */
  int32_t buffer_kbits; /* kilobits */
} muzero_rc_peak;

/* First-pass statistics of one shown frame. */
typedef struct muzero_rc_frame_stats {
  double field[MUZERO_RC_STATS_FIELDS];
} muzero_rc_frame_stats;

/* libvpx asks for the qindex of one coded frame. */
typedef struct muzero_rc_frame_request {
  int32_t frame_type;   /* muzero_rc_frame_type */
  int32_t show_index;   /* display order, from 0 */
  int32_t coding_index; /* coding order, from 0 */
  int32_t gop_index;    /* position in the GOP, from 0 */
  int32_t ref_coding_index[MUZERO_RC_REFERENCES];
  int32_t ref_valid[MUZERO_RC_REFERENCES]; /* 0 or 1 */
} muzero_rc_frame_request;

/* What became of a coded frame. A result without a request before it is a
 * show-existing frame. */
typedef struct muzero_rc_frame_result {
  int64_t sse;    /* Y+U+V, in the clip's error_depth; of an alt-ref against the filtered source. MUZERO_RC_SSE_UNKNOWN: 1.15
                     and newer do not tell */
  int64_t bits;   /* without the superframe index */
  int64_t pixels; /* Y+U+V */
  int32_t qindex; /* really used */
  int32_t reserved;
} muzero_rc_frame_result;

/* One answer, with where it came from. A qindex is one of the clip's bit depth: the same number is
 * a finer step at more bits. */
typedef struct muzero_rc_decision {
  int32_t qindex;    /* to be used: within [1, 255], guarded */
  int32_t asked;     /* what the policy wanted */
  int32_t q_ref; /* the controller's q_ref */
  int32_t fallback;  /* 1: the network answered NaN or inf, q_ref was taken */
} muzero_rc_decision;

typedef struct muzero_rc_policy muzero_rc_policy;
typedef struct muzero_rc_model muzero_rc_model;

/* Opens `name`: "controller" or the path of a .safetensors policy file. On
 * success the caller owns *policy. On failure *policy is NULL and `error`
 * (may be NULL) holds one line for a person. */
MUZERO_RC_API int muzero_rc_policy_open(const char *name, muzero_rc_policy **policy, char *error,
                                        size_t error_size);

/* Closes and sets *policy to NULL; NULL is fine. Models opened from it must be
 * closed before. */
MUZERO_RC_API void muzero_rc_policy_close(muzero_rc_policy **policy);

/* Opens a model for one clip; copies `stats` (clip->frame_count records). All
 * memory is allocated here; nothing after this call can fail. The caller owns
 * *model; `policy` must outlive it. */
MUZERO_RC_API int muzero_rc_model_open(const muzero_rc_policy *policy, const muzero_rc_clip *clip,
                                       const muzero_rc_frame_stats *stats,
                                       muzero_rc_model **model);

/* Holds the model to a peak, as hard as to its target: a frame is made coarser until it fits, and
 * gets qindex 255 where none does. Before the first frame. -EINVAL for values below 1, -ENOMEM. */
MUZERO_RC_API int muzero_rc_model_set_peak(muzero_rc_model *model, const muzero_rc_peak *peak);

/* The qindex for the frame that libvpx asks about. */
MUZERO_RC_API muzero_rc_decision muzero_rc_model_decide(muzero_rc_model *model,
                                                        const muzero_rc_frame_request *request);

/* Tells the model what became of a coded frame. */
MUZERO_RC_API void muzero_rc_model_update(muzero_rc_model *model,
                                          const muzero_rc_frame_result *result);

/* Closes and sets *model to NULL; NULL is fine. */
MUZERO_RC_API void muzero_rc_model_close(muzero_rc_model **model);

#ifdef __cplusplus
}
#endif

#endif /* MUZERO_RC_POLICY_H_ */
