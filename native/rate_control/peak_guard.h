/* The peak guard: keeps a clip's packets within a leaky bucket, whoever decides. A GOP's bits come
 * in lumps (a packet holds the hidden alt-refs before its frame), so a frame may take what leaves
 * room for the packets to come: those of the GOP under way, as they will be coded, and those of the
 * GOPs after it, up to where the bucket would run empty. */
#ifndef MUZERO_RC_RATE_CONTROL_PEAK_GUARD_H_
#define MUZERO_RC_RATE_CONTROL_PEAK_GUARD_H_

#include "rate_control/clip_state_data.h"
#include "rate_control/gop_rest.h"
#include "rate_control/leaky_bucket.h"

enum {
  MUZERO_RC_PEAK_HORIZON = 320, /* packets foreseen after the GOP under way */
  MUZERO_RC_PEAK_PACKETS = 2 * MUZERO_RC_MAX_GOP + MUZERO_RC_PEAK_HORIZON
};

struct muzero_rc_peak_guard {
  muzero_rc_leaky_bucket bucket;
  double booked_bits; /* of the budget's, in packets that are whole */
  int32_t packets;    /* that are whole */
  float base;         /* step of plain frames at which the bucket held, last */
  bool cuts;          /* the forecast is another one because of it */
  float alarm;        /* log2 by which frames of late took more than expected; 0: none did */
  /* Of the pending frame: the packets from the one that is put together now, as `packets` counts,
   * with what they take when every frame after the pending one saves. */
  int32_t of_pending; /* the one that the pending frame is in */
  int32_t saving_count;
  double saving_bits[MUZERO_RC_PEAK_PACKETS];
  /* Of the shown frames after the GOP under way, at the forecast's base steps. */
  int32_t ahead_first; /* 0: none */
  int32_t ahead_count;
  float ahead[MUZERO_RC_PEAK_HORIZON][MUZERO_RC_FORECAST_STEPS];
};

/* Gives `state` a peak; -ENOMEM. Before the first frame. */
int muzero_rc_peak_guard_open(muzero_rc_clip_state *state, const muzero_rc_peak *peak);

/* Makes the pending frame's q_ref as coarse as the bucket demands, and foresees what the guard
 * asks. `rest`: the frames after it in its GOP. */
void muzero_rc_peak_guard_foresee(muzero_rc_clip_state *state, const muzero_rc_gop_rest *rest);

/* Bits of all frames after the pending one when they save; `saving_bits` as forecast. What a bucket
 * cuts takes the same at a coarser base step, and could still save: bits halve with a step. */
double muzero_rc_peak_guard_saving(const muzero_rc_clip_state *state, double saving_bits);

/* Whether the bucket holds when the pending frame takes `bits` at `qindex` and those after it save.
 * True without a peak. */
bool muzero_rc_peak_guard_holds(const muzero_rc_clip_state *state, int32_t qindex, double bits);

/* Learns by what log2 the pending frame took more than expected. */
void muzero_rc_peak_guard_learn(muzero_rc_clip_state *state, float surprise);

/* Books what the budget has booked, once a frame was shown. */
void muzero_rc_peak_guard_book(muzero_rc_clip_state *state, bool hidden);

/* Cuts bits[frame_count], those of shown frames, to what the bucket lets through. */
void muzero_rc_peak_guard_cut(muzero_rc_clip_state *state, float *bits);

#endif /* MUZERO_RC_RATE_CONTROL_PEAK_GUARD_H_ */
