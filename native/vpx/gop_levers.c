#include "vpx/gop_levers.h"

#include <errno.h>

/* libvpx's defaults. */
enum { DEFAULT_LAYERS = 1, DEFAULT_STRENGTH = 5, DEFAULT_FRAMES = 7 };

static int32_t given(int32_t value, int32_t otherwise) { return value < 0 ? otherwise : value; }

void muzero_rc_gop_levers_init(muzero_rc_gop_levers *levers,
                               const muzero_rc_gop_settings *settings) {
  const muzero_rc_gop_shape own = {.layers = given(settings->auto_alt_ref, DEFAULT_LAYERS),
                                   .strength = given(settings->arnr_strength, DEFAULT_STRENGTH),
                                   .frames = given(settings->arnr_max_frames, DEFAULT_FRAMES)};
  *levers =
      (muzero_rc_gop_levers){.is_ready = true, .settings = *settings, .own = own, .set = own};
}

/* An encoder while its controls are set; the first refusal stays. */
typedef struct controls {
  const muzero_rc_libvpx *libvpx;
  vpx_codec_ctx_t *codec;
  bool refused;
} controls;

static void control(controls *to, int id, int32_t value) {
  if (to->libvpx->control(to->codec, id, (int)value) != VPX_CODEC_OK) to->refused = true;
}

static void change(controls *to, int id, int32_t *now, int32_t value) {
  if (*now == value) return;
  *now = value;
  control(to, id, value);
}

/* libvpx checks after each call that the smaller is not above the larger. */
static void set_length(controls *to, int32_t length) {
  control(to, VP9E_SET_MIN_GF_INTERVAL, 0);
  control(to, VP9E_SET_MAX_GF_INTERVAL, length);
  control(to, VP9E_SET_MIN_GF_INTERVAL, length);
}

static void set_layers(controls *to, muzero_rc_gop_levers *levers, int32_t layers) {
  if (levers->settings.keep_layers) return;
  change(to, VP8E_SET_ENABLEAUTOALTREF, &levers->set.layers,
         layers < 1 ? levers->own.layers : layers);
}

static void set_filter(controls *to, muzero_rc_gop_levers *levers,
                       const muzero_rc_gop_shape *shape) {
  if (levers->settings.keep_filter) return;
  change(to, VP8E_SET_ARNR_STRENGTH, &levers->set.strength,
         given(shape->strength, levers->own.strength));
  change(to, VP8E_SET_ARNR_MAXFRAMES, &levers->set.frames,
         given(shape->frames, levers->own.frames));
}

static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

/* Frames after `start` to the clip's end or to the key frame that the settings demand; where
 * `start` lies at that key frame or beyond it, to the one after. */
static int32_t frames_left(const muzero_rc_gop_levers *levers,
                           const muzero_rc_gop_tracker *tracker, int32_t start) {
  const int32_t distance = levers->settings.kf_max_dist;
  const int32_t to_end = levers->settings.frame_count - 1 - start;
  const int32_t next_key = tracker->key + distance;
  if (tracker->key < 0 || start >= next_key) return smaller(to_end, distance - 1);
  return smaller(to_end, next_key - 1 - start);
}

/* The earliest frame that begins the next GOP: the alt-ref of the one under way. One without an
 * alt-ref may end at any frame, so with the one coded next, unless it was known to be short. */
static int32_t next_start(const muzero_rc_gop_levers *levers,
                          const muzero_rc_gop_tracker *tracker) {
  if (tracker->begun == 0) return 0;
  if (tracker->alt_ref >= 0) return tracker->alt_ref;
  const int32_t coded = tracker->shown + 1;
  return levers->next_start > coded ? levers->next_start : coded;
}

/* What the user chose stays. */
static int32_t best_strength(const muzero_rc_gop_settings *settings) {
  return settings->arnr_strength >= 0 ? -1 : settings->best_strength;
}

static int ask(muzero_rc_gop_levers *levers, muzero_rc_model *model,
               const muzero_rc_shape_question *question) {
  if (levers->answered > question->gop_index) return 0;
  levers->asked = MUZERO_RC_OWN_SHAPE;
  const bool is_open = question->frames_left > 0;
  const int error = is_open ? muzero_rc_model_shape(model, question, &levers->asked) : 0;
  if (error) return error;
  levers->answered = question->gop_index + 1;
  return muzero_rc_gop_shape_is_valid(&levers->asked, levers->settings.lag) ? 0 : -EINVAL;
}

static int set_shape(muzero_rc_gop_levers *levers, controls *to, muzero_rc_model *model,
                     const muzero_rc_shape_question *question, bool in_gop) {
  muzero_rc_gop_shape shape = levers->asked;
  shape.length =
      levers->settings.keep_length ? 0 : muzero_rc_gop_length_fit(shape.length, question);
  if (!levers->settings.keep_length) set_length(to, shape.length);
  levers->set.length = shape.length;
  /* A flush codes the rest of the GOP under way too: its layers and filter must last. */
  if (!in_gop) {
    set_layers(to, levers, shape.layers);
    set_filter(to, levers, &shape);
  } else {
    shape.layers = levers->set.layers;
  }
  if (levers->set.layers == levers->own.layers) shape.layers = MUZERO_RC_OWN_SHAPE.layers;
  levers->next_start = question->frames_left < MUZERO_RC_SHAPE_SHORTEST
                           ? question->show_index + question->frames_left + 1
                           : 0;
  muzero_rc_model_begin_gop(model, &shape);
  return to->refused ? -EIO : 0;
}

/* libvpx makes its buffer of packets larger in the second call with layers, and loses what waits
 * in it: it would read freed memory. Before the look-ahead is full nothing waits, so the buffer
 * gets its size there, whatever the first GOP's shape. */
static void make_room(muzero_rc_gop_levers *levers, controls *to) {
  set_layers(to, levers, levers->own.layers < 2 ? 2 : levers->own.layers);
}

int muzero_rc_gop_levers_before_encode(muzero_rc_gop_levers *levers,
                                       const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec,
                                       const muzero_rc_gop_tracker *tracker,
                                       muzero_rc_model *model, bool flush) {
  controls to = {libvpx, codec, false};
  if (!model || !muzero_rc_model_has_shapes(model) ||
      levers->settings.lag < MUZERO_RC_SHAPE_LAG_MIN)
    return 0;
  const int32_t frame = levers->fed - levers->settings.lag + 1; /* that a full look-ahead yields */
  if (levers->fed == 0) make_room(levers, &to);
  levers->fed += !flush;
  const int32_t start = next_start(levers, tracker);
  if (start >= levers->settings.frame_count || (!flush && frame < start))
    return to.refused ? -EIO : 0;
  const int32_t left = frames_left(levers, tracker, start);
  const muzero_rc_clip_state *const state = muzero_rc_model_state(model);
  const muzero_rc_shape_question question = {
      .gop_index = tracker->begun,
      .show_index = start,
      .frames_left = smaller(left, muzero_rc_clip_state_scene_left(state, start)),
      .longest = levers->settings.lag - 2,
      .flush = flush,
      .strength = best_strength(&levers->settings)};
  const int error = ask(levers, model, &question);
  const bool in_gop = tracker->alt_ref > tracker->shown + 1;
  return error ? error : set_shape(levers, &to, model, &question, in_gop);
}
