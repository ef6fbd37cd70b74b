#include "rate_control/film.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rate_control/clip_state_data.h"
#include "rate_control/forecast.h"

/* A frame is worth what it is in the film. Sums stay the part's own: only differences of them
 * count, and those of hours would be rounded. */
static void take_traits(muzero_rc_clip_state *state, const muzero_rc_frame_traits *film) {
  for (int32_t i = 0; i < state->clip.frame_count; ++i) {
    const muzero_rc_frame_traits own = state->traits[i];
    state->traits[i] = film[i];
    state->traits[i].coded_sum = own.coded_sum;
    memcpy(state->traits[i].probe_sum, own.probe_sum, sizeof(own.probe_sum));
  }
}

int muzero_rc_clip_state_set_part(muzero_rc_clip_state *state, const muzero_rc_film_part *part) {
  const int32_t count = part->frame_count;
  if (part->first < 0 || part->first > count - state->clip.frame_count) return -EINVAL;
  if (!(part->target_bits > 0.0)) return -EINVAL;
  muzero_rc_frame_traits *const traits = calloc((size_t)count, sizeof(*traits));
  if (!traits) return -ENOMEM;
  muzero_rc_frame_traits_fill(part->stats, count, traits);
  const muzero_rc_clip_probe probe =
      muzero_rc_probe_fill(part->stats, count, state->log_pixels, traits);
  if (probe.known == state->probe.known) state->probe = probe;
  state->whole = muzero_rc_frame_span_of(traits, count, 1, count - 1);
  state->first = part->first;
  state->target_bits = part->target_bits;
  take_traits(state, traits + part->first);
  free(traits);
  muzero_rc_budget_init(&state->budget, state->target_bits, state->probe.known);
  muzero_rc_forecast_fill(state);
  return 0;
}

/* The base step at which the forecast of the whole film meets its target. */
static float base_of(const muzero_rc_clip_state *film) {
  float low = -0.5f, high = 10.5f;
  for (int i = 0; i < 24; ++i) {
    const float middle = 0.5f * (low + high);
    if (muzero_rc_forecast_bits(film, 0, middle) > film->target_bits) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return 0.5f * (low + high);
}

static bool starts_are_valid(const int32_t *starts, int32_t count, int32_t frame_count) {
  if (count < 1 || starts[0] != 0 || starts[count - 1] >= frame_count) return false;
  for (int32_t i = 1; i < count; ++i)
    if (starts[i] <= starts[i - 1]) return false;
  return true;
}

int muzero_rc_film_deal(const muzero_rc_clip *film, const muzero_rc_frame_stats *stats,
                        const int32_t *starts, int32_t count, double *bits) {
  muzero_rc_clip_state *state = NULL;
  if (!starts_are_valid(starts, count, film->frame_count)) return -EINVAL;
  const int error = muzero_rc_clip_state_open(film, stats, &state);
  if (error) return error;
  const float base = base_of(state);
  const double scale = state->target_bits / muzero_rc_forecast_bits(state, 0, base);
  for (int32_t i = 0; i < count; ++i) {
    const double rest = i + 1 < count ? muzero_rc_forecast_bits(state, starts[i + 1], base) : 0.0;
    bits[i] = scale * (muzero_rc_forecast_bits(state, starts[i], base) - rest);
  }
  muzero_rc_clip_state_close(&state);
  return 0;
}
