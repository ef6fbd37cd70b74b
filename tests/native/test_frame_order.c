/* The order of frames rebuilt from questions by index, against a libvpx that tells it, and by hand. */
#include <stdlib.h>
#include <string.h>

#include "bridge/pool.h"
#include "check.h"
#include "common/clock.h"
#include "rate_control/frame_traits.h"
#include "system_libvpx.h"
#include "vpx/convert.h"
#include "vpx/frame_order.h"

enum { WIDTH = 64, HEIGHT = 48, FRAMES = 75, FRAME_BYTES = WIDTH * HEIGHT * 3 / 2 };

static const int64_t LONG_NS = 900LL * 1000000000; /* only a hang takes so long */

/* ---- Against libvpx ------------------------------------------------------------------------ */

/* Textures that move; another one from each multiple of `scene` on. */
static uint8_t *make_frames(int scene) {
  uint8_t *const frames = malloc(FRAMES * FRAME_BYTES);
  uint8_t *pixel = frames;
  for (int t = 0; t < FRAMES; ++t) {
    const int shot = scene ? t / scene : 0;
    for (int y = 0; y < HEIGHT; ++y)
      for (int x = 0; x < WIDTH; ++x)
        *pixel++ = (uint8_t)(((x + 2 * t) * (37 + 10 * shot) ^ y * (91 - 20 * shot)) % 61 * 3 +
                             (x + t) % 64);
    memset(pixel, 128 - 30 * (shot % 3), FRAME_BYTES - WIDTH * HEIGHT);
    pixel += FRAME_BYTES - WIDTH * HEIGHT;
  }
  return frames;
}

typedef struct told {
  muzero_rc_record *records;
  size_t count;
  muzero_rc_frame_stats *stats;
} told;

static void run(muzero_rc_pool *pool, const uint8_t *frames,
                const muzero_rc_session_options *options) {
  char error[MUZERO_RC_ERROR_SIZE] = "";
  muzero_rc_source *source = NULL;
  muzero_rc_source_open_memory(frames, FRAMES * FRAME_BYTES, FRAME_BYTES, &source);
  CHECK_EQ(muzero_rc_pool_start(pool, 0, options, &source, error, sizeof(error)), 0);
  muzero_rc_mailbox_join(muzero_rc_pool_mailbox(pool), 0, muzero_rc_now_ns() + LONG_NS);
  CHECK(muzero_rc_session_outcome(muzero_rc_pool_session(pool, 0)).ok);
}

/* What libvpx tells of the frames of an encode under the controller. */
static void encode(const muzero_rc_settings *settings, int scene, told *out) {
  muzero_rc_session_options options = {
      .libvpx = system_libvpx(), .settings = *settings, .mode = MUZERO_RC_MODE_LIBVPX};
  const int fields = options.libvpx->release->stats_fields;
  uint8_t *const frames = make_frames(scene);
  muzero_rc_pool *pool = NULL;
  muzero_rc_policy *policy = NULL;
  CHECK_EQ(muzero_rc_pool_open(1, &pool), 0);
  CHECK_EQ(muzero_rc_policy_open("controller", &policy, NULL, 0), 0);
  run(pool, frames, &options);
  const muzero_rc_array *const first = muzero_rc_session_stats(muzero_rc_pool_session(pool, 0));
  void *const blob = malloc(first->count);
  memcpy(blob, first->data, first->count);
  options.stats = blob;
  options.stats_size = first->count;
  options.mode = MUZERO_RC_MODE_POLICY;
  options.policy = policy;
  run(pool, frames, &options);
  const muzero_rc_array *const records =
      muzero_rc_session_records(muzero_rc_pool_session(pool, 0));
  *out = (told){.records = malloc(records->count * sizeof(muzero_rc_record)),
                .count = records->count,
                .stats = calloc(FRAMES, sizeof(muzero_rc_frame_stats))};
  memcpy(out->records, records->data, records->count * sizeof(muzero_rc_record));
  CHECK_EQ(muzero_rc_blob_frames(blob, options.stats_size, fields), FRAMES);
  muzero_rc_blob_stats(blob, FRAMES, fields, out->stats);
  muzero_rc_pool_close(&pool);
  muzero_rc_policy_close(&policy);
  free(blob);
  free(frames);
}

/* Entries of the GOP whose alt-ref is record `first`: up to the record that shows it, or that
 * begins another GOP. */
static int32_t entries_from(const told *t, size_t first) {
  int32_t waiting = 0, entries = 1;
  for (size_t i = first; i < t->count; ++i, ++entries) {
    const muzero_rc_record *const record = &t->records[i];
    if (record->frame_type == MUZERO_RC_ALTREF) ++waiting;
    if (record->frame_type >= 0 && record->gop_index == 0) break;
    if (record->frame_type < 0 && --waiting == 0) break;
  }
  return entries;
}

static bool is_same(const muzero_rc_frame_request *request, const muzero_rc_record *record) {
  bool same = request->frame_type == record->frame_type &&
              request->show_index == record->show_index &&
              request->coding_index == record->coding_index &&
              request->gop_index == record->gop_index;
  for (int i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    same = same && request->ref_valid[i] == record->ref_valid[i];
    if (request->ref_valid[i])
      same = same && request->ref_coding_index[i] == record->ref_coding_index[i];
  }
  return same;
}

/* Asks as libvpx 1.15 would, of the frames of `t`. */
static void check_order(const told *t, const muzero_rc_settings *settings) {
  const muzero_rc_clip clip = {.width = WIDTH, .height = HEIGHT, .frame_count = FRAMES};
  muzero_rc_order_settings gops = muzero_rc_order_settings_default();
  muzero_rc_frame_order order = {0};
  muzero_rc_frame_request request;
  int different = 0, guessed = 0, unmeant = 0;
  gops.layers = settings->auto_alt_ref;
  gops.kf_max_dist = settings->kf_max_dist;
  CHECK_EQ(muzero_rc_frame_order_open(&order, &clip, &gops, t->stats), 0);
  for (size_t i = 0; i < t->count; ++i) {
    const muzero_rc_record *const record = &t->records[i];
    if (record->frame_type == MUZERO_RC_ALTREF && record->gop_index == 1) {
      const int32_t entries = entries_from(t, i);
      for (int32_t ahead = 1; ahead < entries; ++ahead)
        unmeant += muzero_rc_frame_order_ask(&order, ahead, &request);
    }
    if (record->frame_type >= 0 && muzero_rc_frame_order_ask(&order, record->gop_index, &request))
      different += !is_same(&request, record);
    const muzero_rc_coded_frame coded = muzero_rc_frame_order_result(&order, record->qindex);
    guessed += coded.was_guessed;
    CHECK_EQ(coded.is_shown, record->frame_type != MUZERO_RC_ALTREF);
    CHECK_EQ(coded.request.coding_index < 0, record->frame_type < 0);
  }
  CHECK_EQ(different, 0);
  CHECK_EQ(guessed, 0);
  CHECK_EQ(unmeant, 0);
  muzero_rc_frame_order_close(&order);
}

static void test_the_order_is_the_one_that_libvpx_tells(void) {
  const struct {
    int32_t auto_alt_ref, kf_max_dist;
    int scene;
  } cases[] = {{6, 128, 0}, {6, 128, 25}, {6, 17, 0}, {2, 128, 31}, {1, 128, 22}, {0, 128, 40}};
  if (system_libvpx()->release->layout->by_index) return; /* it does not tell */
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
    muzero_rc_settings settings = muzero_rc_settings_default();
    settings.width = WIDTH;
    settings.height = HEIGHT;
    settings.target_kbps = 120;
    settings.cpu_used = 5;
    settings.quick = 0;
    settings.auto_alt_ref = cases[i].auto_alt_ref;
    settings.kf_max_dist = cases[i].kf_max_dist;
    told t = {0};
    encode(&settings, cases[i].scene, &t);
    CHECK(t.records && t.stats);
    check_order(&t, &settings);
    free(t.records);
    free(t.stats);
  }
}

/* ---- By hand ------------------------------------------------------------------------------- */

/* A clip of 40 frames in which everything moves a little; `still` from there on. */
static muzero_rc_frame_order made_up(int32_t still) {
  enum { COUNT = 40 };
  const muzero_rc_clip clip = {.width = 64, .height = 64, .frame_count = COUNT};
  muzero_rc_frame_stats stats[COUNT] = {0};
  const muzero_rc_order_settings settings = muzero_rc_order_settings_default();
  muzero_rc_frame_order order = {0};
  for (int i = 0; i < COUNT; ++i) {
    stats[i].field[MUZERO_RC_STAT_FRAME] = i;
    stats[i].field[MUZERO_RC_STAT_INTRA_ERROR] = 4000.0;
    stats[i].field[MUZERO_RC_STAT_CODED_ERROR] = 300.0;
    stats[i].field[MUZERO_RC_STAT_SECOND_REF_ERROR] = 310.0;
    stats[i].field[MUZERO_RC_STAT_INTER] = 1.0;
    stats[i].field[MUZERO_RC_STAT_MOTION] = i < still ? 0.5 : 0.0;
    stats[i].field[MUZERO_RC_STAT_DURATION] = 333333.0;
  }
  if (muzero_rc_frame_order_open(&order, &clip, &settings, stats)) abort();
  return order;
}

static muzero_rc_frame_request asked(muzero_rc_frame_order *order, int32_t index) {
  muzero_rc_frame_request request = {.frame_type = -1};
  if (!muzero_rc_frame_order_ask(order, index, &request)) request.frame_type = -2; /* ahead */
  (void)muzero_rc_frame_order_result(order, 100 + index);
  return request;
}

static void test_the_length_shows_in_the_questions_ahead(void) {
  muzero_rc_frame_order order = made_up(40);
  muzero_rc_frame_request request;
  CHECK_EQ(asked(&order, 0).frame_type, MUZERO_RC_KEY);
  /* 16 frames: halved three times, with seven more alt-refs. */
  for (int32_t ahead = 1; ahead <= 23; ++ahead) {
    CHECK(!muzero_rc_frame_order_ask(&order, ahead, &request));
    CHECK_EQ(muzero_rc_frame_order_guess(&order, ahead), 100);
  }
  const int32_t shown[] = {16, 8, 4, 2, 1}; /* all but the last hidden */
  for (int32_t i = 0; i < 5; ++i) {
    request = asked(&order, i + 1);
    CHECK_EQ(request.show_index, shown[i]);
    CHECK_EQ(request.coding_index, i + 1);
    CHECK_EQ(request.frame_type, i < 4 ? MUZERO_RC_ALTREF : MUZERO_RC_INTER);
  }
  const muzero_rc_coded_frame again = muzero_rc_frame_order_result(&order, 99);
  CHECK(again.is_shown && again.request.coding_index < 0);
  request = asked(&order, 7); /* frame 3, between 2 and 4 */
  CHECK_EQ(request.show_index, 3);
  CHECK_EQ(request.ref_coding_index[0], 4);
  CHECK_EQ(request.ref_coding_index[2], 3);
  muzero_rc_frame_order_close(&order);
}

static void test_a_static_gop_has_no_alt_ref(void) {
  muzero_rc_frame_order order = made_up(0);
  CHECK_EQ(asked(&order, 0).frame_type, MUZERO_RC_KEY);
  for (int32_t i = 1; i < 30; ++i) {
    const muzero_rc_frame_request request = asked(&order, i);
    CHECK_EQ(request.frame_type, MUZERO_RC_INTER);
    CHECK_EQ(request.show_index, i);
  }
  const muzero_rc_frame_request golden = asked(&order, 0);
  CHECK_EQ(golden.frame_type, MUZERO_RC_GOLDEN);
  CHECK_EQ(golden.show_index, 30);
  muzero_rc_frame_order_close(&order);
}

/* Foretold with an alt-ref, coded without: it is guessed once, and told afterwards. */
static void test_a_wrong_forecast_is_made_good(void) {
  muzero_rc_frame_order order = made_up(40);
  muzero_rc_frame_request request;
  (void)asked(&order, 0);
  CHECK(!muzero_rc_frame_order_ask(&order, 1, &request));
  const muzero_rc_coded_frame coded = muzero_rc_frame_order_result(&order, 100);
  CHECK(coded.was_guessed && coded.is_shown);
  CHECK_EQ(coded.request.show_index, 1);
  CHECK_EQ(coded.request.frame_type, MUZERO_RC_INTER);
  CHECK_EQ(asked(&order, 2).show_index, 2);
  /* The other way round: taken for a frame, and asked ahead. */
  CHECK_EQ(asked(&order, 0).show_index, 3);
  CHECK(muzero_rc_frame_order_ask(&order, 1, &request));
  CHECK(!muzero_rc_frame_order_ask(&order, 2, &request));
  CHECK(!muzero_rc_frame_order_ask(&order, 3, &request));
  CHECK(!muzero_rc_frame_order_ask(&order, 4, &request));
  request = asked(&order, 1);
  CHECK_EQ(request.frame_type, MUZERO_RC_ALTREF);
  CHECK_EQ(request.show_index, 3 + 4);
  muzero_rc_frame_order_close(&order);
}

static void test_an_early_first_entry_is_a_forced_key_frame(void) {
  muzero_rc_frame_order order = made_up(40);
  muzero_rc_frame_request request;
  (void)asked(&order, 0);
  for (int32_t ahead = 1; ahead <= 23; ++ahead)
    (void)muzero_rc_frame_order_ask(&order, ahead, &request);
  for (int32_t i = 1; i <= 5; ++i) (void)asked(&order, i);
  (void)muzero_rc_frame_order_result(&order, 99); /* frame 2 is shown */
  request = asked(&order, 0);
  CHECK_EQ(request.frame_type, MUZERO_RC_KEY);
  CHECK_EQ(request.show_index, 3);
  CHECK_EQ(request.ref_valid[0], 0);
  muzero_rc_frame_order_close(&order);
}

int main(void) {
  test_the_order_is_the_one_that_libvpx_tells();
  test_the_length_shows_in_the_questions_ahead();
  test_a_static_gop_has_no_alt_ref();
  test_a_wrong_forecast_is_made_good();
  test_an_early_first_entry_is_a_forced_key_frame();
  return check_result();
}
