/* Shapes in encodes by the real libvpx: what was asked for is what came. docs/gop-shapes.md says in
 * words what these tests hold. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/pool.h"
#include "check.h"
#include "common/clock.h"
#include "rate_control/gop_tracker.h"
#include "system_libvpx.h"

enum { WIDTH = 64, HEIGHT = 48, LONGEST = 70, FRAME_BYTES = WIDTH * HEIGHT * 3 / 2, GOPS_MAX = 80 };

static uint8_t moving[LONGEST * FRAME_BYTES], still[LONGEST * FRAME_BYTES];
static uint8_t cut[LONGEST * FRAME_BYTES]; /* to a smooth picture at frame 30 */

/* A texture that moves, with some noise; and one that stops moving for thirty frames. */
static void draw(void) {
  uint32_t random = 1;
  for (int t = 0; t < LONGEST; ++t)
    for (int i = 0; i < FRAME_BYTES; ++i) {
      const int x = i % WIDTH, y = i / WIDTH;
      random = random * 1664525u + 1013904223u;
      const int luma =
          ((x + t) / 5 * 53 ^ (y + t / 2) / 6 * 91) % 150 + 50 + (int)(random >> 28);
      moving[t * FRAME_BYTES + i] = (uint8_t)(i < WIDTH * HEIGHT ? luma : 128);
    }
  memcpy(still, moving, sizeof(still));
  memcpy(cut, moving, sizeof(cut));
  for (int t = 30; t < LONGEST; ++t)
    for (int i = 0; i < WIDTH * HEIGHT; ++i) {
      const int luma = 40 + i % WIDTH + t + 2 * (i / WIDTH);
      cut[t * FRAME_BYTES + i] = (uint8_t)luma;
    }
  for (int t = 21; t < 50; ++t)
    memcpy(still + t * FRAME_BYTES, still + 20 * FRAME_BYTES, FRAME_BYTES);
}

/* What an encode did. */
typedef struct encoded {
  int32_t starts[GOPS_MAX], alt_refs[GOPS_MAX]; /* of each GOP; -1: without an alt-ref */
  int32_t gops;
  int64_t bytes;
  int64_t sse;
  bool ok;
} encoded;

typedef struct trial {
  const uint8_t *frames;
  int32_t length;
  muzero_rc_settings settings;
  const muzero_rc_gop_shape *shapes;
  int32_t shape_count;
} trial;

static trial trial_of(const muzero_rc_gop_shape *shapes, int32_t count) {
  trial made = {moving, LONGEST, muzero_rc_settings_default(), shapes, count};
  made.settings.width = WIDTH;
  made.settings.height = HEIGHT;
  made.settings.target_kbps = 80;
  made.settings.cpu_used = 5;
  made.settings.quick = 0;
  return made;
}

static muzero_rc_session *run_pass(muzero_rc_pool *pool, const trial *t,
                                   const muzero_rc_session_options *options) {
  muzero_rc_source *source = NULL;
  char error[MUZERO_RC_ERROR_SIZE];
  muzero_rc_source_open_memory(t->frames, (size_t)t->length * FRAME_BYTES, FRAME_BYTES, &source);
  const int failed = muzero_rc_pool_start(pool, 0, options, &source, error, sizeof(error));
  muzero_rc_source_close(&source);
  if (failed) return NULL;
  const int64_t never = muzero_rc_now_ns() + 900LL * 1000000000;
  muzero_rc_mailbox_join(muzero_rc_pool_mailbox(pool), 0, never);
  return muzero_rc_pool_session(pool, 0);
}

static void note_gops(const muzero_rc_array *records, encoded *out) {
  muzero_rc_gop_tracker tracker;
  const muzero_rc_record *const record = records->data;
  muzero_rc_gop_tracker_init(&tracker);
  for (size_t i = 0; i < records->count; ++i) {
    const muzero_rc_frame_request request = {.frame_type = record[i].frame_type,
                                             .show_index = record[i].show_index,
                                             .gop_index = record[i].gop_index};
    if (record[i].frame_type >= 0) muzero_rc_gop_tracker_request(&tracker, &request);
    muzero_rc_gop_tracker_result(&tracker);
    if (tracker.begun == 0 || tracker.begun > GOPS_MAX) continue;
    out->starts[tracker.begun - 1] = tracker.start;
    out->alt_refs[tracker.begun - 1] = tracker.alt_ref;
  }
  out->gops = tracker.begun;
}

/* Two passes under the controller. */
static encoded encode(const trial *t) {
  encoded out = {0};
  muzero_rc_pool *pool = NULL;
  muzero_rc_policy *policy = NULL;
  void *blob = NULL;
  muzero_rc_session_options options = {
      .libvpx = system_libvpx(), .settings = t->settings, .mode = MUZERO_RC_MODE_LIBVPX};
  if (muzero_rc_pool_open(1, &pool) || muzero_rc_policy_open("controller", &policy, NULL, 0))
    goto close;
  muzero_rc_session *session = run_pass(pool, t, &options);
  if (!session || !muzero_rc_session_outcome(session).ok) goto close;
  const muzero_rc_array *const stats = muzero_rc_session_stats(session);
  blob = malloc(stats->count);
  memcpy(blob, stats->data, stats->count);
  options.stats_size = stats->count;
  options.stats = blob;
  options.mode = MUZERO_RC_MODE_POLICY;
  options.policy = policy;
  options.guard = true;
  options.shapes = t->shapes;
  options.shape_count = t->shape_count;
  session = run_pass(pool, t, &options);
  if (!session) goto close;
  out.ok = muzero_rc_session_outcome(session).ok;
  note_gops(muzero_rc_session_records(session), &out);
  const muzero_rc_array *const shown = muzero_rc_session_shown(session);
  for (size_t i = 0; i < shown->count; ++i) {
    out.bytes += ((const muzero_rc_shown *)shown->data)[i].bytes;
    out.sse += ((const muzero_rc_shown *)shown->data)[i].sse_y;
  }
close:
  free(blob);
  muzero_rc_pool_close(&pool);
  muzero_rc_policy_close(&policy);
  return out;
}

static muzero_rc_gop_shape length(int32_t frames) {
  return (muzero_rc_gop_shape){frames, -1, -1, -1};
}

static bool same(const encoded *a, const encoded *b) {
  return a->ok && b->ok && a->bytes == b->bytes && a->sse == b->sse && a->gops == b->gops;
}

static void test_lengths_come_as_asked(void) {
  const muzero_rc_gop_shape shapes[] = {length(16), length(6), length(10), length(8), length(23)};
  const int32_t starts[] = {0, 16, 22, 32, 40, 63};
  for (int threads = 1; threads <= 2; ++threads) {
    trial t = trial_of(shapes, 5);
    t.settings.threads = threads;
    t.settings.row_mt = threads > 1;
    const encoded out = encode(&t);
    CHECK(out.ok && out.gops >= 6);
    for (int i = 0; i < 6; ++i) CHECK_EQ(out.starts[i], starts[i]);
    for (int i = 0; i < 5; ++i) CHECK_EQ(out.alt_refs[i], starts[i + 1]);
  }
}

/* Own shapes, sent to libvpx, against none: pyramids, plain alt-refs, no alt-refs, key frames,
 * static scenes, short clips, a short look-ahead. */
static void test_own_shapes_change_nothing(void) {
  static const struct { const uint8_t *frames; int32_t count, layers, key, lag; } KINDS[] = {
      {moving, LONGEST, 6, 128, 25}, {moving, LONGEST, 1, 128, 25}, {moving, LONGEST, 0, 128, 25},
      {moving, LONGEST, 6, 30, 25},  {still, LONGEST, 6, 128, 25},  {moving, 20, 6, 128, 25},
      {moving, 1, 6, 128, 25},       {moving, LONGEST, 6, 128, 10}, {moving, 40, 6, 128, 4}};
  muzero_rc_gop_shape own[GOPS_MAX];
  for (int i = 0; i < GOPS_MAX; ++i) own[i] = MUZERO_RC_OWN_SHAPE;
  for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); ++i) {
    trial t = trial_of(NULL, 0);
    t.frames = KINDS[i].frames;
    t.length = KINDS[i].count;
    t.settings.auto_alt_ref = KINDS[i].layers;
    t.settings.kf_max_dist = KINDS[i].key;
    t.settings.lag_in_frames = KINDS[i].lag;
    const encoded untouched = encode(&t);
    if (KINDS[i].lag < MUZERO_RC_SHAPE_LAG_MIN) continue; /* refused there */
    t.shapes = own;
    t.shape_count = GOPS_MAX;
    const encoded sent = encode(&t);
    CHECK(same(&untouched, &sent));
  }
}

/* From one layer to many and back, whatever is configured: the sanitizers see what libvpx reads. */
static void test_layers_change_from_gop_to_gop(void) {
  const muzero_rc_gop_shape shapes[] = {{8, 1, -1, -1}, {8, 6, -1, -1}, {8, 1, -1, -1},
                                        {8, 2, -1, -1}, {8, 6, 0, 0},   {8, 1, 6, 15}};
  for (int32_t layers = 0; layers <= 6; layers += 3) {
    trial t = trial_of(shapes, 6);
    t.settings.auto_alt_ref = layers;
    const encoded out = encode(&t);
    CHECK(out.ok && out.gops > 6);
    for (int i = 0; i < 6; ++i) CHECK_EQ(out.starts[i + 1], 8 * (i + 1));
  }
}

static void test_a_key_frame_cuts_a_length(void) {
  muzero_rc_gop_shape shapes[GOPS_MAX];
  for (int i = 0; i < GOPS_MAX; ++i) shapes[i] = length(12);
  trial t = trial_of(shapes, GOPS_MAX);
  t.settings.kf_max_dist = 30;
  const encoded out = encode(&t);
  /* The flush begins in the GOP of 54, so that the length of that one holds to the end. */
  const int32_t starts[] = {0, 12, 24, 29, 30, 42, 54, 59, 60, 65, 69};
  CHECK(out.ok && out.gops == 11);
  for (int i = 0; i < 11; ++i) CHECK_EQ(out.starts[i], starts[i]);
  for (int i = 0; i < 10; ++i)
    CHECK_EQ(out.alt_refs[i], i == 3 || i == 7 ? -1 : starts[i + 1]); /* one frame before a key */
}

/* libvpx puts a key frame at the cut; the GOP before it ends one frame before. */
static void test_a_cut_that_is_foreseen(void) {
  const muzero_rc_gop_shape shapes[] = {length(16), length(16), length(16), length(10), length(16)};
  trial t = trial_of(shapes, 5);
  t.frames = cut;
  const encoded out = encode(&t);
  const int32_t starts[] = {0, 16, 29, 30, 40};
  CHECK(out.ok && out.gops >= 5);
  for (int i = 0; i < 5; ++i) CHECK_EQ(out.starts[i], starts[i]);
  CHECK_EQ(out.alt_refs[1], 29);
  CHECK_EQ(out.alt_refs[2], -1);
  CHECK_EQ(out.alt_refs[3], 40);
}

static void test_a_flush_keeps_its_alt_refs(void) {
  const muzero_rc_gop_shape shapes[] = {length(16), length(16), length(16), length(16)};
  const trial t = trial_of(shapes, 4); /* 21 frames after the one that begins the flush's GOP */
  const encoded out = encode(&t);
  CHECK(out.ok && out.gops >= 5);
  CHECK_EQ(out.starts[3], 48);
  for (int i = 3; i + 1 < out.gops; ++i) CHECK_EQ(out.alt_refs[i], out.starts[i + 1]);
  CHECK(LONGEST - 1 - out.starts[out.gops - 1] < MUZERO_RC_SHAPE_SHORTEST);
}

static void test_a_static_scene_goes_its_own_way(void) {
  const muzero_rc_gop_shape shapes[] = {length(10), length(10), length(10), length(10)};
  trial t = trial_of(shapes, 4);
  t.frames = still;
  const encoded out = encode(&t);
  CHECK(out.ok);
  CHECK_EQ(out.starts[2], 20);
  CHECK_EQ(out.alt_refs[2], -1); /* nothing moves: no alt-ref */
}

static void test_short_clips(void) {
  const muzero_rc_gop_shape shapes[] = {length(8), length(8)};
  for (int32_t frames = 1; frames <= 30; frames += frames < 14 ? 1 : 8) {
    trial t = trial_of(shapes, 2);
    t.length = frames;
    const encoded out = encode(&t);
    CHECK(out.ok);
    if (frames >= 9 && frames < 13) CHECK(out.starts[1] <= 8);
  }
}

static void test_short_look_aheads(void) {
  for (int32_t lag = MUZERO_RC_SHAPE_LAG_MIN; lag <= 24; lag += 6) {
    const muzero_rc_gop_shape shapes[] = {length(lag - 2), length(4), length(lag - 2)};
    trial t = trial_of(shapes, 3);
    t.settings.lag_in_frames = lag;
    const encoded out = encode(&t);
    CHECK(out.ok);
    CHECK_EQ(out.starts[1], lag - 2);
    CHECK_EQ(out.starts[2], lag + 2);
    CHECK_EQ(out.starts[3], 2 * lag);
  }
  trial t = trial_of(NULL, 0);
  const muzero_rc_gop_shape shape = length(4);
  t.shapes = &shape;
  t.shape_count = 1;
  t.settings.lag_in_frames = MUZERO_RC_SHAPE_LAG_MIN - 1;
  CHECK(!encode(&t).ok);
}

int main(void) {
  draw();
  test_lengths_come_as_asked();
  test_own_shapes_change_nothing();
  test_layers_change_from_gop_to_gop();
  test_a_key_frame_cuts_a_length();
  test_a_cut_that_is_foreseen();
  test_a_flush_keeps_its_alt_refs();
  test_a_static_scene_goes_its_own_way();
  test_short_clips();
  test_short_look_aheads();
  return check_result();
}
