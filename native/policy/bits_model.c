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

float muzero_rc_bits_predict(const muzero_rc_bits_query *query) {
  float inputs[MUZERO_RC_BITS_INPUTS];
  muzero_rc_bits_inputs(query, inputs);
  const float *weights = kBitsTable[query->frame.layer];
  float sum = 0.0f;
  for (int32_t i = 0; i < MUZERO_RC_BITS_INPUTS; ++i) sum += weights[i] * inputs[i];
  const float bits = sum + query->log_pixels;
  const float smallest = 5.0f; /* an empty frame still has a header: about 32 bits */
  const float largest = query->log_pixels + 4.0f;
  return bits < smallest ? smallest : (bits > largest ? largest : bits);
}
