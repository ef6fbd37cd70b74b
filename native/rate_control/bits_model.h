/* The bits model: log2 of the bits per pixel that a frame will take, linear in what the first
 * pass says, its layer, its step and its distance to references, and where the clip went through
 * probe encodes in what those took. The coefficients, one table with and one without probe
 * encodes, are fitted by scripts/fit/fit_bits_model.py on real encodes. */
#ifndef MUZERO_RC_RATE_CONTROL_BITS_MODEL_H_
#define MUZERO_RC_RATE_CONTROL_BITS_MODEL_H_

#include "rate_control/probe_notes.h"
#include "rate_control/gop_schedule.h"

enum {
  MUZERO_RC_BITS_VIEWS = 5, /* of the probe encodes: own, past, ahead, clip, key frame */
  MUZERO_RC_BITS_PLAIN = 26,
  MUZERO_RC_BITS_INPUTS = MUZERO_RC_BITS_PLAIN + 3 * MUZERO_RC_BITS_VIEWS
};

typedef struct muzero_rc_bits_query {
  const muzero_rc_frame_traits *traits; /* [count], of the clip */
  int32_t count;
  const muzero_rc_clip_probe *probe; /* of the clip */
  float log_pixels; /* log2 of luma pixels */
  muzero_rc_planned_frame frame;
  float step;           /* log2 quantizer step */
  float reference_step; /* of the nearest reference */
} muzero_rc_bits_query;

void muzero_rc_bits_inputs(const muzero_rc_bits_query *query,
                           float inputs[MUZERO_RC_BITS_INPUTS]);

/* log2 of the frame's expected bits. */
float muzero_rc_bits_predict(const muzero_rc_bits_query *query);

/* The same as a function of the step alone, for a frame whose reference keeps
 * its distance in steps: for solving, where one frame is asked about often. */
typedef struct muzero_rc_bits_curve {
  float constant;
  float linear;
  float square;
  float coded;  /* log2 error beyond which bits stop falling, and its weight */
  float coded_weight;
  float intra;
  float intra_weight;
  float log_pixels;
} muzero_rc_bits_curve;

/* Of `query`'s frame; only the difference of query->reference_step and
 * query->step counts. */
muzero_rc_bits_curve muzero_rc_bits_curve_of(const muzero_rc_bits_query *query);

/* log2 of expected bits at `step`. */
float muzero_rc_bits_at(const muzero_rc_bits_curve *curve, float step);

#endif /* MUZERO_RC_RATE_CONTROL_BITS_MODEL_H_ */
