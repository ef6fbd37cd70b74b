/* What the way from libvpx to a policy costs: nanoseconds a coded frame, of the policy alone and
 * through the callbacks that libvpx 1.10 to 1.12 calls, least of rounds that take turns.
 *
 *   dispatch POLICY ROUNDS
 *
 * `make bench` compiles and runs it; libvpx itself is not needed. */
#include <muzero_rc/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vpx/abi/abi_1.h"

enum { FRAMES = 600, GOP = 16, WIDTH = 352, HEIGHT = 288, KBPS = 300, BITS = 10000 };
enum { SSE = 900000, PIXELS = WIDTH * HEIGHT * 3 / 2, ABI = 1 };

/* This thread's own time: what other programs do meanwhile does not count. */
static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

/* Values within the range of real clips'; their order is libvpx's. */
static void fill_stats(muzero_rc_frame_stats *stats) {
  for (int i = 0; i < FRAMES; ++i) {
    for (int field = 0; field < MUZERO_RC_STATS_FIELDS; ++field)
      stats[i].field[field] = 0.1 + (i % 23) / 23.0 / (1.0 + field);
    stats[i].field[0] = i;
    stats[i].field[MUZERO_RC_STATS_FIELDS - 2] = 333333.0; /* duration */
    stats[i].field[MUZERO_RC_STATS_FIELDS - 1] = 1.0;      /* count */
  }
}

static muzero_rc_abi1_frame_info info_of(int frame) {
  const int place = frame % GOP;
  return (muzero_rc_abi1_frame_info){
      .frame_type = frame == 0 ? MUZERO_RC_KEY : place == 1 ? MUZERO_RC_ALTREF : MUZERO_RC_INTER,
      .show_index = frame,
      .coding_index = frame,
      .gop_index = place,
      .ref_coding_index = {frame - 1, frame - place, frame - place},
      .ref_valid = {frame > 0, frame > 0, frame > 0}};
}

/* The policy alone, its records filled from the same numbers. */
static double alone(const muzero_rc_policy *policy, const muzero_rc_frame_stats *stats) {
  const muzero_rc_clip clip = {WIDTH, HEIGHT, FRAMES, KBPS, 8, 8};
  muzero_rc_model *model;
  if (muzero_rc_model_open(policy, &clip, stats, &model)) abort();
  const double start_ns = now_ns();
  for (int i = 0; i < FRAMES; ++i) {
    const muzero_rc_abi1_frame_info info = info_of(i);
    muzero_rc_frame_request request = {info.frame_type, info.show_index, info.coding_index,
                                       info.gop_index,  {0},             {0}};
    for (int k = 0; k < MUZERO_RC_REFERENCES; ++k) {
      request.ref_coding_index[k] = info.ref_coding_index[k];
      request.ref_valid[k] = info.ref_valid[k];
    }
    const muzero_rc_decision decision = muzero_rc_model_decide(model, &request);
    const muzero_rc_frame_result result = {SSE, BITS, PIXELS, decision.qindex, 0};
    muzero_rc_model_update(model, &result);
  }
  const double spent_ns = now_ns() - start_ns;
  muzero_rc_model_close(&model);
  return spent_ns / FRAMES;
}

/* The same as libvpx does it. */
static double called(const muzero_rc_policy *policy, const muzero_rc_frame_stats *stats) {
  const muzero_rc_abi1_config config = {WIDTH, HEIGHT, FRAMES, KBPS, 30, 1};
  const muzero_rc_vpx_stats records = {stats, FRAMES};
  muzero_rc_plugin *plugin;
  muzero_rc_abi1_funcs funcs;
  void *model;
  if (muzero_rc_plugin_open(policy, &plugin)) abort();
  if (muzero_rc_plugin_funcs(plugin, ABI, (struct vpx_rc_funcs *)&funcs)) abort();
  if (funcs.create_model(funcs.priv, &config, &model)) abort();
  if (funcs.send_firstpass_stats(model, &records)) abort();
  const double start_ns = now_ns();
  for (int i = 0; i < FRAMES; ++i) {
    const muzero_rc_abi1_frame_info info = info_of(i);
    muzero_rc_abi1_decision decision;
    if (funcs.get_encodeframe_decision(model, &info, &decision)) abort();
    const muzero_rc_abi1_result result = {SSE, BITS, PIXELS, decision.q_index};
    if (funcs.update_encodeframe_result(model, &result)) abort();
  }
  const double spent_ns = now_ns() - start_ns;
  funcs.delete_model(model);
  muzero_rc_plugin_close(&plugin);
  return spent_ns / FRAMES;
}

int main(int argc, char **argv) {
  static muzero_rc_frame_stats stats[FRAMES];
  char error[256];
  muzero_rc_policy *policy;
  double least_alone = 1e18, least_called = 1e18;
  if (argc != 3) return 2;
  if (muzero_rc_policy_open(argv[1], &policy, error, sizeof(error))) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  fill_stats(stats);
  for (int round = 0; round < atoi(argv[2]); ++round) {
    const double alone_ns = alone(policy, stats), called_ns = called(policy, stats);
    if (alone_ns < least_alone) least_alone = alone_ns;
    if (called_ns < least_called) least_called = called_ns;
  }
  printf("%.1f %.1f\n", least_alone, least_called);
  muzero_rc_policy_close(&policy);
  return 0;
}
