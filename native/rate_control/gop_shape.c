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
