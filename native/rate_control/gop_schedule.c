#include "rate_control/gop_schedule.h"

#include <string.h>

const char *muzero_rc_frame_type_name(int32_t frame_type) {
  static const char *const NAMES[MUZERO_RC_FRAME_TYPES] = {
      [MUZERO_RC_KEY] = "key",         [MUZERO_RC_INTER] = "inter",
      [MUZERO_RC_ALTREF] = "altref",   [MUZERO_RC_OVERLAY] = "overlay",
      [MUZERO_RC_GOLDEN] = "golden",
  };
  return NAMES[frame_type];
}

const char *muzero_rc_layer_name(int32_t layer) {
  static const char *const NAMES[MUZERO_RC_LAYERS] = {
      [MUZERO_RC_LAYER_KEY] = "key",       [MUZERO_RC_LAYER_TOP] = "top",
      [MUZERO_RC_LAYER_SECOND] = "second", [MUZERO_RC_LAYER_THIRD] = "third",
      [MUZERO_RC_LAYER_FOURTH] = "fourth", [MUZERO_RC_LAYER_LEAF] = "leaf",
      [MUZERO_RC_LAYER_OVERLAY] = "overlay",
  };
  return NAMES[layer];
}

typedef struct plan_list {
  muzero_rc_planned_frame *frames;
  int32_t count;
} plan_list;

static void append(plan_list *list, int32_t show_index, int32_t layer, int32_t past,
                   int32_t ahead) {
  if (list->count >= MUZERO_RC_MAX_GOP) return;
  list->frames[list->count++] = (muzero_rc_planned_frame){show_index, layer, past, ahead};
}

static int32_t arf_layer(int32_t depth) {
  return depth < MUZERO_RC_LAYER_FOURTH ? depth : MUZERO_RC_LAYER_FOURTH;
}

/* Frames first..last lie between two references. libvpx halves an interval of
 * three or more with one more alt-ref layer, and codes shorter ones in order. */
static void append_interval(plan_list *list, int32_t first, int32_t last, int32_t depth,
                            int32_t layers) {
  if (last - first < 2 || depth >= layers) {
    for (int32_t show = first; show <= last; ++show) {
      append(list, show, MUZERO_RC_LAYER_LEAF, 1, depth > 0 ? last + 1 - show : 0);
    }
    return;
  }
  const int32_t middle = (first + last + 1) / 2;
  append(list, middle, arf_layer(depth + 1), middle - first + 1, last + 1 - middle);
  append_interval(list, first, middle - 1, depth + 1, layers);
  append_interval(list, middle + 1, last, depth + 1, layers);
}

void muzero_rc_gop_schedule_init(muzero_rc_gop_schedule *schedule, int32_t frame_count) {
  memset(schedule, 0, sizeof(*schedule));
  schedule->frame_count = frame_count;
  schedule->shown = -1;
  schedule->pyramid = -1;
}

void muzero_rc_gop_schedule_plan(muzero_rc_gop_schedule *schedule, int32_t length,
                                 int32_t layers) {
  schedule->planned_length = length;
  schedule->planned_layers = layers > 0 ? layers : 0;
}

int32_t muzero_rc_gop_schedule_layers(const muzero_rc_gop_schedule *schedule) {
  return schedule->pyramid != 0 ? MUZERO_RC_MAX_HIDDEN : 1;
}

static int32_t layers_of_gop(const muzero_rc_gop_schedule *schedule) {
  return schedule->layers > 0 ? schedule->layers : muzero_rc_gop_schedule_layers(schedule);
}

/* A GOP that a golden frame begins, after one without an alt-ref, is a frame shorter than asked. */
static int32_t expected_gop_end(const muzero_rc_gop_schedule *schedule, int32_t start,
                                bool golden) {
  const int32_t planned = schedule->planned_length - golden;
  const int32_t end = start + (schedule->planned_length > 0 ? planned : MUZERO_RC_USUAL_GOP);
  return end < schedule->frame_count ? end : schedule->frame_count - 1;
}

static void start_gop(muzero_rc_gop_schedule *schedule, int32_t show_index, bool golden) {
  schedule->hidden_count = 0;
  schedule->shown_depth = 0;
  schedule->gop_start = show_index;
  schedule->gop_end = expected_gop_end(schedule, show_index, golden);
  schedule->layers = schedule->planned_layers;
  ++schedule->gop_count;
}

static int32_t maximum(int32_t a, int32_t b) { return a > b ? a : b; }

/* An interval of the GOP's tree lies one below the deeper of its two ends. */
static int32_t interval_depth(const muzero_rc_gop_schedule *schedule) {
  const int32_t count = schedule->hidden_count;
  return maximum(count > 0 ? schedule->hidden_depth[count - 1] : 0, schedule->shown_depth);
}

static void drop_shown(muzero_rc_gop_schedule *schedule, int32_t show_index) {
  while (schedule->hidden_count > 0 &&
         schedule->hidden[schedule->hidden_count - 1] <= show_index) {
    --schedule->hidden_count;
  }
}

static int32_t top_hidden(const muzero_rc_gop_schedule *schedule) {
  return schedule->hidden_count > 0 ? schedule->hidden[schedule->hidden_count - 1] : -1;
}

static void learn_pyramid(muzero_rc_gop_schedule *schedule,
                          const muzero_rc_frame_request *request) {
  if (schedule->layers > 0) return; /* asked for, so it says nothing of other GOPs */
  if (request->frame_type == MUZERO_RC_ALTREF && schedule->hidden_count > 0) {
    schedule->pyramid = 1;
  } else if (request->frame_type == MUZERO_RC_INTER && schedule->pyramid < 0 &&
             top_hidden(schedule) - request->show_index > 3) {
    schedule->pyramid = 0; /* a pyramid would have halved so long an interval */
  } else if (request->frame_type == MUZERO_RC_GOLDEN && schedule->pyramid < 0) {
    schedule->pyramid = 0;
  }
}

void muzero_rc_gop_schedule_begin(muzero_rc_gop_schedule *schedule,
                                  const muzero_rc_frame_request *request) {
  const int32_t show = request->show_index;
  int32_t layer = MUZERO_RC_LAYER_LEAF;
  int32_t depth = 0;
  switch (request->frame_type) {
    case MUZERO_RC_KEY: layer = MUZERO_RC_LAYER_KEY; break;
    case MUZERO_RC_OVERLAY: layer = MUZERO_RC_LAYER_OVERLAY; break;
    case MUZERO_RC_GOLDEN: layer = MUZERO_RC_LAYER_TOP; break;
    default: break;
  }
  if (request->frame_type == MUZERO_RC_ALTREF || request->frame_type == MUZERO_RC_INTER) {
    drop_shown(schedule, show);
    learn_pyramid(schedule, request);
    if (request->frame_type == MUZERO_RC_ALTREF) {
      /* Pyramid GOPs end with a frame that is shown again, not with an overlay. */
      if (schedule->hidden_count == 0) start_gop(schedule, schedule->shown, false);
      depth = interval_depth(schedule) + 1;
      layer = arf_layer(depth);
    }
  } else {
    if (request->frame_type == MUZERO_RC_GOLDEN) learn_pyramid(schedule, request);
    start_gop(schedule, show, request->frame_type == MUZERO_RC_GOLDEN);
  }
  const int32_t ahead = top_hidden(schedule);
  schedule->pending = (muzero_rc_planned_frame){
      show, layer, layer == MUZERO_RC_LAYER_KEY ? 0 : show - schedule->shown,
      ahead > show ? ahead - show : 0};
  if (schedule->pending.past < 0) schedule->pending.past = 0;
  if (request->frame_type == MUZERO_RC_ALTREF &&
      schedule->hidden_count < MUZERO_RC_MAX_HIDDEN) {
    if (schedule->hidden_count == 0) schedule->gop_end = show;
    schedule->hidden_depth[schedule->hidden_count] = depth;
    schedule->hidden[schedule->hidden_count++] = show;
  }
}

void muzero_rc_gop_schedule_end(muzero_rc_gop_schedule *schedule) {
  const int32_t layer = schedule->pending.layer;
  const bool hidden = top_hidden(schedule) == schedule->pending.show_index &&
                      layer != MUZERO_RC_LAYER_OVERLAY && layer != MUZERO_RC_LAYER_KEY;
  if (!hidden) schedule->shown = schedule->pending.show_index;
}

void muzero_rc_gop_schedule_show_existing(muzero_rc_gop_schedule *schedule) {
  if (schedule->hidden_count == 0) return;
  --schedule->hidden_count;
  schedule->shown = schedule->hidden[schedule->hidden_count];
  schedule->shown_depth = schedule->hidden_depth[schedule->hidden_count];
}

int32_t muzero_rc_gop_schedule_end_of_gop(const muzero_rc_gop_schedule *schedule) {
  return maximum(schedule->gop_end, schedule->pending.show_index);
}

int32_t muzero_rc_gop_schedule_ahead(const muzero_rc_gop_schedule *schedule,
                                     muzero_rc_planned_frame out[MUZERO_RC_MAX_GOP]) {
  plan_list list = {out, 0};
  const muzero_rc_planned_frame *pending = &schedule->pending;
  const int32_t layers = layers_of_gop(schedule);
  int32_t first = schedule->shown + 1;
  if (schedule->hidden_count == 0 || schedule->hidden[0] <= pending->show_index) {
    if (pending->layer == MUZERO_RC_LAYER_KEY || pending->layer == MUZERO_RC_LAYER_OVERLAY ||
        (pending->layer == MUZERO_RC_LAYER_TOP && schedule->hidden_count == 0)) {
      /* A GOP begins: its alt-ref is not known yet, so this is the planned or the usual one. */
      return muzero_rc_gop_pattern(pending->show_index, schedule->gop_end, layers, out);
    }
  }
  if (pending->layer == MUZERO_RC_LAYER_LEAF) first = pending->show_index + 1;
  /* A leaf's neighbours were too few to be halved; everything else may be. */
  int32_t deepest = pending->layer == MUZERO_RC_LAYER_LEAF ? 0 : layers;
  if (schedule->hidden_count == 0) {
    append_interval(&list, first, schedule->gop_end, 0, 0);
    return list.count;
  }
  int32_t left_depth = schedule->shown_depth;
  for (int32_t next = schedule->hidden_count - 1; next >= 0; --next) {
    const int32_t right_depth = schedule->hidden_depth[next];
    append_interval(&list, first, schedule->hidden[next] - 1, maximum(left_depth, right_depth),
                    deepest);
    first = schedule->hidden[next] + 1;
    left_depth = right_depth;
    deepest = layers;
  }
  return list.count;
}

int32_t muzero_rc_gop_pattern(int32_t start, int32_t end, int32_t layers,
                              muzero_rc_planned_frame out[MUZERO_RC_MAX_GOP]) {
  plan_list list = {out, 0};
  if (end <= start) return 0;
  if (end - start == 1) {
    append(&list, end, MUZERO_RC_LAYER_LEAF, 1, 0);
    return list.count;
  }
  append(&list, end, MUZERO_RC_LAYER_TOP, end - start, 0);
  append_interval(&list, start + 1, end - 1, 1, layers);
  return list.count;
}
