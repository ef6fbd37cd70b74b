/* Notes of probe encodes in first-pass statistics: what is written is read back,
 * anything else is no note, and libvpx's first pass gets one for every frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "system_libvpx.h"
#include "rate_control/probe_notes.h"
#include "rate_control/clip_state.h"
#include "vpx/convert.h"
#include "vpx/probe_encoder.h"

enum { WIDTH = 64, HEIGHT = 48, FRAMES = 12 };

static void test_what_is_noted_is_read(void) {
  const int64_t bits[][MUZERO_RC_PROBE_LEVELS] = {
      {1, 1}, {800, 72}, {1234567, 98765}, {0, 0}, {INT64_MAX, 1}};
  const float responses[] = {0.0f, 0.123f, -0.45f, 0.58f, -0.58f};
  const double before[] = {0.0, -0.0, 1.0, -3.5e-4, 1e12, INFINITY, NAN};
  for (size_t b = 0; b < sizeof(before) / sizeof(*before); ++b) {
    for (int32_t frame = 0; frame < 5; ++frame) {
      muzero_rc_frame_stats stats;
      muzero_rc_probe_note read;
      for (int i = 0; i < MUZERO_RC_STATS_FIELDS; ++i) stats.field[i] = before[b];
      const muzero_rc_probe_frame known = {{bits[frame][0], bits[frame][1]}, {responses[frame]}};
      muzero_rc_probe_note_write(&stats, frame, &known);
      CHECK(muzero_rc_probe_note_read(&stats, frame, &read));
      CHECK(fabsf(read.response[MUZERO_RC_PROBE_FINE_KEYS] - responses[frame]) < 0.3e-3f);
      for (int level = 0; level < MUZERO_RC_PROBE_LEVELS; ++level) {
        const double expected = fmin(fmax(log2((double)bits[frame][level]), 0.0), 4095.0 / 128.0);
        CHECK(fabs((double)read.log_bits[level] - expected) < 0.5 / 128.0 + 1e-4);
      }
      CHECK(!muzero_rc_probe_note_read(&stats, frame + 1, &read)); /* another frame's */
    }
  }
}

static void test_plain_statistics_have_no_notes(void) {
  int read_as_notes = 0;
  for (int32_t frame = 0; frame < 2000; ++frame) {
    muzero_rc_frame_stats stats = {{0}};
    muzero_rc_probe_note read;
    for (int i = 0; i < MUZERO_RC_STATS_FIELDS; ++i)
      stats.field[i] = 1000.0 * sin(0.37 * frame + i);
    read_as_notes += muzero_rc_probe_note_read(&stats, frame, &read);
  }
  CHECK_EQ(read_as_notes, 0);
}

static void test_one_frame_without_a_note_and_none_counts(void) {
  muzero_rc_frame_stats stats[FRAMES] = {{{0}}};
  muzero_rc_frame_traits traits[FRAMES];
  const muzero_rc_probe_frame known = {{4096, 256}, {0.25f}};
  for (int32_t frame = 0; frame < FRAMES; ++frame)
    muzero_rc_probe_note_write(&stats[frame], frame, &known);
  muzero_rc_frame_traits_fill(stats, FRAMES, traits);
  muzero_rc_clip_probe probe = muzero_rc_probe_fill(stats, FRAMES, 8.0f, traits);
  CHECK(probe.known);
  CHECK(fabsf(probe.mean[0] - 4.0f) < 1e-3f && fabsf(probe.mean[1]) < 1e-3f);
  CHECK(fabsf(probe.key[0] - 4.0f) < 1e-3f);
  const double sum = traits[FRAMES - 1].probe_sum[0] - traits[0].probe_sum[0];
  CHECK(fabs(sum - 16.0 * (FRAMES - 1)) < 1e-2);
  CHECK(fabsf(traits[4].response[MUZERO_RC_PROBE_FINE_KEYS] - 0.25f) < 1e-3f);
  stats[5].field[MUZERO_RC_STAT_ROW_VARIANCE] = 1.0;
  probe = muzero_rc_probe_fill(stats, FRAMES, 8.0f, traits);
  CHECK(!probe.known);
  CHECK(traits[4].probe[0] == 0.0f && traits[4].probe_sum[0] == 0.0);
  CHECK(traits[4].response[MUZERO_RC_PROBE_FINE_KEYS] == 0.0f);
}

static void test_a_frame_hours_into_a_film_is_still_seen(void) {
  enum { LONG = 400000 };
  muzero_rc_frame_stats *const stats = calloc(LONG, sizeof(*stats));
  muzero_rc_frame_traits *const traits = calloc(LONG, sizeof(*traits));
  const muzero_rc_probe_frame usual = {{4096, 256}, {0.0f}}, small = {{8, 8}, {0.0f}};
  if (!stats || !traits) abort();
  for (int32_t frame = 0; frame < LONG; ++frame)
    muzero_rc_probe_note_write(&stats[frame], frame, frame < LONG - 1 ? &usual : &small);
  muzero_rc_probe_fill(stats, LONG, 12.0f, traits);
  const muzero_rc_frame_span last = muzero_rc_frame_span_of(traits, LONG, LONG - 1, LONG - 1);
  free(traits);
  free(stats);
  CHECK(fabsf(last.probe - (3.0f - 12.0f)) < 1e-2f);
}

/* A probe that saves half of the bits at the same quality has gained an octave,
 * but no more than 0.58 counts; quality counts by what it costs between the levels. */
static void test_a_response_is_rate_at_the_same_quality(void) {
  const muzero_rc_probe_total levels[MUZERO_RC_PROBE_LEVELS] = {{8000.0, 40.0f}, {2000.0, 34.0f}};
  const struct {
    muzero_rc_probe_total probed;
    float response;
  } cases[] = {
      {{8000.0, 40.0f}, 0.0f},     {{8000.0, 40.3f}, 0.1f},  {{16000.0, 43.3f}, 0.1f},
      {{10000.0, 40.0f}, -0.322f}, {{2000.0, 40.0f}, 0.58f}, {{80000.0, 40.0f}, -0.58f}};
  for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); ++c)
    CHECK(fabsf(muzero_rc_probe_response(levels, &cases[c].probed) - cases[c].response) < 2e-3f);
  const muzero_rc_probe_total same[MUZERO_RC_PROBE_LEVELS] = {{100.0, 55.0f}, {100.0, 55.0f}};
  CHECK(fabsf(muzero_rc_probe_response(same, &same[0])) < 1e-3f);
}

/* The controller's qindex for the first frame of a clip that took so many bits a
 * frame in its probe encodes, whose probe had this response; 0 bits: of one without notes. */
static int32_t first_qindex(int64_t bits, float response) {
  const muzero_rc_clip clip = {
      .width = WIDTH, .height = HEIGHT, .frame_count = FRAMES, .target_kbps = 40};
  const muzero_rc_frame_request request = {.frame_type = MUZERO_RC_KEY};
  const muzero_rc_probe_frame known = {{bits, bits / 5}, {response}};
  muzero_rc_frame_stats stats[FRAMES] = {{{0}}};
  muzero_rc_clip_state *state = NULL;
  for (int32_t frame = 0; frame < FRAMES; ++frame) {
    stats[frame].field[MUZERO_RC_STAT_INTRA_ERROR] = 900.0;
    stats[frame].field[MUZERO_RC_STAT_CODED_ERROR] = 300.0;
    stats[frame].field[MUZERO_RC_STAT_NOISE] = 190.0; /* as usual, like the vectors */
    stats[frame].field[MUZERO_RC_STAT_VECTOR_ROW] = 22.0;
    stats[frame].field[MUZERO_RC_STAT_INTER] = 0.9;
    stats[frame].field[MUZERO_RC_STAT_DURATION] = 400000.0;
    if (bits) muzero_rc_probe_note_write(&stats[frame], frame, &known);
  }
  if (muzero_rc_clip_state_open(&clip, stats, &state)) return -1;
  muzero_rc_clip_state_begin(state, &request);
  const int32_t qindex = muzero_rc_clip_state_q_ref(state);
  muzero_rc_clip_state_close(&state);
  return qindex;
}

static void test_a_clip_that_took_more_is_begun_coarser(void) {
  const int32_t little = first_qindex(1000, 0.0f), much = first_qindex(4000, 0.0f);
  CHECK(little > 0 && first_qindex(0, 0.0f) > 0);
  CHECK(much > little);
}

static void test_a_key_frame_that_pays_is_coded_finer_within_limits(void) {
  const int32_t usual = first_qindex(1000, 0.0f);
  const int32_t pays = first_qindex(1000, 0.04f), wasted = first_qindex(1000, -0.04f);
  CHECK(pays < usual && usual < wasted);
  CHECK_EQ(first_qindex(1000, 0.3f), first_qindex(1000, 0.5f));
  CHECK_EQ(first_qindex(1000, -0.3f), first_qindex(1000, -0.5f));
  CHECK_EQ(first_qindex(0, 0.04f), first_qindex(0, 0.0f)); /* no notes, no evidence */
}

/* A response counts for the whole span, as far as the clip goes. */
static void test_a_response_is_read_where_its_span_ends(void) {
  muzero_rc_frame_traits traits[MUZERO_RC_PROBE_SPAN + FRAMES] = {{0}};
  const int32_t count = MUZERO_RC_PROBE_SPAN + FRAMES;
  traits[MUZERO_RC_PROBE_SPAN - 1].response[MUZERO_RC_PROBE_FINE_KEYS] = 0.25f;
  traits[count - 1].response[MUZERO_RC_PROBE_FINE_KEYS] = -0.5f;
  CHECK(muzero_rc_probe_response_at(traits, count, 0, 0) == 0.25f);
  CHECK(muzero_rc_probe_response_at(traits, count, 0, MUZERO_RC_PROBE_SPAN - 1) == 0.25f);
  CHECK(muzero_rc_probe_response_at(traits, count, 0, MUZERO_RC_PROBE_SPAN) == -0.5f);
}

static vpx_image_t *frame_of(int index) {
  vpx_image_t *const image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, WIDTH, HEIGHT, 1);
  if (!image) abort();
  for (int plane = 0; plane < 3; ++plane) {
    const int rows = plane ? HEIGHT / 2 : HEIGHT;
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < image->stride[plane]; ++x)
        image->planes[plane][y * image->stride[plane] + x] =
            (unsigned char)((x * (y + 3) + 5 * index) % 200);
  }
  return image;
}

static void test_a_probe_encode_notes_every_frame(void) {
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  muzero_rc_probe_encoder *probe = muzero_rc_probe_encoder_open(libvpx, WIDTH, HEIGHT, 8);
  char record[sizeof(muzero_rc_frame_stats) + 8];
  CHECK(probe);
  for (int index = 0; index < FRAMES; ++index) {
    vpx_image_t *const image = frame_of(index);
    muzero_rc_probe_encoder_frame(probe, image);
    vpx_img_free(image);
  }
  for (int index = 0; index <= FRAMES; ++index) { /* the last is the closing total */
    muzero_rc_frame_stats stats = {{(double)index, 1.0}};
    const vpx_fixed_buf_t packet = {.buf = record, .sz = sizeof(record)};
    muzero_rc_probe_note noted;
    memset(record, 0, sizeof(record));
    memcpy(record, &stats, sizeof(stats));
    muzero_rc_probe_encoder_note(probe, &packet);
    CHECK(muzero_rc_packet_stats(&packet, &stats));
    CHECK_EQ(muzero_rc_probe_note_read(&stats, index, &noted), index < FRAMES);
    if (index < FRAMES) CHECK(noted.log_bits[0] >= noted.log_bits[1] && noted.log_bits[1] > 3.0f);
  }
  muzero_rc_probe_encoder_close(&probe);
  CHECK(!probe);
  muzero_rc_probe_encoder_close(&probe);
}

/* Closing waits for the encoders at work; the caller's frame is its own again at once. */
static void test_a_frame_may_go_before_its_encode_is_over(void) {
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  muzero_rc_probe_note noted[2];
  for (int spoilt = 0; spoilt < 2; ++spoilt) {
    muzero_rc_probe_encoder *probe = muzero_rc_probe_encoder_open(libvpx, WIDTH, HEIGHT, 8);
    vpx_image_t *const image = frame_of(0);
    char record[sizeof(muzero_rc_frame_stats) + 8] = {0};
    const vpx_fixed_buf_t packet = {.buf = record, .sz = sizeof(record)};
    muzero_rc_frame_stats stats;
    CHECK(probe);
    muzero_rc_probe_encoder_frame(probe, image);
    if (spoilt) memset(image->planes[VPX_PLANE_Y], 77, (size_t)image->stride[VPX_PLANE_Y] * HEIGHT);
    muzero_rc_probe_encoder_note(probe, &packet);
    CHECK(muzero_rc_packet_stats(&packet, &stats));
    CHECK(muzero_rc_probe_note_read(&stats, 0, &noted[spoilt]));
    muzero_rc_probe_encoder_frame(probe, image);
    vpx_img_free(image);
    muzero_rc_probe_encoder_close(&probe);
  }
  CHECK(memcmp(&noted[0], &noted[1], sizeof(noted[0])) == 0);
}

static void test_another_size_ends_the_notes(void) {
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  muzero_rc_probe_encoder *probe = muzero_rc_probe_encoder_open(libvpx, WIDTH, HEIGHT + 2, 8);
  vpx_image_t *const image = frame_of(0);
  char record[sizeof(muzero_rc_frame_stats) + 8] = {0};
  const char before[sizeof(record)] = {0};
  const vpx_fixed_buf_t packet = {.buf = record, .sz = sizeof(record)};
  CHECK(probe);
  muzero_rc_probe_encoder_frame(probe, image);
  muzero_rc_probe_encoder_note(probe, &packet);
  CHECK(memcmp(record, before, sizeof(record)) == 0);
  vpx_img_free(image);
  muzero_rc_probe_encoder_close(&probe);
}

int main(void) {
  test_what_is_noted_is_read();
  test_plain_statistics_have_no_notes();
  test_one_frame_without_a_note_and_none_counts();
  test_a_frame_hours_into_a_film_is_still_seen();
  test_a_response_is_rate_at_the_same_quality();
  test_a_clip_that_took_more_is_begun_coarser();
  test_a_key_frame_that_pays_is_coded_finer_within_limits();
  test_a_response_is_read_where_its_span_ends();
  test_a_probe_encode_notes_every_frame();
  test_a_frame_may_go_before_its_encode_is_over();
  test_another_size_ends_the_notes();
  return check_result();
}
