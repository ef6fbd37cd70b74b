/* The three kinds of decider behind one model: the controller, a network, one from outside. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "policy/model.h"
#include "policy_sample.h"
#include "vpx/abi/abi_1.h"
#include "vpx/abi/layout.h"
#include "vpx/callbacks.h"

enum { FRAMES = 12 };

static const muzero_rc_clip CLIP = {
    .width = 64, .height = 64, .frame_count = FRAMES, .target_kbps = 40};

static void fill_stats(muzero_rc_frame_stats stats[FRAMES]) {
  memset(stats, 0, FRAMES * sizeof(*stats));
  for (int i = 0; i < FRAMES; ++i) {
    stats[i].field[0] = i;
    stats[i].field[2] = 4000.0;               /* intra error */
    stats[i].field[3] = 300.0 + 50 * (i % 7); /* coded error */
    stats[i].field[23] = 400000.0;            /* duration */
  }
}

static muzero_rc_model *open_outside(muzero_rc_decider decider) {
  muzero_rc_frame_stats stats[FRAMES];
  muzero_rc_model *model = NULL;
  fill_stats(stats);
  return muzero_rc_model_open_with(decider, &CLIP, stats, &model) ? NULL : model;
}

static muzero_rc_model *open_policy(const muzero_rc_policy *policy) {
  muzero_rc_frame_stats stats[FRAMES];
  muzero_rc_model *model = NULL;
  fill_stats(stats);
  return muzero_rc_model_open(policy, &CLIP, stats, &model) ? NULL : model;
}

/* The decisions of a whole clip; -1 where the decider failed. */
static int play(muzero_rc_model *model, muzero_rc_decision decisions[FRAMES]) {
  for (int i = 0; i < FRAMES; ++i) {
    const muzero_rc_frame_request request = {.frame_type = i ? MUZERO_RC_INTER : MUZERO_RC_KEY,
                                             .show_index = i,
                                             .coding_index = i,
                                             .gop_index = i};
    const int error = muzero_rc_model_ask(model, &request, &decisions[i]);
    if (error) return error;
    const muzero_rc_frame_result result = {.sse = 90000,
                                           .bits = 40000 / decisions[i].qindex,
                                           .pixels = 6144,
                                           .qindex = decisions[i].qindex};
    muzero_rc_model_update(model, &result);
  }
  return 0;
}

/* Answers what it is told to, or fails. */
typedef struct outsider {
  int32_t answer; /* 0: q_ref */
  int error, asked;
} outsider;

static int answer(void *self, const muzero_rc_clip_state *state,
                  const muzero_rc_frame_request *request, muzero_rc_decision *decision) {
  outsider *const o = self;
  if (decision->q_ref != muzero_rc_clip_state_q_ref(state) || request->coding_index != o->asked)
    return -EIO;
  ++o->asked;
  if (o->answer) decision->asked = o->answer;
  return o->error;
}

static void test_an_outsider_that_answers_q_ref_is_the_controller(void) {
  muzero_rc_decision ours[FRAMES], theirs[FRAMES];
  outsider o = {0};
  muzero_rc_policy *policy = NULL;
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  muzero_rc_model *controller = open_policy(policy);
  muzero_rc_model *outside = open_outside((muzero_rc_decider){.decide = answer, .self = &o});
  CHECK(controller && outside);
  CHECK_EQ(play(controller, ours), 0);
  CHECK_EQ(play(outside, theirs), 0);
  CHECK_EQ(o.asked, FRAMES);
  CHECK(!memcmp(ours, theirs, sizeof(ours)));
  muzero_rc_model_close(&outside);
  muzero_rc_model_close(&controller);
  muzero_rc_policy_close(&policy);
}

static void test_the_guard_minds_every_kind(void) {
  muzero_rc_decision decisions[FRAMES];
  for (int guard = 0; guard < 2; ++guard) {
    outsider o = {.answer = -7}; /* finer than there is */
    muzero_rc_model *model = open_outside((muzero_rc_decider){.decide = answer, .self = &o});
    CHECK(model);
    muzero_rc_model_set_guard(model, guard);
    CHECK_EQ(play(model, decisions), 0);
    CHECK_EQ(decisions[0].asked, -7);
    CHECK(guard ? decisions[FRAMES - 1].qindex > 1 : decisions[FRAMES - 1].qindex == 1);
    muzero_rc_model_close(&model);
  }
}

static void test_a_network_asks_for_more_than_q_ref(void) {
  const sample_options options = sample_defaults();
  const sample made = sample_make(&options);
  muzero_rc_decision decisions[FRAMES];
  muzero_rc_policy *policy = NULL;
  char path[64];
  CHECK(sample_save(&made, path));
  CHECK_EQ(muzero_rc_policy_open(path, &policy, NULL, 0), 0);
  muzero_rc_model *model = open_policy(policy);
  CHECK(model);
  CHECK_EQ(play(model, decisions), 0);
  int differ = 0;
  for (int i = 0; i < FRAMES; ++i) differ += decisions[i].asked != decisions[i].q_ref;
  CHECK(differ > 0);
  muzero_rc_model_close(&model);
  muzero_rc_policy_close(&policy);
  unlink(path);
  free(made.bytes);
}

static int open_model(void *self, const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                      muzero_rc_model **model) {
  return muzero_rc_model_open_with((muzero_rc_decider){.decide = answer, .self = self}, clip, stats, model);
}

static int refuse_result(void *self, const muzero_rc_frame_result *result) {
  (void)self;
  return result->bits == 4000 ? -ENOSPC : 0;
}

/* What a decider or an observer returns fails libvpx's encode and is in the report. */
static void test_errors_from_outside_fail_the_encode(void) {
  const muzero_rc_abi1_config config = {.width = 64,
                                  .height = 64,
                                  .show_frame_count = FRAMES,
                                  .target_kbps = 40};
  const muzero_rc_abi1_frame_info info = {.frame_type = 0};
  const muzero_rc_abi1_result result = {.bit_count = 4000, .qindex = 9};
  muzero_rc_abi1_stats_record stats[FRAMES] = {0};
  const muzero_rc_vpx_stats all = {.records = stats, .num_frames = FRAMES};
  for (int fails = 0; fails < 2; ++fails) {
    outsider o = {.answer = 9, .error = fails ? -ECANCELED : 0};
    const muzero_rc_callbacks_owner owner = {
        .self = &o, .open_model = open_model, .coded = refuse_result};
    muzero_rc_callbacks *callbacks = NULL;
    muzero_rc_abi1_decision decision = {.q_index = -1};
    void *model = NULL;
    CHECK_EQ(muzero_rc_callbacks_open(&owner, &callbacks), 0);
    muzero_rc_abi1_funcs funcs;
    muzero_rc_layout_1.fill(callbacks, &funcs);
    CHECK_EQ(funcs.create_model(funcs.priv, &config, &model), MUZERO_RC_VPX_OK);
    CHECK_EQ(funcs.send_firstpass_stats(model, &all), MUZERO_RC_VPX_OK);
    CHECK_EQ(funcs.get_encodeframe_decision(model, &info, &decision),
             fails ? MUZERO_RC_VPX_ERROR : MUZERO_RC_VPX_OK);
    CHECK_EQ(muzero_rc_callbacks_report(callbacks).decisions, !fails);
    if (!fails) CHECK_EQ(funcs.update_encodeframe_result(model, &result), MUZERO_RC_VPX_ERROR);
    CHECK_EQ(muzero_rc_callbacks_report(callbacks).error, fails ? -ECANCELED : -ENOSPC);
    CHECK_EQ(funcs.delete_model(model), MUZERO_RC_VPX_OK);
    muzero_rc_callbacks_close(&callbacks);
    CHECK(!callbacks);
  }
}

int main(void) {
  test_an_outsider_that_answers_q_ref_is_the_controller();
  test_the_guard_minds_every_kind();
  test_a_network_asks_for_more_than_q_ref();
  test_errors_from_outside_fail_the_encode();
  return check_result();
}
