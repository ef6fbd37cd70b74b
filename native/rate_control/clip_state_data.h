/* The clip state's members: for the controller and the features, which read them, and for
 * clip_state.c and budget.c, which alone write them. */
#ifndef MUZERO_RC_RATE_CONTROL_CLIP_STATE_DATA_H_
#define MUZERO_RC_RATE_CONTROL_CLIP_STATE_DATA_H_

#include "rate_control/budget.h"
#include "rate_control/gop_memory.h"
#include "rate_control/lookahead_notes.h"
#include "rate_control/probe_notes.h"
#include "rate_control/gop_schedule.h"
#include "rate_control/clip_state.h"
#include "rate_control/controller_params.h"
#include "rate_control/frame_traits.h"

enum {
  MUZERO_RC_FORECAST_STEPS = 12, /* base steps that the forecast is made for */
  MUZERO_RC_EXPECTED_GOPS = 32   /* that are remembered at most */
};

/* A frame that was coded; layer -1: not coded (yet). */
typedef struct muzero_rc_coded {
  int32_t show_index;
  int32_t layer;
  float step;     /* log2 quantizer step */
  float bits;     /* log2 of bits */
  float quality;  /* PSNR of Y+U+V in dB, at most 60 */
  float surprise; /* log2(bits / predicted bits) */
} muzero_rc_coded;

/* The last frame of a layer, and how many there were. */
typedef struct muzero_rc_layer_memory {
  int32_t count;
  float excess;       /* log2 by which the worst one exceeded what was expected; fades away */
  float excess_again; /* the same of the second worst */
  muzero_rc_coded last;
} muzero_rc_layer_memory;

/* The GOPs between the one under way and those of the forecast's table, see forecast.h. */
typedef struct muzero_rc_forecast_joint {
  int32_t first; /* their first shown frame; 0: there are none */
  int32_t next;  /* the table's first after it */
  float bits[MUZERO_RC_FORECAST_STEPS];
} muzero_rc_forecast_joint;

/* The controller's view of the pending frame. */
typedef struct muzero_rc_pending {
  float base;           /* step of plain inter frames that spends what is left */
  float offset;         /* the pending frame's step relative to base */
  float reference_step; /* step of its nearest reference */
  float expected_bits;  /* log2 of its bits at q_ref, corrected */
  double rest_bits;     /* expected of all frames after it at `base` */
  double saving_bits;   /* the same when they save as much as the guard may ask */
  int32_t qindex;       /* q_ref */
  muzero_rc_frame_span gop;
} muzero_rc_pending;

typedef struct muzero_rc_peak_guard muzero_rc_peak_guard;

struct muzero_rc_clip_state {
  muzero_rc_clip clip;
  int32_t first; /* its place in the film that it is a part of, see film.h; else 0 */
  muzero_rc_frame_stats *stats; /* [frame_count] */
  muzero_rc_frame_traits *traits; /* [frame_count] */
  muzero_rc_lookahead_frame *look; /* [frame_count]; 0 unless `looked` */
  float *forecast;              /* [MUZERO_RC_FORECAST_STEPS, frame_count + 1], see forecast.h */
  muzero_rc_forecast_joint joint;
  muzero_rc_coded *coded;       /* [coded_capacity], by coding index */
  int32_t coded_capacity;
  int32_t coded_count; /* results so far */
  double seconds;      /* shown time */
  double target_bits;
  float log_pixels; /* log2 of luma pixels */
  muzero_rc_frame_span whole;
  muzero_rc_clip_probe probe;
  bool looked; /* every frame has a note of the lookahead */
  muzero_rc_offset_params offsets;
  float frozen; /* share of frames that hardly differ from the one before; 0 unknown */
  muzero_rc_gop_schedule schedule;
  const muzero_rc_gop_shape *shapes; /* [shape_count] of the first GOPs, borrowed; NULL: not known */
  int32_t shape_count;
  int32_t ends[MUZERO_RC_EXPECTED_GOPS]; /* [end_count], where GOPs are expected to end */
  int32_t end_count;
  muzero_rc_budget budget;
  muzero_rc_layer_memory memory[MUZERO_RC_LAYERS];
  muzero_rc_gop_memory gops;
  muzero_rc_frame_request request; /* the pending frame */
  muzero_rc_pending pending;
  muzero_rc_peak_guard *peak; /* NULL: none */
  bool is_pending;
  int32_t chosen; /* its qindex, once committed */
  bool measured;  /* a frame's error came late; its quality and step are below */
  float measured_quality, measured_step;
};

#endif /* MUZERO_RC_RATE_CONTROL_CLIP_STATE_DATA_H_ */
