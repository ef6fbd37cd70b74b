/* The bit budget: what was spent, superframe indices included, and how far off the bits model
 * has been. */
#ifndef MUZERO_RC_RATE_CONTROL_BUDGET_H_
#define MUZERO_RC_RATE_CONTROL_BUDGET_H_

#include "rate_control/gop_schedule.h"

typedef struct muzero_rc_tally {
  double spent;    /* bits, older frames count less */
  double expected; /* what the model had said of the same frames */
  double frames;   /* how many frames' worth of memory this is */
} muzero_rc_tally;

typedef struct muzero_rc_budget {
  double spent_bits;
  int32_t hidden_frames;      /* in the packet that is being put together */
  int64_t largest_frame_bits; /* in that packet */
  double prior_bits;          /* how much the model is trusted before it was seen */
  muzero_rc_tally layers[MUZERO_RC_LAYERS];
  muzero_rc_tally all; /* without key frames and overlays */
} muzero_rc_budget;

/* target_bits: of the whole clip; with `probed`, whether the model has seen probe
 * encodes, it sets how much the model is trusted at first. */
void muzero_rc_budget_init(muzero_rc_budget *budget, double target_bits, bool probed);

/* Books a coded frame's bits; `hidden` frames share a packet with the next
 * shown one, which then carries a superframe index. */
void muzero_rc_budget_spend(muzero_rc_budget *budget, int64_t bits, bool hidden);

/* Remembers how a frame's bits compare with what the model had said. */
void muzero_rc_budget_learn(muzero_rc_budget *budget, int32_t layer, double bits,
                            double expected_bits);

/* log2 of the factor by which the model's bits for `layer` are to be corrected. */
float muzero_rc_budget_correction(const muzero_rc_budget *budget, int32_t layer);

/* The same for frames whose layer is not known yet. */
float muzero_rc_budget_overall(const muzero_rc_budget *budget);

#endif /* MUZERO_RC_RATE_CONTROL_BUDGET_H_ */
