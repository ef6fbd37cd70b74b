#include "network/kernels.h"

#include <math.h>
#include <string.h>

enum { CACHE_LINE = 16 }; /* floats */

/* Asks for [from, to) of the weights before it is their turn. */
static void fetch(const float *weights, size_t from, size_t to) {
  for (size_t at = from; at < to; at += CACHE_LINE) __builtin_prefetch(weights + at);
}

/* Four inputs a turn, so that weights stream past once, in the order they lie in
 * memory: between two frames the encoder has pushed them out of the near caches.
 * Fetching one turn ahead halves the time of such a cold run. */
void muzero_rc_dense(const float *restrict weights, const float *restrict bias, int32_t inputs,
                     int32_t outputs, const float *restrict x, float *restrict out) {
  const size_t row = (size_t)outputs;
  int32_t i = 0;
  if (bias != NULL) {
    memcpy(out, bias, row * sizeof(*out));
  } else {
    memset(out, 0, row * sizeof(*out));
  }
  for (; i + 4 <= inputs; i += 4, weights += 4 * row) {
    if (i + 8 <= inputs) fetch(weights, 4 * row, 8 * row);
    const float x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
    for (size_t o = 0; o < row; o++) {
      float sum = out[o] + x0 * weights[o];
      sum += x1 * weights[row + o];
      sum += x2 * weights[2 * row + o];
      out[o] = sum + x3 * weights[3 * row + o];
    }
  }
  for (; i < inputs; i++, weights += row) {
    for (size_t o = 0; o < row; o++) out[o] += x[i] * weights[o];
  }
}

void muzero_rc_add(const float *restrict x, int32_t count, float *restrict out) {
  for (int32_t i = 0; i < count; i++) out[i] += x[i];
}

void muzero_rc_relu(float *x, int32_t count) {
  for (int32_t i = 0; i < count; i++) x[i] = x[i] < 0.0f ? 0.0f : x[i]; /* NaN stays */
}

void muzero_rc_layer_norm(const float *scale, const float *offset, const float *x, int32_t count,
                          float *out) {
  float mean = 0.0f, variance = 0.0f;
  for (int32_t i = 0; i < count; i++) mean += x[i];
  mean /= (float)count;
  for (int32_t i = 0; i < count; i++) variance += (x[i] - mean) * (x[i] - mean);
  variance /= (float)count;
  const float inverse = 1.0f / sqrtf(variance + 1e-5f);
  for (int32_t i = 0; i < count; i++) out[i] = (x[i] - mean) * inverse * scale[i] + offset[i];
}

float muzero_rc_dot(const float *a, const float *b, int32_t count) {
  float sum = 0.0f;
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

float muzero_rc_exp(float x) {
  if (x < -87.0f) return 0.0f;
  if (!(x <= 88.0f)) return x > 88.0f ? INFINITY : x;
  /* e^x = 2^n * e^r with |r| <= ln(2) / 2; ln 2 in two parts keeps r exact. */
  const int32_t n = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
  const float r = (x - (float)n * 0.693359375f) - (float)n * -2.12194440e-4f;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float power;
  memcpy(&power, &bits, sizeof(power));
  return p * power;
}

void muzero_rc_softmax(float *logits, int32_t count) {
  float top = logits[0], sum = 0.0f;
  for (int32_t i = 1; i < count; i++) top = logits[i] > top ? logits[i] : top;
  for (int32_t i = 0; i < count; i++) sum += logits[i] = muzero_rc_exp(logits[i] - top);
  for (int32_t i = 0; i < count; i++) logits[i] /= sum;
}
