#include "policy/shape_decider.h"

#include <errno.h>
#include <stdlib.h>

#include "features/shape_features.h"
#include "policy/shape_planner.h"
#include "rate_control/clip_state_data.h"
#include "rate_control/forecast.h"
#include "rate_control/lookahead_notes.h"

enum {
  AHEAD = 4 * MUZERO_RC_SHAPE_LONGEST, /* frames that are planned over */
  MOST_GOPS = AHEAD / MUZERO_RC_SHAPE_SHORTEST
};

/* Of the lengths of a GOP that begins at a frame. */
typedef struct fit_count {
  int32_t all, strange;
} fit_count;

struct muzero_rc_shape_decider {
  const muzero_rc_shape_network *network;
  muzero_rc_lookahead_frame *frames; /* [count] */
  int32_t count;
  int32_t judged; /* frames from which GOPs are judged so far */
  float *worth;   /* [count, MUZERO_RC_SHAPE_LENGTHS] */
  fit_count *fits; /* [count] */
  float *best;    /* [count], of the planner */
  int32_t *lengths; /* [count], likewise */
  float *features; /* [MUZERO_RC_SHAPE_LENGTHS, features] */
  int32_t ends[MOST_GOPS]; /* [end_count], of the last plan's GOPs */
  int32_t end_count;
};

static int prepare(muzero_rc_shape_decider *d) {
  const size_t count = (size_t)d->count, features = (size_t)muzero_rc_shape_features().count;
  d->frames = malloc(count * sizeof(*d->frames));
  d->worth = malloc(count * MUZERO_RC_SHAPE_LENGTHS * sizeof(float));
  d->fits = malloc(count * sizeof(*d->fits));
  d->best = malloc(count * sizeof(float));
  d->lengths = malloc(count * sizeof(*d->lengths));
  d->features = malloc(features * MUZERO_RC_SHAPE_LENGTHS * sizeof(float));
  return d->frames && d->worth && d->fits && d->best && d->lengths && d->features ? 0 : -ENOMEM;
}

int muzero_rc_shape_decider_open(const muzero_rc_shape_network *network,
                                 const muzero_rc_clip_state *state,
                                 muzero_rc_shape_decider **decider) {
  *decider = NULL;
  muzero_rc_shape_decider *opened = calloc(1, sizeof(*opened));
  if (opened == NULL) return -ENOMEM;
  opened->network = network;
  opened->count = state->clip.frame_count;
  const int error = prepare(opened);
  if (error || !muzero_rc_lookahead_notes_read(state->stats, opened->count, opened->frames))
    muzero_rc_shape_decider_close(&opened);
  *decider = opened;
  return error;
}

void muzero_rc_shape_decider_close(muzero_rc_shape_decider **decider) {
  if (*decider == NULL) return;
  free((*decider)->frames);
  free((*decider)->worth);
  free((*decider)->fits);
  free((*decider)->best);
  free((*decider)->lengths);
  free((*decider)->features);
  free(*decider);
  *decider = NULL;
}

/* The log2 quantizer step of plain inter frames: the controller's, and before the first frame the
 * one at which its forecast meets the target. */
static float usual_step(const muzero_rc_clip_state *state) {
  if (state->coded_count > 0) return state->pending.base;
  float low = -0.5f, high = 10.5f;
  for (int i = 0; i < 12; ++i) {
    const float middle = 0.5f * (low + high);
    if (muzero_rc_forecast_bits(state, 0, middle) > state->target_bits) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return 0.5f * (low + high);
}

static int32_t strange_of(const muzero_rc_shape_decider *d, int32_t fits) {
  const int32_t features = muzero_rc_shape_features().count;
  int32_t count = 0;
  for (int32_t i = 0; i < fits; ++i)
    count += muzero_rc_shape_network_is_strange(d->network, d->features + i * features);
  return count;
}

/* Whether too many of the GOPs that may begin in [start, end] are unlike what the network was
 * fitted to: then what it says of them is no better than a guess. */
static bool is_strange(const muzero_rc_shape_decider *d, int32_t start, int32_t end) {
  int32_t all = 0, strange = 0;
  for (int32_t i = start; i <= end; ++i) {
    all += d->fits[i].all;
    strange += d->fits[i].strange;
  }
  return (float)strange > muzero_rc_shape_network_strange_most(d->network) * (float)all;
}

/* Judges GOPs that begin before frame `end`, each once: the step of that moment is near enough. */
static void judge(muzero_rc_shape_decider *d, int32_t end, float step) {
  for (; d->judged < end; ++d->judged) {
    float *const worth = d->worth + (size_t)d->judged * MUZERO_RC_SHAPE_LENGTHS;
    const int32_t fits =
        muzero_rc_observe_shapes(d->frames, d->count, d->judged, step, d->features);
    muzero_rc_shape_network_worth(d->network, d->features, fits, worth);
    d->fits[d->judged] = (fit_count){fits, strange_of(d, fits)};
    for (int32_t i = fits; i < MUZERO_RC_SHAPE_LENGTHS; ++i) worth[i] = 0.0f;
  }
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

int muzero_rc_shape_decider_answer(void *self, const muzero_rc_clip_state *state,
                                   const muzero_rc_shape_question *question,
                                   muzero_rc_gop_shape *shape) {
  muzero_rc_shape_decider *const d = self;
  const int32_t start = question->show_index;
  const int32_t end = start + least(question->frames_left, AHEAD);
  const int32_t flush = d->count - 1 - question->longest; /* the frames that come without new ones */
  d->end_count = 0;
  shape->strength = question->strength;
  if (start < 0 || end >= d->count) return 0;
  judge(d, end + 1, usual_step(state));
  if (is_strange(d, start, end)) return 0; /* length 0: libvpx's own */
  const muzero_rc_shape_plan plan = {.worth = d->worth,
                                     .longest = least(question->longest, MUZERO_RC_SHAPE_LONGEST),
                                     .start = start,
                                     .end = end,
                                     .flush = question->flush ? start : flush,
                                     .best = d->best,
                                     .lengths = d->lengths};
  shape->length = muzero_rc_shape_plan_length(&plan);
  d->end_count = muzero_rc_shape_plan_ends(&plan, d->ends, MOST_GOPS);
  return 0;
}

int32_t muzero_rc_shape_decider_ends(const muzero_rc_shape_decider *decider,
                                     const int32_t **ends) {
  *ends = decider->ends;
  return decider->end_count;
}
