/* Policy files made in memory: good ones, and ones with a chosen fault. */
#ifndef MUZERO_RC_TESTS_POLICY_SAMPLE_H_
#define MUZERO_RC_TESTS_POLICY_SAMPLE_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features/feature_table.h"
#include "network/network.h"

typedef struct sample_options {
  muzero_rc_sizes sizes;
  const char *feature_version; /* NULL: this build's */
  const char *actions;         /* NULL: rising from -1 */
  const char *action_mode;
  const char *decision;
  bool format_1;
  const char *format_version; /* NULL: the format's */
  const char *without_size;   /* a size, format 2 only */
  const char *add_text;       /* a metadata key */
  const char *leave_out;  /* a tensor */
  const char *add;        /* a tensor of one number */
  const char *one_wider;  /* a tensor with a column too many */
  float weight_scale;
} sample_options;

typedef struct sample {
  uint8_t *bytes;
  size_t size;
} sample;

typedef struct sample_writer {
  const sample_options *options;
  FILE *header;
  FILE *data;
  size_t at;
  uint32_t random;
} sample_writer;

/* The smallest network that has one of everything, for this build's features. */
static inline sample_options sample_defaults(void) {
  return (sample_options){
      .sizes = {.clip_features = muzero_rc_clip_features().count,
                .frame_features = muzero_rc_frame_features().count,
                .step_features = muzero_rc_step_features().count,
                .width = 8,
                .encoder_layers = 1,
                .step_blocks = 1,
                .latents = 2,
                .attention_heads = 2,
                .kernel = 3,
                .window_count = 2,
                .windows = {2, 5},
                .actions = 3},
      .action_mode = "relative",
      .decision = "argmax",
      .weight_scale = 0.5f,
  };
}

/* A name made of two parts. */
static inline const char *sample_name(char out[96], const char *first, const char *second) {
  const size_t length = strlen(first);
  memcpy(out, first, length);
  strcpy(out + length, second);
  return out;
}

static inline void sample_tensor(sample_writer *w, const char *name, int32_t rows,
                                 int32_t columns) {
  if (w->options->leave_out && !strcmp(name, w->options->leave_out)) return;
  if (w->options->one_wider && !strcmp(name, w->options->one_wider)) ++columns;
  const int32_t count = (rows ? rows : 1) * columns;
  fprintf(w->header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", name);
  if (rows) fprintf(w->header, "%d,", (int)rows);
  fprintf(w->header, "%d],\"data_offsets\":[%zu,", (int)columns, w->at);
  w->at += (size_t)count * sizeof(float);
  fprintf(w->header, "%zu]}", w->at);
  for (int32_t i = 0; i < count; ++i) {
    w->random = w->random * 1664525u + 1013904223u;
    const float value = (float)(int32_t)w->random / 2147483648.0f * w->options->weight_scale;
    fwrite(&value, sizeof(value), 1, w->data);
  }
}

static inline void sample_linear(sample_writer *w, const char *name, int32_t inputs,
                                 int32_t outputs, bool bias) {
  char full[96];
  sample_tensor(w, sample_name(full, name, ".w"), inputs, outputs);
  if (bias) sample_tensor(w, sample_name(full, name, ".b"), 0, outputs);
}

static inline void sample_norm(sample_writer *w, const char *name, int32_t width) {
  char full[96];
  sample_tensor(w, sample_name(full, name, ".scale"), 0, width);
  sample_tensor(w, sample_name(full, name, ".offset"), 0, width);
}

static inline void sample_layer(sample_writer *w, const char *prefix) {
  static const char *const plain[] = {"_key", "_value", "_query", "_latent_key", "_latent_value"};
  const muzero_rc_sizes *s = &w->options->sizes;
  char name[96];
  sample_norm(w, sample_name(name, prefix, "_conv_norm"), s->width);
  sample_tensor(w, sample_name(name, prefix, "_conv.w"), s->kernel, s->width);
  sample_linear(w, sample_name(name, prefix, "_conv_out"), s->width, s->width, true);
  sample_norm(w, sample_name(name, prefix, "_attention_norm"), s->width);
  sample_tensor(w, sample_name(name, prefix, "_latents.w"), s->latents, s->width);
  for (int i = 0; i < 5; ++i)
    sample_linear(w, sample_name(name, prefix, plain[i]), s->width, s->width, false);
  sample_linear(w, sample_name(name, prefix, "_attention_out"), s->width, s->width, true);
  sample_norm(w, sample_name(name, prefix, "_mlp_norm"), s->width);
  sample_linear(w, sample_name(name, prefix, "_mlp_in"), s->width, 2 * s->width, true);
  sample_linear(w, sample_name(name, prefix, "_mlp_out"), 2 * s->width, s->width, true);
}

static inline void sample_tensors(sample_writer *w) {
  const muzero_rc_sizes *s = &w->options->sizes;
  char name[64];
  sample_linear(w, "clip_in", s->frame_features, s->width, true);
  sample_linear(w, "clip_constants", s->clip_features, s->width, false);
  for (int32_t i = 0; i < s->encoder_layers; ++i) {
    snprintf(name, sizeof(name), "clip_%d", (int)i);
    sample_layer(w, name);
  }
  sample_norm(w, "clip_norm", s->width);
  sample_linear(w, "step_in", s->step_features + (1 + s->window_count) * s->width, 2 * s->width,
                true);
  sample_linear(w, "step_out", 2 * s->width, s->width, true);
  for (int32_t i = 0; i < s->step_blocks; ++i) {
    snprintf(name, sizeof(name), "step_%d_norm", (int)i);
    sample_norm(w, name, s->width);
    snprintf(name, sizeof(name), "step_%d_in", (int)i);
    sample_linear(w, name, s->width, 2 * s->width, true);
    snprintf(name, sizeof(name), "step_%d_out", (int)i);
    sample_linear(w, name, 2 * s->width, s->width, true);
  }
  sample_norm(w, "step_norm", s->width);
  sample_linear(w, "policy_logits", s->width, s->actions, true);
  if (w->options->add) sample_tensor(w, w->options->add, 0, 1);
}

/* A metadata text of numbers: with spaces between, or in format 1 a JSON array. */
static inline void sample_integers(FILE *out, bool old, const int32_t *values, int32_t count) {
  if (old) fputc('[', out);
  for (int32_t i = 0; i < count; ++i)
    fprintf(out, "%s%d", i ? old ? ", " : " " : "", (int)values[i]);
  if (old) fputc(']', out);
}

static inline void sample_network(const sample_options *o, FILE *out) {
  const muzero_rc_sizes *s = &o->sizes;
  if (o->format_1) {
    fprintf(out, ",\"network\":\"{");
#define SIZE(name, low, high) fprintf(out, "\\\"" #name "\\\": %d, ", (int)s->name);
    MUZERO_RC_SIZES(SIZE)
#undef SIZE
    fprintf(out, "\\\"windows\\\": ");
    sample_integers(out, true, s->windows, s->window_count);
    fprintf(out, "}\"");
    return;
  }
#define SIZE(name, low, high)                            \
  if (!o->without_size || strcmp(o->without_size, #name)) \
    fprintf(out, ",\"network." #name "\":\"%d\"", (int)s->name);
  MUZERO_RC_SIZES(SIZE)
#undef SIZE
  fprintf(out, ",\"network.windows\":\"");
  sample_integers(out, false, s->windows, s->window_count);
  fprintf(out, "\"");
}

static inline void sample_metadata(const sample_options *o, FILE *out) {
  int32_t actions[MUZERO_RC_ACTIONS_MAX];
  fprintf(out, "{\"__metadata__\":{\"format\":\"muzero-rc-policy\",\"format_version\":\"%s\"",
          o->format_version ? o->format_version : o->format_1 ? "1" : "2");
  if (o->feature_version) {
    fprintf(out, ",\"feature_version\":\"%s\"", o->feature_version);
  } else {
    fprintf(out, ",\"feature_version\":\"%d\"", (int)muzero_rc_feature_version());
  }
  fprintf(out, ",\"action_mode\":\"%s\",\"decision\":\"%s\",\"actions\":\"", o->action_mode,
          o->decision);
  for (int32_t i = 0; i < o->sizes.actions; ++i) actions[i] = i - 1;
  if (o->actions) {
    fputs(o->actions, out);
  } else {
    sample_integers(out, o->format_1, actions, o->sizes.actions);
  }
  fprintf(out, "\",\"provenance.made by\":\"a \\\"test\\\"\"");
  if (o->add_text) fprintf(out, ",\"%s\":\"1\"", o->add_text);
  sample_network(o, out);
  fputc('}', out);
}

/* A file of `header` and `data`; free its bytes. */
static inline sample sample_join(const char *header, size_t header_size, const void *data,
                                 size_t data_size) {
  sample made = {malloc(8 + header_size + data_size), 8 + header_size + data_size};
  for (int i = 0; i < 8; ++i) made.bytes[i] = (uint8_t)((uint64_t)header_size >> (8 * i));
  memcpy(made.bytes + 8, header, header_size);
  if (data_size) memcpy(made.bytes + 8 + header_size, data, data_size);
  return made;
}

static inline sample sample_make(const sample_options *options) {
  char *header = NULL, *data = NULL;
  size_t header_size = 0, data_size = 0;
  sample_writer w = {.options = options, .random = 1};
  w.header = open_memstream(&header, &header_size);
  w.data = open_memstream(&data, &data_size);
  sample_metadata(options, w.header);
  sample_tensors(&w);
  fputc('}', w.header);
  fclose(w.header);
  fclose(w.data);
  const sample made = sample_join(header, header_size, data, data_size);
  free(header);
  free(data);
  return made;
}

/* Writes the sample to a new temporary file whose name goes into path[64]. */
static inline bool sample_save(const sample *made, char path[64]) {
  snprintf(path, 64, "/tmp/muzero-rc-test-XXXXXX");
  const int descriptor = mkstemp(path);
  FILE *const file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
  return file && fwrite(made->bytes, 1, made->size, file) == made->size && fclose(file) == 0;
}

#endif /* MUZERO_RC_TESTS_POLICY_SAMPLE_H_ */
