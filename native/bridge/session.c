#define _GNU_SOURCE /* pthread_setname_np */
#include "bridge/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vpx/convert.h"
#include "vpx/image.h"
#include "vpx/first_pass_notes.h"
#include "vpx/thread.h"
#include "bridge/outputs.h"
#include "bridge/recorder.h"

struct muzero_rc_session {
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  const muzero_rc_libvpx *libvpx;
  muzero_rc_settings settings;
  void *blob; /* copy of the first pass's statistics; NULL: this is the first pass */
  size_t blob_size;
  int32_t blob_frames;
  muzero_rc_source *source;
  muzero_rc_recorder *recorder; /* NULL: libvpx's own rate control */
  muzero_rc_first_pass_notes *notes; /* NULL: not beside this pass */
  muzero_rc_event *ended; /* the end event, allocated before anything can fail */
  pthread_t thread;

  muzero_rc_outputs outputs;
  atomic_int frames; /* read so far */
  double encode_seconds;
  int error;
  char message[MUZERO_RC_ERROR_SIZE];
};

__attribute__((format(printf, 3, 4))) static int fail(muzero_rc_session *s, int error,
                                                      const char *format, ...) {
  if (s->error) return s->error; /* the first failure is the reason of the others */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s->message, sizeof(s->message), format, arguments);
  va_end(arguments);
  s->error = error;
  return error;
}

/* Says why libvpx stopped: our callback's reason when there is one. */
static int check(muzero_rc_session *s, vpx_codec_ctx_t *codec, vpx_codec_err_t status) {
  const int error = s->recorder ? muzero_rc_recorder_report(s->recorder).error : 0;
  if (error == -ECANCELED || muzero_rc_mailbox_cancelled(s->mailbox, s->slot))
    return fail(s, -ECANCELED, "cancelled");
  if (error == -EPROTO)
    return fail(s, error, "libvpx sent another clip or other statistics than it was given");
  if (error) return fail(s, error, "rate control failed: %s", strerror(-error));
  if (status == VPX_CODEC_OK) return 0;
  return fail(s, -EIO, "libvpx failed: %s", muzero_rc_libvpx_error(s->libvpx, codec));
}

/* A control that libvpx takes for another one succeeds and does nothing. */
static int check_asked(muzero_rc_session *s) {
  if (!s->recorder || atomic_load(&s->outputs.packets) == 0) return 0;
  if (muzero_rc_recorder_report(s->recorder).decisions > 0) return 0;
  return fail(s, -ENOTSUP, "libvpx asked for no decision: its own rate control ran");
}

/* Codes one frame, or with NULL those that libvpx holds back. Returns how many
 * packets came. */
static int encode(muzero_rc_session *s, vpx_codec_ctx_t *codec, const vpx_image_t *image) {
  const vpx_codec_pts_t pts = atomic_load(&s->frames);
  if (s->recorder && muzero_rc_recorder_before_encode(s->recorder, codec, image == NULL))
    return check(s, codec, VPX_CODEC_OK);
  const vpx_codec_err_t status =
      s->libvpx->encode(codec, image, pts, 1, 0, VPX_DL_GOOD_QUALITY);
  const int error = check(s, codec, status);
  if (error) return error;
  const int packets = muzero_rc_outputs_drain(&s->outputs, s->libvpx, codec, s->notes);
  if (packets < 0) return fail(s, packets, "out of memory");
  for (int64_t sse; s->recorder && muzero_rc_outputs_take_measured(&s->outputs, &sse);)
    muzero_rc_recorder_shown(s->recorder, sse);
  return check_asked(s) ? s->error : packets;
}

static int read_failure(muzero_rc_session *s, int error) {
  if (error == -ECANCELED) return fail(s, error, "cancelled");
  if (error == -EPROTO)
    return fail(s, error, "the source ends in the middle of frame %d",
                atomic_load(&s->frames) + 1);
  return fail(s, error, "reading the source failed: %s", strerror(-error));
}

static int encode_frames(muzero_rc_session *s, vpx_codec_ctx_t *codec) {
  const int32_t expected = s->blob ? s->blob_frames : INT32_MAX;
  const unsigned width = (unsigned)s->settings.width, height = (unsigned)s->settings.height;
  const uint8_t *frame = NULL;
  int got = 0;
  while ((got = muzero_rc_source_next(s->source, &frame)) > 0) {
    if (atomic_load(&s->frames) == expected)
      return fail(s, -EINVAL, "the source has more frames than the first pass saw (%d)",
                  (int)expected);
    const vpx_image_t image = muzero_rc_image_of(width, height, s->settings.bit_depth, frame);
    if (s->notes) muzero_rc_first_pass_notes_frame(s->notes, &image);
    got = encode(s, codec, &image);
    if (got < 0) return got;
    atomic_fetch_add(&s->frames, 1);
  }
  if (got < 0) return read_failure(s, got);
  if (atomic_load(&s->frames) == 0) return fail(s, -EINVAL, "the source has no frames");
  if (s->blob && atomic_load(&s->frames) != expected)
    return fail(s, -EINVAL, "the source has %d frames, but the first pass saw %d",
                atomic_load(&s->frames), (int)expected);
  do got = encode(s, codec, NULL);
  while (got > 0);
  return got;
}

static int run_pass(muzero_rc_session *s) {
  const vpx_fixed_buf_t stats = {.buf = s->blob, .sz = s->blob_size};
  vpx_codec_ctx_t codec;
  char message[MUZERO_RC_ERROR_SIZE];
  int error = muzero_rc_encoder_open(s->libvpx, &s->settings, stats, &codec, message,
                                     sizeof(message));
  if (error) return fail(s, error, "%s", message);
  if (!s->blob && s->settings.quick)
    s->notes = muzero_rc_first_pass_notes_open(s->libvpx, (unsigned)s->settings.width,
                                               (unsigned)s->settings.height,
                                               s->settings.bit_depth);
  if (s->recorder && muzero_rc_recorder_attach(s->recorder, &codec))
    error = check(s, &codec, VPX_CODEC_OK);
  if (!error) error = encode_frames(s, &codec);
  s->libvpx->destroy(&codec);
  muzero_rc_first_pass_notes_close(&s->notes);
  return error;
}

static double thread_cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *run_thread(void *argument) {
  muzero_rc_session *const s = argument;
  char name[16]; /* as long as Linux takes */
  snprintf(name, sizeof(name), "muzero-rc %d", (int)s->slot % 10000);
  pthread_setname_np(pthread_self(), name);
  const int error = run_pass(s);
  muzero_rc_source_finish(s->source);
  s->encode_seconds = thread_cpu_seconds();
  s->ended->slot = s->slot;
  s->ended->kind = error ? MUZERO_RC_EVENT_FAILED : MUZERO_RC_EVENT_DONE;
  muzero_rc_mailbox_end(s->mailbox, s->slot, s->ended);
  return NULL;
}

static void free_session(muzero_rc_session *s) {
  muzero_rc_recorder_close(&s->recorder);
  muzero_rc_source_close(&s->source);
  muzero_rc_outputs_close(&s->outputs);
  free(s->ended);
  free(s->blob);
  free(s);
}

static int copy_blob(muzero_rc_session *s, const muzero_rc_session_options *options) {
  if (!options->stats) return 0;
  s->blob_frames = muzero_rc_blob_frames(options->stats, options->stats_size,
                                         options->libvpx->release->stats_fields);
  if (s->blob_frames < 0) return s->blob_frames;
  s->blob = malloc(options->stats_size);
  if (!s->blob) return -ENOMEM;
  memcpy(s->blob, options->stats, options->stats_size);
  s->blob_size = options->stats_size;
  return 0;
}

int muzero_rc_session_open(muzero_rc_mailbox *mailbox, int32_t slot,
                           const muzero_rc_session_options *options, muzero_rc_source **source,
                           muzero_rc_session **session, char *message, size_t message_size) {
  *session = NULL;
  muzero_rc_session *const s = calloc(1, sizeof(*s));
  int error = s ? muzero_rc_outputs_open(&s->outputs, options->keep_packets) : -ENOMEM;
  if (error) {
    free(s);
    snprintf(message, message_size, "cannot start the encode: %s", strerror(-error));
    return error;
  }
  s->mailbox = mailbox;
  s->slot = slot;
  s->libvpx = options->libvpx;
  s->settings = options->settings;
  s->ended = calloc(1, muzero_rc_event_size());
  error = s->ended ? copy_blob(s, options) : -ENOMEM;
  if (!error && s->blob && options->mode != MUZERO_RC_MODE_LIBVPX)
    error = muzero_rc_recorder_open(mailbox, slot, options, &s->recorder);
  if (error) goto fail;
  s->source = *source;
  error = muzero_rc_thread_start(&s->thread, run_thread, s);
  if (error) {
    s->source = NULL;
    goto fail;
  }
  *source = NULL;
  *session = s;
  return 0;

fail:
  snprintf(message, message_size, "cannot start the encode: %s",
           error == -EINVAL   ? "not the statistics of a first pass by this libvpx, or an impossible clip"
           : error == -ERANGE ? "a GOP's shape is out of range, or the look-ahead too short for it"
                              : strerror(-error));
  free_session(s);
  return error;
}

void muzero_rc_session_cancel(muzero_rc_session *session) {
  muzero_rc_mailbox_cancel(session->mailbox, session->slot);
  muzero_rc_source_cancel(session->source);
}

void muzero_rc_session_close(muzero_rc_session **session) {
  if (!*session) return;
  pthread_join((*session)->thread, NULL);
  free_session(*session);
  *session = NULL;
}

muzero_rc_progress muzero_rc_session_progress(muzero_rc_session *s) {
  return (muzero_rc_progress){.frames = atomic_load(&s->frames),
                              .packets = atomic_load(&s->outputs.packets),
                              .packet_bytes = atomic_load(&s->outputs.packet_bytes)};
}

muzero_rc_outcome muzero_rc_session_outcome(const muzero_rc_session *s) {
  muzero_rc_report report = {0};
  if (s->recorder) report = muzero_rc_recorder_report(s->recorder);
  const int64_t wait_ns = s->recorder ? muzero_rc_recorder_wait_ns(s->recorder) : 0;
  return (muzero_rc_outcome){.ok = !s->error,
                             .error = s->message,
                             .frames = atomic_load(&s->frames),
                             .decisions = (int32_t)report.decisions,
                             .guarded = (int32_t)report.guarded,
                             .fallbacks = (int32_t)report.fallbacks,
                             .packet_bytes = atomic_load(&s->outputs.packet_bytes),
                             .encode_seconds = s->encode_seconds,
                             .wait_seconds = 1e-9 * (double)wait_ns};
}

const muzero_rc_array *muzero_rc_session_records(const muzero_rc_session *s) {
  static const muzero_rc_array NONE;
  return s->recorder ? muzero_rc_recorder_records(s->recorder) : &NONE;
}

const muzero_rc_array *muzero_rc_session_shapes(const muzero_rc_session *s) {
  static const muzero_rc_array NONE;
  return s->recorder ? muzero_rc_recorder_shapes(s->recorder) : &NONE;
}

int muzero_rc_session_question(const muzero_rc_session *s) {
  return s->recorder ? muzero_rc_recorder_question(s->recorder) : 0;
}

bool muzero_rc_session_takes(const muzero_rc_session *s, const muzero_rc_gop_shape *shape) {
  return muzero_rc_gop_shape_is_valid(shape, s->settings.lag_in_frames);
}

const muzero_rc_array *muzero_rc_session_shown(const muzero_rc_session *s) {
  return &s->outputs.shown;
}

const muzero_rc_array *muzero_rc_session_stats(const muzero_rc_session *s) {
  return &s->outputs.stats;
}

muzero_rc_array muzero_rc_session_take_packets(muzero_rc_session *s) {
  return muzero_rc_outputs_take_packets(&s->outputs);
}
