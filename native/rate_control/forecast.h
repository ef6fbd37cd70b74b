/* The forecast of bits still to come. The GOP under way is known frame by frame; for what lies
 * past it a table is made once per clip: for a dozen base steps, the bits of all frames from some
 * frame to the end, in the GOPs that are planned, then as if libvpx kept to its usual ones. Where
 * none are planned, its GOPs seldom begin where libvpx's do: those that are expected, and then
 * GOPs of other lengths, join them to the one under way. */
#ifndef MUZERO_RC_RATE_CONTROL_FORECAST_H_
#define MUZERO_RC_RATE_CONTROL_FORECAST_H_

#include "rate_control/clip_state_data.h"

/* Fills state->forecast. Uses state->schedule.pyramid (unknown counts as yes). */
void muzero_rc_forecast_fill(muzero_rc_clip_state *state);

/* Makes the GOPs that join the table to one that ends at shown frame `start`. */
void muzero_rc_forecast_join(muzero_rc_clip_state *state, int32_t start);

/* Expected bits of shown frames first..end of the clip at base step `base`,
 * before any correction. */
double muzero_rc_forecast_bits(const muzero_rc_clip_state *state, int32_t first, float base);

/* The same of one frame of a GOP like `gop`, or of the key frame that a cut makes of it, at each of
 * the table's base steps. */
void muzero_rc_forecast_frame(const muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                              const muzero_rc_frame_span *gop,
                              float bits[MUZERO_RC_FORECAST_STEPS]);

/* Where `base` lies in the table: after the base step that is returned, by `part` of the way to the
 * next. */
int32_t muzero_rc_forecast_place(float base, float *part);

#endif /* MUZERO_RC_RATE_CONTROL_FORECAST_H_ */
