/* Encodes in threads: they end by themselves, at once when told to, and in
 * words when the input is bad. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/pool.h"
#include "check.h"
#include "system_libvpx.h"
#include "common/clock.h"
#include "rate_control/clip_state.h"

enum { WIDTH = 64, HEIGHT = 47, FRAMES = 20, FRAME_BYTES = WIDTH * HEIGHT + 2 * 32 * 24 };

static const int64_t LONG_NS = 900LL * 1000000000; /* only a hang takes so long */

static int64_t soon(void) { return muzero_rc_now_ns() + LONG_NS; }

/* A texture that moves, so that alt-refs pay. */
static uint8_t *make_frames(void) {
  uint8_t *const frames = malloc(FRAMES * FRAME_BYTES);
  uint8_t *pixel = frames;
  for (int t = 0; t < FRAMES; ++t) {
    for (int y = 0; y < HEIGHT; ++y)
      for (int x = 0; x < WIDTH; ++x)
        *pixel++ = (uint8_t)(((x + 2 * t) * 37 ^ y * 91) % 61 * 3 + (x + t) % 64);
    memset(pixel, 128, 2 * 32 * 24);
    pixel += 2 * 32 * 24;
  }
  return frames;
}

static muzero_rc_session_options options_of(muzero_rc_mode mode) {
  muzero_rc_session_options options = {
      .libvpx = system_libvpx(), .settings = muzero_rc_settings_default(), .mode = mode};
  options.settings.width = WIDTH;
  options.settings.height = HEIGHT;
  options.settings.target_kbps = 60;
  options.settings.cpu_used = 5;
  options.guard = true;
  return options;
}

static int start_memory(muzero_rc_pool *pool, int32_t slot, const uint8_t *frames, size_t size,
                        const muzero_rc_session_options *options) {
  muzero_rc_source *source = NULL;
  char error[MUZERO_RC_ERROR_SIZE];
  muzero_rc_source_open_memory(frames, size, FRAME_BYTES, &source);
  const int failure =
      muzero_rc_pool_start(pool, slot, options, &source, error, sizeof(error));
  muzero_rc_source_close(&source);
  return failure;
}

static muzero_rc_outcome outcome_of(muzero_rc_pool *pool, int32_t slot) {
  muzero_rc_mailbox_join(muzero_rc_pool_mailbox(pool), slot, soon());
  return muzero_rc_session_outcome(muzero_rc_pool_session(pool, slot));
}

/* A pool whose slot 0 has just run the first pass of `frames`; points `options`
 * at a copy of its statistics. */
static muzero_rc_pool *open_pool(const uint8_t *frames, muzero_rc_session_options *options,
                                 void **blob) {
  muzero_rc_pool *pool = NULL;
  const muzero_rc_session_options first = options_of(MUZERO_RC_MODE_LIBVPX);
  muzero_rc_pool_open(2, &pool);
  start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &first);
  outcome_of(pool, 0);
  const muzero_rc_array *const stats =
      muzero_rc_session_stats(muzero_rc_pool_session(pool, 0));
  *blob = malloc(stats->count);
  memcpy(*blob, stats->data, stats->count);
  options->stats = *blob;
  options->stats_size = stats->count;
  return pool;
}

/* Answers every question with what `choose` says until nothing runs. */
static int32_t drive(muzero_rc_pool *pool, int32_t (*choose)(const muzero_rc_event *)) {
  muzero_rc_event *const event = malloc(muzero_rc_event_size());
  int32_t decisions = 0, bad = 0;
  while (muzero_rc_mailbox_wait(muzero_rc_pool_mailbox(pool), 1, soon(), event, 1) > 0) {
    if (event->kind != MUZERO_RC_EVENT_DECISION) continue;
    const int32_t answer = choose(event);
    muzero_rc_mailbox_answer(muzero_rc_pool_mailbox(pool), &event->slot, &answer, 1, &bad);
    ++decisions;
  }
  free(event);
  return decisions;
}

static int32_t choose_garbage(const muzero_rc_event *event) {
  static const int32_t GARBAGE[] = {-1000000, 0, 256, 100000, INT32_MAX, INT32_MIN};
  return GARBAGE[event->coding_index % 6];
}

static void test_garbage_answers_are_clamped(void) {
  uint8_t *const frames = make_frames();
  muzero_rc_session_options options = options_of(MUZERO_RC_MODE_ASK);
  void *blob = NULL;
  muzero_rc_pool *pool = open_pool(frames, &options, &blob);
  options.guard = false;
  CHECK_EQ(start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options), 0);
  const int32_t decisions = drive(pool, choose_garbage);
  const muzero_rc_outcome outcome = outcome_of(pool, 0);
  CHECK(outcome.ok);
  CHECK_EQ(outcome.frames, FRAMES);
  CHECK_EQ(outcome.decisions, decisions);
  const muzero_rc_array *const records =
      muzero_rc_session_records(muzero_rc_pool_session(pool, 0));
  const muzero_rc_record *const record = records->data;
  CHECK(records->count >= (size_t)decisions);
  for (size_t i = 0; i < records->count; ++i) {
    if (record[i].frame_type < 0) continue;
    const bool low = record[i].asked < MUZERO_RC_QINDEX_MIN;
    CHECK_EQ(record[i].qindex, low ? MUZERO_RC_QINDEX_MIN : MUZERO_RC_QINDEX_MAX);
  }
  muzero_rc_pool_close(&pool);
  free(blob);
  free(frames);
}

static void test_both_slots_at_once_with_the_controller(void) {
  uint8_t *const frames = make_frames();
  muzero_rc_session_options options = options_of(MUZERO_RC_MODE_POLICY);
  muzero_rc_policy *policy = NULL;
  void *blob = NULL;
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  muzero_rc_pool *pool = open_pool(frames, &options, &blob);
  options.policy = policy;
  for (int32_t slot = 0; slot < 2; ++slot)
    CHECK_EQ(start_memory(pool, slot, frames, FRAMES * FRAME_BYTES, &options), 0);
  const muzero_rc_outcome first = outcome_of(pool, 0), second = outcome_of(pool, 1);
  CHECK(first.ok && second.ok);
  CHECK(first.decisions > 0);
  CHECK_EQ(first.packet_bytes, second.packet_bytes);
  muzero_rc_pool_close(&pool);
  muzero_rc_policy_close(&policy);
  free(blob);
  free(frames);
}

static void test_cancel_while_a_decision_is_owed(void) {
  uint8_t *const frames = make_frames();
  muzero_rc_session_options options = options_of(MUZERO_RC_MODE_ASK);
  muzero_rc_event *const event = malloc(muzero_rc_event_size());
  void *blob = NULL;
  muzero_rc_pool *pool = open_pool(frames, &options, &blob);
  CHECK_EQ(start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options), 0);
  CHECK_EQ(start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options), -EBUSY);
  CHECK_EQ(muzero_rc_mailbox_wait(muzero_rc_pool_mailbox(pool), 1, soon(), event, 1), 1);
  muzero_rc_session_cancel(muzero_rc_pool_session(pool, 0));
  const muzero_rc_outcome outcome = outcome_of(pool, 0);
  CHECK(!outcome.ok);
  CHECK(!strcmp(outcome.error, "cancelled"));
  /* A pool that is closed while an encode waits joins it. */
  CHECK_EQ(start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options), 0);
  muzero_rc_pool_close(&pool);
  free(event);
  free(blob);
  free(frames);
}

static void test_a_silent_descriptor_can_be_cancelled(void) {
  const muzero_rc_session_options options = options_of(MUZERO_RC_MODE_LIBVPX);
  muzero_rc_pool *pool = NULL;
  muzero_rc_source *source = NULL;
  char error[MUZERO_RC_ERROR_SIZE];
  int fds[2];
  CHECK_EQ(pipe(fds), 0);
  muzero_rc_pool_open(1, &pool);
  CHECK_EQ(muzero_rc_source_open_fd(fds[0], FRAME_BYTES, &source), 0);
  CHECK_EQ(muzero_rc_pool_start(pool, 0, &options, &source, error, sizeof(error)), 0);
  muzero_rc_session_cancel(muzero_rc_pool_session(pool, 0));
  CHECK(!strcmp(outcome_of(pool, 0).error, "cancelled"));
  muzero_rc_pool_close(&pool);
  close(fds[0]);
  close(fds[1]);
}

static void test_bad_sources_fail_in_words(void) {
  uint8_t *const frames = make_frames();
  muzero_rc_session_options options = options_of(MUZERO_RC_MODE_LIBVPX);
  void *blob = NULL;
  muzero_rc_pool *pool = open_pool(frames, &options, &blob);
  start_memory(pool, 0, frames, FRAMES * FRAME_BYTES - 1, &options);
  CHECK(!strcmp(outcome_of(pool, 0).error, "the source ends in the middle of frame 20"));
  start_memory(pool, 0, frames, (FRAMES - 1) * FRAME_BYTES, &options);
  CHECK(strstr(outcome_of(pool, 0).error, "19 frames, but the first pass saw 20"));
  start_memory(pool, 0, frames, 0, &options);
  CHECK(!strcmp(outcome_of(pool, 0).error, "the source has no frames"));
  options.stats_size -= 1;
  CHECK_EQ(start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options), -EINVAL);
  options.stats_size += 1;
  options.settings.auto_alt_ref = 9;
  start_memory(pool, 0, frames, FRAMES * FRAME_BYTES, &options);
  CHECK(strstr(outcome_of(pool, 0).error, "auto_alt_ref 9"));
  muzero_rc_pool_close(&pool);
  free(blob);
  free(frames);
}

static void test_packets_are_handed_over_whole(void) {
  uint8_t *const frames = make_frames();
  muzero_rc_session_options options = options_of(MUZERO_RC_MODE_LIBVPX);
  void *blob = NULL;
  muzero_rc_pool *pool = open_pool(frames, &options, &blob);
  options.keep_packets = true;
  start_memory(pool, 1, frames, FRAMES * FRAME_BYTES, &options);
  const muzero_rc_outcome outcome = outcome_of(pool, 1);
  muzero_rc_array packets =
      muzero_rc_session_take_packets(muzero_rc_pool_session(pool, 1));
  CHECK(outcome.ok);
  CHECK_EQ(packets.count, FRAMES);
  int64_t bytes = 0;
  for (size_t i = 0; i < packets.count; ++i) {
    const muzero_rc_packet *const packet = (muzero_rc_packet *)packets.data + i;
    CHECK_EQ(packet->pts, (int64_t)i);
    CHECK_EQ(packet->key, i == 0);
    bytes += (int64_t)packet->size;
  }
  CHECK_EQ(bytes, outcome.packet_bytes);
  muzero_rc_packets_close(&packets);
  muzero_rc_pool_close(&pool);
  free(blob);
  free(frames);
}

int main(void) {
  test_garbage_answers_are_clamped();
  test_both_slots_at_once_with_the_controller();
  test_cancel_while_a_decision_is_owed();
  test_a_silent_descriptor_can_be_cancelled();
  test_bad_sources_fail_in_words();
  test_packets_are_handed_over_whole();
  return check_result();
}
