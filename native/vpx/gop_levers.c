#include "vpx/gop_levers.h"

#include <errno.h>

/* libvpx's defaults. */
enum { DEFAULT_LAYERS = 1, DEFAULT_STRENGTH = 5, DEFAULT_FRAMES = 7 };

static int32_t given(int32_t value, int32_t otherwise) { return value < 0 ? otherwise : value; }

void muzero_rc_gop_levers_init(muzero_rc_gop_levers *levers, const muzero_rc_libvpx *libvpx,
                               muzero_rc_shaper shaper, int32_t lag, int32_t frame_count,
                               muzero_rc_gop_shape own) {
  own.layers = given(own.layers, DEFAULT_LAYERS);
  own.strength = given(own.strength, DEFAULT_STRENGTH);
  own.frames = given(own.frames, DEFAULT_FRAMES);
  *levers = (muzero_rc_gop_levers){.libvpx = *libvpx,
                                   .shaper = shaper,
                                   .lag = lag,
                                   .frame_count = frame_count,
                                   .own = own,
                                   .set = own};
}

static bool control(const muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec, int id,
                    int32_t value) {
  return levers->libvpx.control(codec, id, (int)value) == VPX_CODEC_OK;
}

static bool change(const muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec, int id,
                   int32_t *now, int32_t value) {
  if (*now == value) return true;
  *now = value;
  return control(levers, codec, id, value);
}

/* libvpx checks that the smaller is not above the larger after each call. */
static bool set_length(const muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec,
                       int32_t length) {
  return control(levers, codec, VP9E_SET_MIN_GF_INTERVAL, 0) &&
         control(levers, codec, VP9E_SET_MAX_GF_INTERVAL, length) &&
         control(levers, codec, VP9E_SET_MIN_GF_INTERVAL, length);
}

static bool set_shape(muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec,
                      const muzero_rc_gop_shape *shape) {
  muzero_rc_gop_shape *const set = &levers->set;
  const muzero_rc_gop_shape *const own = &levers->own;
  set->length = shape->length;
  return set_length(levers, codec, shape->length) &&
         change(levers, codec, VP8E_SET_ENABLEAUTOALTREF, &set->layers,
                shape->layers < 1 ? own->layers : shape->layers) &&
         change(levers, codec, VP8E_SET_ARNR_STRENGTH, &set->strength,
                given(shape->strength, own->strength)) &&
         change(levers, codec, VP8E_SET_ARNR_MAXFRAMES, &set->frames,
                given(shape->frames, own->frames));
}

/* Whether the call begins a GOP that has no shape yet, and where. The call codes shown frame
 * fed - lag + 1, with a look-ahead that is full; a GOP begins with the alt-ref of the one before,
 * and one without an alt-ref may end at any frame: then the next shape is set at once. */
static bool begins_gop(const muzero_rc_gop_levers *levers, const muzero_rc_gop_tracker *tracker,
                       bool flush, int32_t *start) {
  const int32_t coded = flush ? levers->frame_count : levers->fed - levers->lag + 1;
  if (tracker->begun < levers->asked) return false;
  *start = tracker->alt_ref >= 0 ? tracker->alt_ref : tracker->shown + 1;
  return coded >= *start;
}

/* An alt-ref that lies beyond the end, or on a key frame, would not be coded at all. */
static muzero_rc_gop_shape fitted(muzero_rc_gop_shape shape,
                                  const muzero_rc_shape_question *question) {
  if (shape.length > question->frames_left) shape.length = question->frames_left;
  if (shape.length < MUZERO_RC_SHAPE_SHORTEST) shape.length = 0;
  return shape;
}

static int ask(muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec, int32_t gop_index,
               int32_t start, bool flush) {
  const muzero_rc_shape_question question = {.gop_index = gop_index,
                                             .show_index = start,
                                             .frames_left = levers->frame_count - 1 - start,
                                             .is_last = flush};
  muzero_rc_gop_shape shape = MUZERO_RC_OWN_SHAPE;
  const int error = levers->shaper.shape(levers->shaper.self, &question, &shape);
  if (error) return error;
  if (!muzero_rc_gop_shape_is_valid(&shape, levers->lag)) return -EINVAL;
  shape = fitted(shape, &question);
  levers->asked = gop_index + 1;
  return set_shape(levers, codec, &shape) ? 0 : -EIO;
}

/* The second call enlarges libvpx's buffer of packets where there are layers, and loses what
 * waits in it: from 1.10 to 1.12 at least it then reads freed memory. Before the look-ahead is
 * full nothing waits, so the buffer gets its size there, whatever the first GOP's shape. */
static bool make_room(muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec) {
  const int32_t layers = levers->own.layers < 2 ? 2 : levers->own.layers;
  return change(levers, codec, VP8E_SET_ENABLEAUTOALTREF, &levers->set.layers, layers);
}

int muzero_rc_gop_levers_before_encode(muzero_rc_gop_levers *levers, vpx_codec_ctx_t *codec,
                                       const muzero_rc_gop_tracker *tracker, bool flush) {
  int32_t start = 0;
  int error = 0;
  if (levers->fed == 0 && !make_room(levers, codec)) error = -EIO;
  if (!error && begins_gop(levers, tracker, flush, &start))
    error = ask(levers, codec, tracker->begun, start, flush);
  levers->fed += !flush;
  return error;
}
