#include "bits_model.h"

#include "bits_table.h"
#include "quantizer.h"

static float maximum(float a, float b) { return a > b ? a : b; }

static float error_between(const muzero_rc_bits_query *query, int32_t after, int32_t upto) {
  const int32_t end = upto < query->count ? upto : query->count - 1;
  if (end <= after) return 0.0f;
  const float before = after >= 0 ? query->traits[after].coded_sum : 0.0f;
  return muzero_rc_log2(1.0f + maximum(query->traits[end].coded_sum - before, 0.0f));
}

void muzero_rc_bits_inputs(const muzero_rc_bits_query *query,
                           float inputs[MUZERO_RC_BITS_INPUTS]) {
  const int32_t show = query->frame.show_index;
  const muzero_rc_traits *t = &query->traits[show < query->count ? show : query->count - 1];
  const bool key = query->frame.layer == MUZERO_RC_LAYER_KEY;
  const float coded = key ? 0.0f : t->coded;
  const float second = key ? 0.0f : t->second_error;
  const float past = key ? 0.0f : error_between(query, show - query->frame.past, show);
  const float ahead = error_between(query, show, show + query->frame.ahead);
  const float x = query->step;
  const float to_reference = key ? 0.0f : query->reference_step - x;
  const float values[MUZERO_RC_BITS_INPUTS] = {
      1.0f,
      t->intra,
      coded,
      second,
      t->noise,
      key ? 0.0f : t->inter,
      key ? 0.0f : t->motion,
      key ? 0.0f : t->second_ref,
      key ? 0.0f : t->neutral,
      t->intra_skip,
      t->intra_smooth,
      key ? 0.0f : t->vectors,
      query->log_pixels - 16.0f,
      x,
      x * x,
      t->intra * x,
      coded * x,
      second * x,
      past,
      past * x,
      muzero_rc_log2((float)(query->frame.past > 0 ? query->frame.past : 1)),
      ahead,
      muzero_rc_log2((float)(query->frame.ahead + 1)),
      to_reference,
      to_reference * coded,
      maximum(coded - 2.0f * x, -4.0f),
      maximum(t->intra - 2.0f * x, -4.0f),
  };
  for (int32_t i = 0; i < MUZERO_RC_BITS_INPUTS; ++i) inputs[i] = values[i];
}

/* Places of the inputs that depend on the step, in muzero_rc_bits_inputs. */
enum {
  kInputStep = 13,
  kInputSquare = 14,
  kInputIntraStep = 15,
  kInputCodedStep = 16,
  kInputSecondStep = 17,
  kInputPastStep = 19,
  kInputCodedFloor = 25,
  kInputIntraFloor = 26
};

static float bounded(float bits, float log_pixels) {
  const float smallest = 5.0f; /* an empty frame still has a header: about 32 bits */
  const float largest = log_pixels + 4.0f;
  return bits < smallest ? smallest : (bits > largest ? largest : bits);
}

muzero_rc_bits_curve muzero_rc_bits_curve_of(const muzero_rc_bits_query *query) {
  float inputs[MUZERO_RC_BITS_INPUTS];
  muzero_rc_bits_query at_one = *query; /* inputs that grow with the step are its factors */
  at_one.step = 1.0f;
  at_one.reference_step = 1.0f + query->reference_step - query->step;
  muzero_rc_bits_inputs(&at_one, inputs);
  const float *weights = kBitsTable[query->frame.layer];
  muzero_rc_bits_curve curve = {.square = weights[kInputSquare],
                                .coded = inputs[kInputCodedStep],
                                .coded_weight = weights[kInputCodedFloor],
                                .intra = inputs[kInputIntraStep],
                                .intra_weight = weights[kInputIntraFloor],
                                .log_pixels = query->log_pixels};
  for (int32_t i = 0; i < MUZERO_RC_BITS_INPUTS; ++i) {
    switch (i) {
      case kInputStep:
      case kInputIntraStep:
      case kInputCodedStep:
      case kInputSecondStep:
      case kInputPastStep: curve.linear += weights[i] * inputs[i]; break;
      case kInputSquare:
      case kInputCodedFloor:
      case kInputIntraFloor: break;
      default: curve.constant += weights[i] * inputs[i]; break;
    }
  }
  return curve;
}

float muzero_rc_bits_at(const muzero_rc_bits_curve *curve, float step) {
  const float sum = curve->constant + step * (curve->linear + step * curve->square) +
                    curve->coded_weight * maximum(curve->coded - 2.0f * step, -4.0f) +
                    curve->intra_weight * maximum(curve->intra - 2.0f * step, -4.0f);
  return bounded(sum + curve->log_pixels, curve->log_pixels);
}

float muzero_rc_bits_predict(const muzero_rc_bits_query *query) {
  float inputs[MUZERO_RC_BITS_INPUTS];
  muzero_rc_bits_inputs(query, inputs);
  const float *weights = kBitsTable[query->frame.layer];
  float sum = 0.0f;
  for (int32_t i = 0; i < MUZERO_RC_BITS_INPUTS; ++i) sum += weights[i] * inputs[i];
  return bounded(sum + query->log_pixels, query->log_pixels);
}
