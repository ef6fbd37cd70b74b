/* The GOP schedule: which frames are coded, in which layer of the alt-ref pyramid. libvpx tells
 * one frame at a time; the rest of its GOP follows from the alt-refs that wait to be shown. */
#ifndef MUZERO_RC_RATE_CONTROL_GOP_SCHEDULE_H_
#define MUZERO_RC_RATE_CONTROL_GOP_SCHEDULE_H_

#include <muzero_rc/policy.h>

/* What a coded frame is to rate control. */
typedef enum muzero_rc_layer {
  MUZERO_RC_LAYER_KEY = 0,
  MUZERO_RC_LAYER_TOP = 1, /* the alt-ref at the GOP's end, or a golden frame */
  MUZERO_RC_LAYER_SECOND = 2,
  MUZERO_RC_LAYER_THIRD = 3,
  MUZERO_RC_LAYER_FOURTH = 4, /* and deeper */
  MUZERO_RC_LAYER_LEAF = 5,
  MUZERO_RC_LAYER_OVERLAY = 6,
  MUZERO_RC_LAYERS = 7
} muzero_rc_layer;

enum { MUZERO_RC_FRAME_TYPES = MUZERO_RC_GOLDEN + 1 };

/* As "key", "altref", "top" or "leaf": of 0 to MUZERO_RC_FRAME_TYPES - 1 and of 0 to
 * MUZERO_RC_LAYERS - 1. */
const char *muzero_rc_frame_type_name(int32_t frame_type);
const char *muzero_rc_layer_name(int32_t layer);

enum {
  MUZERO_RC_MAX_HIDDEN = 8, /* alt-refs that wait; libvpx keeps at most 6 */
  MUZERO_RC_MAX_GOP = 64,   /* coded frames listed ahead; libvpx's GOPs end at 25 */
  MUZERO_RC_USUAL_GOP = 16  /* libvpx's GOP length where nothing cuts it short */
};

typedef struct muzero_rc_planned_frame {
  int32_t show_index;
  int32_t layer; /* muzero_rc_layer */
  int32_t past;  /* frames since the nearest reference before it, 0 for key frames */
  int32_t ahead; /* frames to the nearest reference after it, 0: none */
} muzero_rc_planned_frame;

typedef struct muzero_rc_gop_schedule {
  int32_t frame_count;
  int32_t hidden[MUZERO_RC_MAX_HIDDEN]; /* show indices that wait, the GOP's end first */
  int32_t hidden_depth[MUZERO_RC_MAX_HIDDEN]; /* their layers in the GOP's tree, from 1 */
  int32_t hidden_count;
  int32_t shown;       /* last shown frame, -1 at first */
  int32_t shown_depth; /* depth of the last alt-ref of this GOP that was shown, else 0 */
  int32_t gop_start; /* show index of the frame that began this GOP */
  int32_t gop_end;   /* show index of its alt-ref, or of its last expected frame */
  int32_t gop_count;
  int32_t pyramid; /* 1: several alt-ref layers seen, 0: not, -1: not known yet */
  int32_t layers;  /* of alt-refs in this GOP, at most; 0: as `pyramid` says */
  int32_t planned_length; /* of the next GOP that begins; 0: not known */
  int32_t planned_layers; /* of it; 0: as configured */
  muzero_rc_planned_frame pending;
} muzero_rc_gop_schedule;

void muzero_rc_gop_schedule_init(muzero_rc_gop_schedule *schedule, int32_t frame_count);

/* The next GOP that begins, and those after it until told otherwise, have this shape. */
void muzero_rc_gop_schedule_plan(muzero_rc_gop_schedule *schedule, int32_t length,
                                 int32_t layers);

/* A frame is asked for; schedule->pending describes it. */
void muzero_rc_gop_schedule_begin(muzero_rc_gop_schedule *schedule,
                                  const muzero_rc_frame_request *request);

/* The pending frame is coded. */
void muzero_rc_gop_schedule_end(muzero_rc_gop_schedule *schedule);

/* A hidden frame was shown without being coded again. */
void muzero_rc_gop_schedule_show_existing(muzero_rc_gop_schedule *schedule);

/* How many layers of alt-refs GOPs as configured have, at most: 1 or MUZERO_RC_MAX_HIDDEN. */
int32_t muzero_rc_gop_schedule_layers(const muzero_rc_gop_schedule *schedule);

/* The last shown frame of the GOP under way, as far as is known. */
int32_t muzero_rc_gop_schedule_end_of_gop(const muzero_rc_gop_schedule *schedule);

/* Lists the frames still to be coded in this GOP after the pending one, in
 * coding order; returns how many. Exact as far as libvpx keeps to its pattern. */
int32_t muzero_rc_gop_schedule_ahead(const muzero_rc_gop_schedule *schedule,
                                     muzero_rc_planned_frame out[MUZERO_RC_MAX_GOP]);

/* The pattern of a whole GOP that ends at `end` after frame `start` was shown, with at most
 * `layers` of alt-refs, in coding order; returns how many. */
int32_t muzero_rc_gop_pattern(int32_t start, int32_t end, int32_t layers,
                              muzero_rc_planned_frame out[MUZERO_RC_MAX_GOP]);

#endif /* MUZERO_RC_RATE_CONTROL_GOP_SCHEDULE_H_ */
