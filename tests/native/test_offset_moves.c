/* Policies that move the controller's constants: what they decide, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "features/feature_table.h"
#include "policy/model.h"

enum { FRAMES = 12, LONGEST = 4096 };

static const muzero_rc_clip CLIP = {
    .width = 64, .height = 64, .frame_count = FRAMES, .target_kbps = 40};

/* Opens a policy of tensors of `count` numbers each, all `value`. */
static int open_moves(const char *const *names, int32_t tensors, int32_t count, float value,
                      muzero_rc_policy **policy, char error[256]) {
  char header[LONGEST], path[] = "/tmp/muzero-rc-moves-XXXXXX";
  const size_t bytes = (size_t)count * sizeof(float);
  int length = snprintf(header, sizeof(header),
                        "{\"__metadata__\":{\"format\":\"muzero-rc-policy\",\"format_version\":\"2\","
                        "\"feature_version\":\"%d\"}",
                        (int)muzero_rc_feature_version());
  for (int32_t i = 0; i < tensors; ++i)
    length += snprintf(header + length, sizeof(header) - (size_t)length,
                       ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%zu,%zu]}", names[i],
                       (int)count, (size_t)i * bytes, (size_t)(i + 1) * bytes);
  header[length++] = '}';
  while (length % 8) header[length++] = ' ';
  const int fd = mkstemp(path);
  FILE *const file = fd < 0 ? NULL : fdopen(fd, "wb");
  if (!file) return -EIO;
  const uint64_t size = (uint64_t)length;
  fwrite(&size, sizeof(size), 1, file);
  fwrite(header, (size_t)length, 1, file);
  for (int32_t i = 0; i < tensors * count; ++i) fwrite(&value, sizeof(value), 1, file);
  fclose(file);
  const int result = muzero_rc_policy_open(path, policy, error, 256);
  unlink(path);
  return result;
}

static int play(const muzero_rc_policy *policy, muzero_rc_decision decisions[FRAMES]) {
  muzero_rc_frame_stats stats[FRAMES];
  muzero_rc_model *model = NULL;
  memset(stats, 0, sizeof(stats));
  for (int i = 0; i < FRAMES; ++i) {
    stats[i].field[0] = i;
    stats[i].field[2] = 4000.0;               /* intra error */
    stats[i].field[3] = 300.0 + 50 * (i % 7); /* coded error */
    stats[i].field[23] = 400000.0;            /* duration */
  }
  int error = muzero_rc_model_open(policy, &CLIP, stats, &model);
  for (int i = 0; !error && i < FRAMES; ++i) {
    const muzero_rc_frame_request request = {.frame_type = i ? MUZERO_RC_INTER : MUZERO_RC_KEY,
                                             .show_index = i,
                                             .coding_index = i,
                                             .gop_index = i};
    error = muzero_rc_model_ask(model, &request, &decisions[i]);
    const muzero_rc_frame_result result = {.sse = 90000,
                                           .bits = 40000 / decisions[i].qindex,
                                           .pixels = 6144,
                                           .qindex = decisions[i].qindex};
    if (!error) muzero_rc_model_update(model, &result);
  }
  muzero_rc_model_close(&model);
  return error;
}

static void test_no_move_is_the_controller(void) {
  static const char *const names[] = {"offsets.key", "offsets.overlay", "offsets.top"};
  muzero_rc_decision controllers[FRAMES], moved[FRAMES];
  muzero_rc_policy *policy = NULL;
  char error[256];
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  CHECK_EQ(play(policy, controllers), 0);
  muzero_rc_policy_close(&policy);
  CHECK_EQ(open_moves(names, 3, 1, 0.0f, &policy, error), 0);
  CHECK_EQ(play(policy, moved), 0);
  muzero_rc_policy_close(&policy);
  CHECK(!memcmp(controllers, moved, sizeof(moved)));
}

static void test_a_key_frame_is_coarser_by_as_much(void) {
  static const char *const names[] = {"offsets.key"};
  muzero_rc_decision decisions[3][FRAMES];
  char error[256];
  for (int i = 0; i < 3; ++i) {
    muzero_rc_policy *policy = NULL;
    CHECK_EQ(open_moves(names, 1, 1, 0.5f * (float)(i - 1), &policy, error), 0);
    CHECK_EQ(play(policy, decisions[i]), 0);
    muzero_rc_policy_close(&policy);
  }
  CHECK(decisions[0][0].q_ref < decisions[1][0].q_ref);
  CHECK(decisions[1][0].q_ref < decisions[2][0].q_ref);
}

static void test_what_is_refused(void) {
  static const struct {
    const char *names[2];
    int32_t tensors, count;
    float value;
    const char *said;
  } table[] = {
      {{"offsets.keys"}, 1, 1, 0.1f, "tensor offsets.keys: the controller has no such constant"},
      {{"offsets."}, 1, 1, 0.1f, "takes"},
      {{"offsets.key"}, 1, 2, 0.1f, "tensor offsets.key must be one number from -16 to 16"},
      {{"offsets.key"}, 1, 1, 17.0f, "tensor offsets.key must be one number from -16 to 16"},
      {{"offsets.key", "step_in.w"}, 2, 1, 0.1f, "tensor step_in.w: moves of the controller's"},
      {{"offsets.key", "shapes_in.b"}, 2, 1, 0.1f, "tensor shapes_in.b: moves of the controller's"},
  };
  for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
    muzero_rc_policy *policy = NULL;
    char error[256] = "";
    CHECK_EQ(open_moves(table[i].names, table[i].tensors, table[i].count, table[i].value, &policy,
                        error),
             -EINVAL);
    CHECK(!policy);
    if (i != 1) CHECK(strstr(error, table[i].said));
  }
}

int main(void) {
  test_no_move_is_the_controller();
  test_a_key_frame_is_coarser_by_as_much();
  test_what_is_refused();
  return check_result();
}
