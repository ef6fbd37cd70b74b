/* Policies and models: what opens, what is refused, and what is decided. */
#include "network/network.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "network/kernels.h"
#include "policy/policy_impl.h"
#include "policy_sample.h"

enum { FRAMES = 12 };

static int open_sample(const sample_options *options, muzero_rc_policy **policy, char *error) {
  char path[64];
  const sample made = sample_make(options);
  if (!sample_save(&made, path)) return -EIO;
  const int result = muzero_rc_policy_open(path, policy, error, 400);
  unlink(path);
  free(made.bytes);
  return result;
}

static const muzero_rc_clip clip = {
    .width = 176, .height = 144, .frame_count = FRAMES, .target_kbps = 100};

static void fill_stats(muzero_rc_frame_stats stats[FRAMES]) {
  for (int t = 0; t < FRAMES; ++t) {
    for (int i = 0; i < MUZERO_RC_STATS_FIELDS; ++i)
      stats[t].field[i] = 1.0 + 0.1 * t + 0.01 * i;
  }
}

static muzero_rc_frame_request request_of(int32_t index) {
  return (muzero_rc_frame_request){.frame_type = index ? MUZERO_RC_INTER : MUZERO_RC_KEY,
                                   .show_index = index,
                                   .coding_index = index,
                                   .gop_index = index};
}

/* Opens a model of the sample and decides FRAMES frames. */
static int decide_all(const sample_options *options, muzero_rc_decision out[FRAMES]) {
  muzero_rc_policy *policy;
  muzero_rc_model *model;
  muzero_rc_frame_stats stats[FRAMES];
  char error[400] = "";
  fill_stats(stats);
  int result = open_sample(options, &policy, error);
  if (result) fprintf(stderr, "%s\n", error);
  if (result) return result;
  result = muzero_rc_model_open(policy, &clip, stats, &model);
  for (int32_t i = 0; !result && i < FRAMES; ++i) {
    const muzero_rc_frame_request request = request_of(i);
    out[i] = muzero_rc_model_decide(model, &request);
    const muzero_rc_frame_result coded = {
        .sse = 100000, .bits = 5000, .pixels = 38016, .qindex = out[i].qindex};
    muzero_rc_model_update(model, &coded);
  }
  muzero_rc_model_close(&model);
  muzero_rc_model_close(&model);
  muzero_rc_policy_close(&policy);
  return result;
}

static void test_refusals_say_what_and_which(void) {
  struct {
    sample_options options;
    const char *says;
  } cases[40];
  int count = 0;
#define CASE(text, field, value)               \
  cases[count].options = sample_defaults();    \
  cases[count].options.field = (value);        \
  cases[count++].says = (text)
  CASE("feature table 4711, this build has ", feature_version, "4711");
  CASE("feature_version", feature_version, "one");
  CASE("action_mode", action_mode, "sideways");
  CASE("decision", decision, "dice");
  CASE("neither 1 nor 2", format_version, "3");
  CASE("actions", actions, "0 0 1");
  CASE("actions", actions, "0 1 256");
  CASE("actions", actions, "");
  CASE("actions", actions, "0 1 x");
  CASE("actions", actions, "0 1 2x");
  CASE("actions", actions, "- 1 2");
  CASE("actions", actions, "0 1 1000000000000");
  CASE("tensor policy_logits.w: its shape must be [8, 4]", actions, "0 1 2 3");
  CASE("tensor step_norm.scale is missing", leave_out, "step_norm.scale");
  CASE("tensor clip_0_latents.w is missing", leave_out, "clip_0_latents.w");
  CASE("tensor stowaway is not part", add, "stowaway");
  CASE("tensor clip_0_conv.w: its shape must be [3, 8]", one_wider, "clip_0_conv.w");
  CASE("\"network\": clip_features", without_size, "clip_features");
  CASE("\"network\": one that is known here", add_text, "network.experts");
  CASE("attention_heads is missing or out of range", sizes.attention_heads, 3);
  CASE("kernel is missing or out of range", sizes.kernel, 4);
  CASE("latents is missing or out of range", sizes.latents, 0);
  CASE("windows is missing or out of range", sizes.windows[1], 0);
  CASE("clip features, feature table ", sizes.clip_features, 1);
  CASE("step features, feature table ", sizes.step_features, 1);
  CASE("feature table 2, this build has ", feature_version, "2");
  CASE("clip features, feature table 3 has ", feature_version, "3");
#undef CASE
  for (int i = 0; i < count; ++i) {
    muzero_rc_policy *policy;
    char error[400] = "";
    const int result = open_sample(&cases[i].options, &policy, error);
    if (result != -EINVAL || !strstr(error, cases[i].says)) {
      fprintf(stderr, "case %d: %d, \"%s\"\n", i, result, error);
    }
    CHECK(result == -EINVAL && strstr(error, cases[i].says) && !policy);
    CHECK(!strncmp(error, "policy /tmp/", 12) && !strchr(error, '\n'));
  }
}

static void test_choosing(void) {
  muzero_rc_policy policy = {.action_count = 5, .actions = {-40, -1, 0, 2, 40}};
  const struct {
    bool mean, absolute;
    float logits[5];
    int32_t q_ref, asked, fallback;
  } cases[] = {
      {false, false, {0, 1, 0, 3, 2}, 100, 102, 0},
      {false, false, {0, 3, 0, 3, 3}, 100, 99, 0}, /* of equals the first */
      {false, false, {9, 0, 0, 0, 0}, 30, 1, 0},
      {false, false, {0, 0, 0, 0, 9}, 230, 255, 0},
      {false, false, {0, 0, NAN, 0, 9}, 77, 77, 1},
      {false, false, {0, 0, INFINITY, 0, 9}, 77, 77, 1},
      {true, false, {0, 0, 0, 0, -INFINITY}, 77, 77, 1},
      {true, false, {-99, -99, -99, 50, -99}, 100, 102, 0},
      {true, false, {-99, 0, 0, -99, -99}, 100, 99, 0},  /* -0.5 goes away from zero */
      {true, false, {-99, -99, 0, 0, -99}, 100, 101, 0}, /* 1.0 */
      {true, false, {3e38f, -3e38f, 0, 0, 0}, 100, 60, 0},
      {false, true, {0, 1, 0, 3, 2}, 100, 2, 0},
      {false, true, {9, 1, 0, 3, 2}, 100, 1, 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    float logits[5];
    int32_t fallback;
    memcpy(logits, cases[i].logits, sizeof(logits));
    policy.mean = cases[i].mean;
    policy.absolute = cases[i].absolute;
    CHECK_EQ(muzero_rc_policy_choose(&policy, logits, cases[i].q_ref, &fallback),
             cases[i].asked);
    CHECK_EQ(fallback, cases[i].fallback);
  }
}

static void test_decisions_follow_the_network(void) {
  sample_options options = sample_defaults();
  muzero_rc_decision first[FRAMES], second[FRAMES];
  options.actions = "-20 3 31";
  CHECK_EQ(decide_all(&options, first), 0);
  CHECK_EQ(decide_all(&options, second), 0);
  for (int i = 0; i < FRAMES; ++i) {
    const int32_t offset = first[i].asked - first[i].q_ref;
    CHECK(offset == -20 || offset == 3 || offset == 31 || first[i].asked == 1 ||
          first[i].asked == 255);
    CHECK(first[i].qindex >= 1 && first[i].qindex <= 255 && !first[i].fallback);
    CHECK(!memcmp(&first[i], &second[i], sizeof(first[i])));
  }
}

static void test_absolute_actions(void) {
  sample_options options = sample_defaults();
  muzero_rc_decision decisions[FRAMES];
  options.actions = "0 1 200";
  options.action_mode = "absolute";
  CHECK_EQ(decide_all(&options, decisions), 0);
  for (int i = 0; i < FRAMES; ++i) CHECK(decisions[i].asked == 1 || decisions[i].asked == 200);
}

static void test_overflowing_network_leaves_it_to_the_controller(void) {
  sample_options options = sample_defaults();
  muzero_rc_decision decisions[FRAMES];
  options.weight_scale = 3e38f;
  CHECK_EQ(decide_all(&options, decisions), 0);
  for (int i = 0; i < FRAMES; ++i) {
    CHECK_EQ(decisions[i].fallback, 1);
    CHECK_EQ(decisions[i].asked, decisions[i].q_ref);
  }
}

static void test_no_layers_no_windows(void) {
  sample_options options = sample_defaults();
  muzero_rc_decision decisions[FRAMES];
  options.sizes.encoder_layers = options.sizes.step_blocks = options.sizes.window_count = 0;
  CHECK_EQ(decide_all(&options, decisions), 0);
  for (int i = 0; i < FRAMES; ++i) CHECK(!decisions[i].fallback);
}

static void test_show_index_outside_the_clip_is_clamped(void) {
  muzero_rc_policy *policy;
  const sample_options options = sample_defaults();
  CHECK_EQ(open_sample(&options, &policy, NULL), 0);
  const muzero_rc_sizes *const s = muzero_rc_policy_sizes(policy);
  float *const in = calloc((size_t)(s->clip_features + 2 * s->frame_features +
                                    4 * s->step_features), sizeof(float));
  float *const frames = in + s->clip_features, *const steps = frames + 2 * s->frame_features;
  for (int32_t i = 0; i < s->frame_features; ++i) frames[i] = 1;
  const int32_t index[4] = {0, -7, 1, INT32_MAX};
  float logits[4][3];
  CHECK_EQ(muzero_rc_policy_forward(policy, in, frames, 2, steps, index, 4, logits[0]), 0);
  CHECK(!memcmp(logits[0], logits[1], sizeof(logits[0])));
  CHECK(!memcmp(logits[2], logits[3], sizeof(logits[0])));
  CHECK(memcmp(logits[0], logits[2], sizeof(logits[0])));
  free(in);
  muzero_rc_policy_close(&policy);
}

/* One clip through a shared policy, in a thread of its own. */
typedef struct worker {
  const muzero_rc_policy *policy;
  int32_t asked[FRAMES];
  int result;
  pthread_t thread;
} worker;

static void *work(void *argument) {
  worker *const w = argument;
  muzero_rc_frame_stats stats[FRAMES];
  muzero_rc_model *model;
  fill_stats(stats);
  w->result = muzero_rc_model_open(w->policy, &clip, stats, &model);
  if (w->result) return NULL;
  for (int32_t i = 0; i < FRAMES; ++i) {
    const muzero_rc_frame_request request = request_of(i);
    const muzero_rc_frame_result coded = {.sse = 1000, .bits = 500, .pixels = 38016, .qindex = 9};
    w->asked[i] = muzero_rc_model_decide(model, &request).asked;
    muzero_rc_model_update(model, &coded);
  }
  muzero_rc_model_close(&model);
  return NULL;
}

static void test_many_threads_share_a_policy(void) {
  enum { WORKERS = 8 };
  static worker workers[WORKERS];
  muzero_rc_policy *policy;
  const sample_options options = sample_defaults();
  CHECK_EQ(open_sample(&options, &policy, NULL), 0);
  for (int i = 0; i < WORKERS; ++i) {
    workers[i].policy = policy;
    CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < WORKERS; ++i) CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
  for (int i = 0; i < WORKERS; ++i) {
    CHECK_EQ(workers[i].result, 0);
    CHECK(!memcmp(workers[i].asked, workers[0].asked, sizeof(workers[i].asked)));
  }
  muzero_rc_policy_close(&policy);
}

static void test_files_of_format_1_are_the_same_policies(void) {
  muzero_rc_decision old[FRAMES], new[FRAMES];
  sample_options options = sample_defaults();
  CHECK_EQ(decide_all(&options, new), 0);
  options.format_1 = true;
  CHECK_EQ(decide_all(&options, old), 0);
  CHECK(!memcmp(old, new, sizeof(old)));
  options.sizes.window_count = 0;
  CHECK_EQ(decide_all(&options, old), 0);
}

static void test_info(void) {
  static const char says[] =
      "\"width\": 8, \"encoder_layers\": 1, \"step_blocks\": 1, \"latents\": 2, "
      "\"attention_heads\": 2, \"kernel\": 3, \"windows\": [2, 5]}, \"actions\": [-1, 0, 1]}";
  muzero_rc_policy *policy;
  char *text;
  for (int format = 1; format <= 2; ++format) {
    sample_options options = sample_defaults();
    options.format_1 = format == 1;
    CHECK_EQ(open_sample(&options, &policy, NULL), 0);
    CHECK_EQ(muzero_rc_policy_info(policy, &text), 0);
    CHECK(strstr(text, "\"kind\": \"network\"") && strstr(text, says));
    free(text);
    muzero_rc_policy_close(&policy);
  }
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  CHECK(!muzero_rc_policy_sizes(policy));
  CHECK_EQ(muzero_rc_policy_info(policy, &text), 0);
  CHECK(strstr(text, "\"controller\""));
  free(text);
  muzero_rc_policy_close(&policy);
}

/* FNV-1a. */
static uint64_t hash_of(const void *data, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
  return hash;
}

/* The same bits from every compiler, at every optimisation level, on every
 * x86-64. A change on purpose, here or in the network: put the hash that is printed in. */
static void test_logits_are_the_same_everywhere(void) {
  const uint64_t golden = 0x14aa03ba1ccde27cu;
  enum { SHOWN = 20, ACTIONS = 5 };
  sample_options options = sample_defaults();
  options.sizes.clip_features = 3;
  options.sizes.frame_features = 5;
  options.sizes.step_features = 7;
  options.sizes.width = 24;
  options.sizes.encoder_layers = options.sizes.step_blocks = 2;
  options.sizes.actions = ACTIONS;
  const sample made = sample_make(&options);
  muzero_rc_policy_file file;
  muzero_rc_network *network;
  float features[3 + SHOWN * 5], step[7], encoding[SHOWN * 24], logits[SHOWN][ACTIONS];
  float scratch[4096];
  for (int i = 0; i < 3 + SHOWN * 5; ++i) features[i] = (float)(i * 37 % 64 - 32) / 16.0f;
  for (int i = 0; i < 7; ++i) step[i] = (float)(i * 11 % 8 - 4) / 2.0f;
  CHECK_EQ(muzero_rc_policy_file_open_bytes(made.bytes, made.size, &file, NULL, 0), 0);
  CHECK_EQ(muzero_rc_network_open(&file, ACTIONS, &network, NULL, 0), 0);
  CHECK(muzero_rc_network_encode_scratch(network) <= 4096);
  muzero_rc_network_encode(network, features, features + 3, SHOWN, encoding, scratch);
  for (int32_t i = 0; i < SHOWN; ++i)
    muzero_rc_network_logits(network, encoding, SHOWN, i, step, logits[i], scratch);
  CHECK(isfinite(logits[0][0]) && logits[0][0] != logits[1][0]);
  const uint64_t hash = hash_of(logits, sizeof(logits));
  if (hash != golden) fprintf(stderr, "hash 0x%016llx\n", (unsigned long long)hash);
  CHECK(hash == golden);
  muzero_rc_network_close(&network);
  muzero_rc_policy_file_close(&file);
  free(made.bytes);
}

/* The sum that kernels.h promises, kept from being vectorised. */
static float plain_sum(const float *weights, float bias, int32_t inputs, int32_t outputs,
                       const float *x, int32_t output) {
  volatile float sum = bias;
  for (int32_t i = 0; i < inputs; ++i) {
    const volatile float product = x[i] * weights[i * outputs + output];
    sum = sum + product;
  }
  return sum;
}

static void test_dense_sums_in_the_written_order(void) {
  float weights[37 * 21], x[37], bias[21], out[21];
  for (int i = 0; i < 37 * 21; ++i) weights[i] = sinf((float)i) * 1e3f;
  for (int i = 0; i < 37; ++i) x[i] = cosf((float)i * 7.0f);
  for (int i = 0; i < 21; ++i) bias[i] = sinf((float)i * 3.0f);
  for (int32_t inputs = 1; inputs <= 37; ++inputs) {
    for (int32_t outputs = 1; outputs <= 21; ++outputs) {
      muzero_rc_dense(weights, bias, inputs, outputs, x, out);
      for (int32_t o = 0; o < outputs; ++o) {
        const float expected = plain_sum(weights, bias[o], inputs, outputs, x, o);
        CHECK(!memcmp(&expected, &out[o], sizeof(float)));
      }
    }
  }
}

static void test_exp(void) {
  for (double x = -86.9; x < 88.0; x += 0.00171) {
    const float argument = (float)x;
    CHECK(fabs((double)muzero_rc_exp(argument) / exp((double)argument) - 1.0) < 2e-7);
  }
  CHECK(muzero_rc_exp(0.0f) == 1.0f && muzero_rc_exp(-INFINITY) == 0.0f);
  CHECK(isnan(muzero_rc_exp(NAN)) && isinf(muzero_rc_exp(INFINITY)));
}

int main(void) {
  test_refusals_say_what_and_which();
  test_choosing();
  test_decisions_follow_the_network();
  test_absolute_actions();
  test_overflowing_network_leaves_it_to_the_controller();
  test_no_layers_no_windows();
  test_show_index_outside_the_clip_is_clamped();
  test_many_threads_share_a_policy();
  test_files_of_format_1_are_the_same_policies();
  test_info();
  test_logits_are_the_same_everywhere();
  test_dense_sums_in_the_written_order();
  test_exp();
  return check_result();
}
