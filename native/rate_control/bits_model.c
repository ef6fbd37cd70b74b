#include "rate_control/bits_model.h"

#include <string.h>

#include "rate_control/bits_table.h"
#include "rate_control/controller_params.h"
#include "rate_control/quantizer.h"

static float maximum(float a, float b) { return a > b ? a : b; }

static float error_between(const muzero_rc_bits_query *query, int32_t after, int32_t upto) {
  const int32_t end = upto < query->count ? upto : query->count - 1;
  if (end <= after) return 0.0f;
  const float before = after >= 0 ? query->traits[after].coded_sum : 0.0f;
  return muzero_rc_log2(1.0f + maximum(query->traits[end].coded_sum - before, 0.0f));
}

/* Mean bits of probe-encoded frames after..upto; 0 frames: `otherwise`. */
static float probe_between(const muzero_rc_bits_query *query, int level, int32_t after,
                           int32_t upto, float otherwise) {
  const int32_t end = upto < query->count ? upto : query->count - 1;
  if (after < 0) after = 0;
  if (end <= after) return otherwise;
  const double sum = query->traits[end].probe_sum[level] - query->traits[after].probe_sum[level];
  const float least = 1e-6f;
  return muzero_rc_log2(maximum((float)(sum / (double)(end - after)), least));
}

/* Of each view the level between the two probe encodes, their difference, and
 * how that grows with the step: an interpolation whose ends the fit chooses. */
static void probe_inputs(const muzero_rc_bits_query *query, int32_t show, float *out) {
  const muzero_rc_clip_probe *probe = query->probe;
  const muzero_rc_frame_traits *t = &query->traits[show];
  float views[MUZERO_RC_BITS_VIEWS][MUZERO_RC_PROBE_LEVELS];
  for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
    const float own = t->probe[level];
    const bool key = query->frame.layer == MUZERO_RC_LAYER_KEY;
    const int32_t past = key ? 0 : query->frame.past;
    views[0][level] = own;
    views[1][level] = probe_between(query, level, show - past, show, own);
    views[2][level] = probe_between(query, level, show, show + query->frame.ahead, views[1][level]);
    views[3][level] = probe->mean[level];
    views[4][level] = probe->key[level];
  }
  for (int view = 0; view < MUZERO_RC_BITS_VIEWS; ++view) {
    const float slope = views[view][1] - views[view][0];
    *out++ = 0.5f * (views[view][0] + views[view][1]);
    *out++ = slope;
    *out++ = slope * query->step;
  }
}

void muzero_rc_bits_inputs(const muzero_rc_bits_query *query,
                           float inputs[MUZERO_RC_BITS_INPUTS]) {
  const int32_t asked = query->frame.show_index;
  const int32_t show = asked < query->count ? asked : query->count - 1;
  const muzero_rc_frame_traits *t = &query->traits[show];
  const bool key = query->frame.layer == MUZERO_RC_LAYER_KEY;
  const float coded = key ? 0.0f : t->coded;
  const float second = key ? 0.0f : t->second_error;
  const float past = key ? 0.0f : error_between(query, show - query->frame.past, show);
  const float ahead = error_between(query, show, show + query->frame.ahead);
  const float x = query->step;
  const float to_reference = key ? 0.0f : query->reference_step - x;
  const float values[MUZERO_RC_BITS_PLAIN] = {
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
  memset(inputs, 0, MUZERO_RC_BITS_INPUTS * sizeof(*inputs));
  memcpy(inputs, values, sizeof(values));
  if (query->probe->known) probe_inputs(query, show, inputs + MUZERO_RC_BITS_PLAIN);
}

/* Places of the inputs that depend on the step, in muzero_rc_bits_inputs. */
enum {
  kInputStep = 12,
  kInputSquare = 13,
  kInputIntraStep = 14,
  kInputCodedStep = 15,
  kInputSecondStep = 16,
  kInputPastStep = 18,
  kInputCodedFloor = 24,
  kInputIntraFloor = 25
};

static const float *weights_of(const muzero_rc_bits_query *query) {
  return kBitsTable[query->probe->known ? 1 : 0][query->frame.layer];
}

static float bounded(float bits, float log_pixels) {
  const float smallest = muzero_rc_params.least_bits;
  const float largest = log_pixels + 4.0f;
  return bits < smallest ? smallest : (bits > largest ? largest : bits);
}

muzero_rc_bits_curve muzero_rc_bits_curve_of(const muzero_rc_bits_query *query) {
  float inputs[MUZERO_RC_BITS_INPUTS];
  muzero_rc_bits_query at_one = *query; /* inputs that grow with the step are its factors */
  at_one.step = 1.0f;
  at_one.reference_step = 1.0f + query->reference_step - query->step;
  muzero_rc_bits_inputs(&at_one, inputs);
  const float *weights = weights_of(query);
  muzero_rc_bits_curve curve = {.square = weights[kInputSquare],
                                .coded = inputs[kInputCodedStep],
                                .coded_weight = weights[kInputCodedFloor],
                                .intra = inputs[kInputIntraStep],
                                .intra_weight = weights[kInputIntraFloor],
                                .log_pixels = query->log_pixels};
  for (int32_t i = MUZERO_RC_BITS_PLAIN; i < MUZERO_RC_BITS_INPUTS; i += 3) {
    curve.constant += weights[i] * inputs[i] + weights[i + 1] * inputs[i + 1];
    curve.linear += weights[i + 2] * inputs[i + 2];
  }
  for (int32_t i = 0; i < MUZERO_RC_BITS_PLAIN; ++i) {
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
  const float *weights = weights_of(query);
  float sum = 0.0f;
  for (int32_t i = 0; i < MUZERO_RC_BITS_INPUTS; ++i) sum += weights[i] * inputs[i];
  return bounded(sum + query->log_pixels, query->log_pixels);
}
