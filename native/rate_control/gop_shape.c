#include "rate_control/gop_shape.h"

static bool within(int32_t value, int32_t lowest, int32_t highest) {
  return value >= lowest && value <= highest;
}

bool muzero_rc_gop_shape_is_valid(const muzero_rc_gop_shape *shape, int32_t lag) {
  return (shape->length == 0 || within(shape->length, MUZERO_RC_SHAPE_SHORTEST, lag - 2)) &&
         within(shape->layers, -1, MUZERO_RC_SHAPE_LAYERS_MAX) &&
         within(shape->strength, -1, MUZERO_RC_SHAPE_STRENGTH_MAX) &&
         within(shape->frames, -1, MUZERO_RC_SHAPE_FRAMES_MAX);
}

/* Frames of `left` that GOPs of `length` leave over, without an alt-ref. libvpx counts the frame
 * that begins a GOP, so one that is a frame short keeps its alt-ref; three frames hardly need one. */
static int32_t left_over(int32_t length, int32_t left) {
  const int32_t rest = left % length;
  return rest == length - 1 || rest < MUZERO_RC_SHAPE_SHORTEST ? 0 : rest;
}

int32_t muzero_rc_gop_length_fit(int32_t length, const muzero_rc_shape_question *question) {
  const int32_t left = question->frames_left;
  if (length > left) length = left;
  if (length < MUZERO_RC_SHAPE_SHORTEST) return 0;
  if (!question->flush) return length;
  int32_t best = length;
  for (int32_t tried = length; tried >= MUZERO_RC_SHAPE_SHORTEST; --tried)
    if (left_over(tried, left) < left_over(best, left)) best = tried;
  return best;
}
