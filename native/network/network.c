#include "network/network.h"

#include <math.h>
#include <string.h>

#include "network/kernels.h"
#include "network/weights.h"

/* Hands out pieces of the caller's scratch memory. */
static float *carve(float **at, int32_t rows, int32_t columns) {
  float *piece = *at;
  *at += (size_t)rows * (size_t)columns;
  return piece;
}

static void linear(const muzero_rc_linear *layer, const float *x, float *out) {
  muzero_rc_dense(layer->weights, layer->bias, layer->inputs, layer->outputs, x, out);
}

static void norm(const muzero_rc_norm *layer, const float *x, int32_t width, float *out) {
  muzero_rc_layer_norm(layer->scale, layer->offset, x, width, out);
}

/* x += MLP(x). scratch: [3, width]. */
static void residual_mlp(const muzero_rc_block *block, int32_t width, float *x, float *scratch) {
  float *normed = scratch, *hidden = normed + width;
  norm(&block->norm, x, width, normed);
  linear(&block->in, normed, hidden);
  muzero_rc_relu(hidden, 2 * width);
  linear(&block->out, hidden, normed);
  muzero_rc_add(normed, width, x);
}

/* ---- Clip encoder ------------------------------------------------------- */

/* Everything an encoder layer needs, whatever the clip's length. */
typedef struct encoder_scratch {
  float *ring;   /* [kernel, width] normed frames round the present one */
  float *normed; /* [3, width]: this, and room for residual_mlp */
  float *key;    /* [width] */
  float *value;  /* [width] */
  float *mixed;  /* [width] */
  float *latents;       /* [latents, width] */
  float *latent_keys;   /* [latents, width] */
  float *latent_values; /* [latents, width] */
  float *top;           /* [latents, heads] greatest score so far */
  float *sum;           /* [latents, heads] of the weights */
  float *scores;        /* [latents] */
} encoder_scratch;

static encoder_scratch divide(const muzero_rc_sizes *sizes, float **at) {
  const int32_t width = sizes->width, latents = sizes->latents;
  return (encoder_scratch){
      .ring = carve(at, sizes->kernel, width),
      .normed = carve(at, 3, width),
      .key = carve(at, 1, width),
      .value = carve(at, 1, width),
      .mixed = carve(at, 1, width),
      .latents = carve(at, latents, width),
      .latent_keys = carve(at, latents, width),
      .latent_values = carve(at, latents, width),
      .top = carve(at, latents, sizes->attention_heads),
      .sum = carve(at, latents, sizes->attention_heads),
      .scores = carve(at, 1, latents),
  };
}

size_t muzero_rc_network_encode_scratch(const muzero_rc_network *network) {
  const muzero_rc_sizes *sizes = &network->sizes;
  const size_t rows = (size_t)(sizes->kernel + 6 + 3 * sizes->latents);
  return rows * (size_t)sizes->width +
         (size_t)sizes->latents * (size_t)(2 * sizes->attention_heads + 1);
}

/* x[t] += dense(relu(depthwise convolution over time)), in place: the ring holds
 * the neighbours as they were before. */
static void convolve(const muzero_rc_encoder_layer *layer, const muzero_rc_sizes *sizes,
                     int32_t frame_count, float *x, encoder_scratch *s) {
  const int32_t width = sizes->width, kernel = sizes->kernel, half = kernel / 2;
  memset(s->ring, 0, (size_t)kernel * (size_t)width * sizeof(*s->ring));
  for (int32_t t = -half; t < frame_count; t++) {
    const int32_t ahead = t + half; /* the frame that comes into sight */
    float *slot = s->ring + (size_t)(ahead % kernel) * (size_t)width;
    if (ahead < frame_count) {
      norm(&layer->conv_norm, x + (size_t)ahead * (size_t)width, width, slot);
    } else {
      memset(slot, 0, (size_t)width * sizeof(*slot));
    }
    if (t < 0) continue;
    memset(s->mixed, 0, (size_t)width * sizeof(*s->mixed));
    for (int32_t k = 0; k < kernel; k++) {
      const float *weights = layer->conv + (size_t)k * (size_t)width;
      const float *frame = s->ring + (size_t)((ahead + 1 + k) % kernel) * (size_t)width;
      for (int32_t i = 0; i < width; i++) s->mixed[i] += frame[i] * weights[i];
    }
    muzero_rc_relu(s->mixed, width);
    linear(&layer->conv_out, s->mixed, s->normed);
    muzero_rc_add(s->normed, width, x + (size_t)t * (size_t)width);
  }
}

/* One frame's part in a head of a latent: a softmax whose greatest score is only
 * known at the end, rescaled whenever a greater one appears. */
static void blend(float score, const float *value, int32_t size, float *top, float *sum,
                  float *latent) {
  if (score > *top) {
    const float shrink = muzero_rc_exp(*top - score);
    *sum *= shrink;
    for (int32_t i = 0; i < size; i++) latent[i] *= shrink;
    *top = score;
  }
  const float weight = muzero_rc_exp(score - *top);
  *sum += weight;
  for (int32_t i = 0; i < size; i++) latent[i] += weight * value[i];
}

/* s->latents: what the layer's learned queries see of all frames; then the keys
 * and values that they offer. */
static void summarise(const muzero_rc_encoder_layer *layer, const muzero_rc_sizes *sizes,
                      int32_t frame_count, const float *x, encoder_scratch *s) {
  const int32_t width = sizes->width, heads = sizes->attention_heads, size = width / heads;
  const float scale = 1.0f / sqrtf((float)size);
  for (int32_t i = 0; i < sizes->latents * heads; i++) {
    s->top[i] = -INFINITY;
    s->sum[i] = 0.0f;
  }
  memset(s->latents, 0, (size_t)sizes->latents * (size_t)width * sizeof(*s->latents));
  for (int32_t t = 0; t < frame_count; t++) {
    norm(&layer->attention_norm, x + (size_t)t * (size_t)width, width, s->normed);
    linear(&layer->key, s->normed, s->key);
    linear(&layer->value, s->normed, s->value);
    for (int32_t i = 0; i < sizes->latents * heads; i++) { /* [latent, head] */
      const int32_t part = i % heads * size;
      const float score = muzero_rc_dot(layer->latents + i * size, s->key + part, size) * scale;
      blend(score, s->value + part, size, &s->top[i], &s->sum[i], s->latents + i * size);
    }
  }
  for (int32_t i = 0; i < sizes->latents * width; i++) s->latents[i] /= s->sum[i / size];
  for (int32_t m = 0; m < sizes->latents; m++) {
    linear(&layer->latent_key, s->latents + m * width, s->latent_keys + m * width);
    linear(&layer->latent_value, s->latents + m * width, s->latent_values + m * width);
  }
}

/* x += what one frame sees of the latents. */
static void consult(const muzero_rc_encoder_layer *layer, const muzero_rc_sizes *sizes, float *x,
                    encoder_scratch *s) {
  const int32_t width = sizes->width, size = width / sizes->attention_heads;
  const float scale = 1.0f / sqrtf((float)size);
  float *query = s->key;
  norm(&layer->attention_norm, x, width, s->normed);
  linear(&layer->query, s->normed, query);
  memset(s->mixed, 0, (size_t)width * sizeof(*s->mixed));
  for (int32_t part = 0; part < width; part += size) {
    for (int32_t m = 0; m < sizes->latents; m++) {
      const float *key = s->latent_keys + m * width + part;
      s->scores[m] = muzero_rc_dot(query + part, key, size) * scale;
    }
    muzero_rc_softmax(s->scores, sizes->latents);
    for (int32_t m = 0; m < sizes->latents; m++) {
      const float *value = s->latent_values + m * width + part;
      for (int32_t i = 0; i < size; i++) s->mixed[part + i] += s->scores[m] * value[i];
    }
  }
  linear(&layer->attention_out, s->mixed, s->normed);
  muzero_rc_add(s->normed, width, x);
}

void muzero_rc_network_encode(const muzero_rc_network *network, const float *clip,
                              const float *frames, int32_t frame_count, float *encoding,
                              float *scratch) {
  const muzero_rc_sizes *sizes = &network->sizes;
  const size_t width = (size_t)sizes->width, features = (size_t)sizes->frame_features;
  encoder_scratch s = divide(sizes, &scratch);
  float *constants = s.mixed;
  linear(&network->clip_constants, clip, constants);
  for (size_t t = 0; t < (size_t)frame_count; t++) {
    linear(&network->clip_in, frames + t * features, encoding + t * width);
    muzero_rc_add(constants, sizes->width, encoding + t * width);
  }
  for (int32_t i = 0; i < sizes->encoder_layers; i++) {
    const muzero_rc_encoder_layer *layer = &network->layers[i];
    convolve(layer, sizes, frame_count, encoding, &s);
    summarise(layer, sizes, frame_count, encoding, &s);
    for (size_t t = 0; t < (size_t)frame_count; t++) {
      consult(layer, sizes, encoding + t * width, &s);
      residual_mlp(&layer->mlp, sizes->width, encoding + t * width, s.normed);
    }
  }
  for (size_t t = 0; t < (size_t)frame_count; t++) {
    norm(&network->clip_norm, encoding + t * width, sizes->width, encoding + t * width);
  }
}

/* ---- Step network ------------------------------------------------------- */

size_t muzero_rc_network_step_scratch(const muzero_rc_network *network) {
  /* inputs, state, room for residual_mlp or the first hidden layer */
  return (size_t)network->step_in.inputs + 4 * (size_t)network->sizes.width;
}

/* Mean encoding of the `window` frames behind `index`, as far as the clip goes. */
static void mean_ahead(const float *encoding, int32_t frame_count, int32_t width, int32_t index,
                       int32_t window, float *out) {
  const int32_t left = frame_count - 1 - index, count = left < window ? left : window;
  const float *frame = encoding + (size_t)(index + 1) * (size_t)width;
  memset(out, 0, (size_t)width * sizeof(*out));
  for (int32_t i = 0; i < count; i++, frame += width) muzero_rc_add(frame, width, out);
  for (int32_t i = 0; count > 1 && i < width; i++) out[i] /= (float)count;
}

void muzero_rc_network_logits(const muzero_rc_network *network, const float *encoding,
                              int32_t frame_count, int32_t show_index, const float *step,
                              float *logits, float *scratch) {
  const muzero_rc_sizes *sizes = &network->sizes;
  const int32_t width = sizes->width;
  const int32_t last = frame_count - 1, clamped = show_index < 0 ? 0 : show_index;
  const int32_t index = clamped > last ? last : clamped;
  float *inputs = carve(&scratch, 1, network->step_in.inputs);
  float *state = carve(&scratch, 1, width);
  float *at = inputs;
  memcpy(carve(&at, 1, sizes->step_features), step, (size_t)sizes->step_features * sizeof(*step));
  memcpy(carve(&at, 1, width), encoding + (size_t)index * (size_t)width,
         (size_t)width * sizeof(*encoding));
  for (int32_t i = 0; i < sizes->window_count; i++) {
    mean_ahead(encoding, frame_count, width, index, sizes->windows[i], carve(&at, 1, width));
  }
  linear(&network->step_in, inputs, scratch);
  muzero_rc_relu(scratch, 2 * width);
  linear(&network->step_out, scratch, state);
  for (int32_t i = 0; i < sizes->step_blocks; i++) {
    residual_mlp(&network->blocks[i], width, state, scratch);
  }
  norm(&network->step_norm, state, width, state);
  linear(&network->policy, state, logits);
}

const muzero_rc_sizes *muzero_rc_network_sizes(const muzero_rc_network *network) {
  return &network->sizes;
}
