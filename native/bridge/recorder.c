#include "bridge/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "features/feature_table.h"
#include "policy/model.h"
#include "vpx/callbacks.h"
#include "vpx/convert.h"
#include "vpx/gop_levers.h"

struct muzero_rc_recorder {
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  muzero_rc_clip clip;
  muzero_rc_frame_stats *stats; /* [clip.frame_count] */
  muzero_rc_model *model;       /* until the callbacks take it */
  muzero_rc_callbacks *callbacks;
  muzero_rc_event *event;   /* ASK */
  muzero_rc_gop_shape *shapes; /* [shape_count], NULL: the levers are left alone */
  int32_t shape_count;
  muzero_rc_gop_levers levers;
  muzero_rc_record pending; /* of the frame that libvpx codes now */
  bool is_pending;
  muzero_rc_array records;
  int64_t wait_ns;
  bool refused; /* libvpx takes no external rate control */
  int shape_error;
};

size_t muzero_rc_event_size(void) {
  return sizeof(muzero_rc_event) + (size_t)muzero_rc_step_features().count * sizeof(float);
}

static int copy_clip(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const int32_t frames = muzero_rc_blob_frames(options->stats_size);
  if (frames < 0) return frames;
  recorder->clip = (muzero_rc_clip){.width = options->settings.width,
                                    .height = options->settings.height,
                                    .frame_count = frames,
                                    .target_kbps = options->settings.target_kbps};
  recorder->stats = calloc((size_t)frames, sizeof(*recorder->stats));
  if (!recorder->stats) return -ENOMEM;
  muzero_rc_blob_stats(options->stats, frames, recorder->stats);
  return 0;
}

/* ASK: the decider is whoever takes the event. */
static int ask(void *self, const muzero_rc_clip_state *state,
               const muzero_rc_frame_request *request, muzero_rc_decision *decision) {
  muzero_rc_recorder *const recorder = self;
  muzero_rc_event *const event = recorder->event;
  event->slot = recorder->slot;
  event->kind = MUZERO_RC_EVENT_DECISION;
  event->frame_type = request->frame_type;
  event->show_index = request->show_index;
  event->coding_index = request->coding_index;
  event->gop_index = request->gop_index;
  memcpy(event->ref_coding_index, request->ref_coding_index, sizeof(event->ref_coding_index));
  memcpy(event->ref_valid, request->ref_valid, sizeof(event->ref_valid));
  event->layer = muzero_rc_clip_state_layer(state);
  event->q_ref = decision->q_ref;
  muzero_rc_observe_step(state, event->step);
  const int64_t start_ns = muzero_rc_now_ns();
  const int error =
      muzero_rc_mailbox_ask(recorder->mailbox, recorder->slot, event, &decision->asked);
  recorder->wait_ns += muzero_rc_now_ns() - start_ns;
  return error;
}

/* A list's next shape; after its end libvpx's own. */
static int listed_shape(void *self, const muzero_rc_shape_question *question,
                        muzero_rc_gop_shape *shape) {
  const muzero_rc_recorder *const recorder = self;
  if (question->gop_index < recorder->shape_count) *shape = recorder->shapes[question->gop_index];
  return 0;
}

static int open_levers(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const muzero_rc_settings *const settings = &options->settings;
  const muzero_rc_libvpx libvpx = muzero_rc_libvpx_linked();
  const muzero_rc_gop_shape own = {.layers = settings->auto_alt_ref,
                                   .strength = settings->arnr_strength,
                                   .frames = settings->arnr_max_frames};
  if (!options->shapes) return 0;
  if (settings->lag_in_frames < MUZERO_RC_SHAPE_LAG_MIN) return -ERANGE;
  for (int32_t i = 0; i < options->shape_count; ++i)
    if (!muzero_rc_gop_shape_is_valid(&options->shapes[i], settings->lag_in_frames)) return -ERANGE;
  const size_t count = (size_t)options->shape_count;
  recorder->shapes = calloc(count ? count : 1, sizeof(*recorder->shapes));
  if (!recorder->shapes) return -ENOMEM;
  if (count) memcpy(recorder->shapes, options->shapes, count * sizeof(*recorder->shapes));
  recorder->shape_count = options->shape_count;
  muzero_rc_gop_levers_init(&recorder->levers, &libvpx,
                            (muzero_rc_shaper){listed_shape, recorder}, settings->lag_in_frames,
                            recorder->clip.frame_count, own);
  return 0;
}

static int open_model(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const muzero_rc_decider outside = {ask, recorder};
  const int error =
      options->mode == MUZERO_RC_MODE_ASK
          ? muzero_rc_model_open_with(outside, &recorder->clip, recorder->stats, &recorder->model)
          : muzero_rc_model_open(options->policy, &recorder->clip, recorder->stats,
                                 &recorder->model);
  if (!error) muzero_rc_model_set_guard(recorder->model, options->guard);
  return error;
}

/* Python computes features from the blob, the plugin from this callback: they
 * must be the same numbers. */
static int hand_over_model(void *self, const muzero_rc_clip *clip,
                           const muzero_rc_frame_stats *stats, muzero_rc_model **model) {
  muzero_rc_recorder *const recorder = self;
  const size_t size = (size_t)recorder->clip.frame_count * sizeof(*stats);
  if (!recorder->model || memcmp(clip, &recorder->clip, sizeof(*clip)) ||
      memcmp(stats, recorder->stats, size))
    return -EPROTO;
  *model = recorder->model;
  recorder->model = NULL;
  return 0;
}

static int decided(void *self, const muzero_rc_frame_request *request,
                   const muzero_rc_model *model, const muzero_rc_decision *decision) {
  muzero_rc_recorder *const recorder = self;
  muzero_rc_record *const pending = &recorder->pending;
  *pending = (muzero_rc_record){.frame_type = request->frame_type,
                                .show_index = request->show_index,
                                .coding_index = request->coding_index,
                                .gop_index = request->gop_index,
                                .layer = muzero_rc_clip_state_layer(muzero_rc_model_state(model)),
                                .q_ref = decision->q_ref,
                                .asked = decision->asked,
                                .fallback = decision->fallback};
  memcpy(pending->ref_coding_index, request->ref_coding_index, sizeof(pending->ref_coding_index));
  memcpy(pending->ref_valid, request->ref_valid, sizeof(pending->ref_valid));
  recorder->is_pending = true;
  /* A policy never sleeps in the mailbox, where an encode that asks is told. */
  return muzero_rc_mailbox_cancelled(recorder->mailbox, recorder->slot) ? -ECANCELED : 0;
}

static int coded(void *self, const muzero_rc_frame_result *result) {
  muzero_rc_recorder *const recorder = self;
  const muzero_rc_record show_existing = {
      .frame_type = -1, .show_index = -1, .coding_index = -1, .gop_index = -1};
  muzero_rc_record record = recorder->is_pending ? recorder->pending : show_existing;
  record.qindex = result->qindex;
  record.sse = result->sse;
  record.bits = result->bits;
  record.pixels = result->pixels;
  recorder->is_pending = false;
  return muzero_rc_array_append(&recorder->records, sizeof(record), &record, 1);
}

int muzero_rc_recorder_open(muzero_rc_mailbox *mailbox, int32_t slot,
                            const muzero_rc_session_options *options, muzero_rc_recorder **out) {
  *out = NULL;
  muzero_rc_recorder *recorder = calloc(1, sizeof(*recorder));
  if (!recorder) return -ENOMEM;
  const muzero_rc_callbacks_owner owner = {
      .self = recorder, .open_model = hand_over_model, .decided = decided, .coded = coded};
  recorder->mailbox = mailbox;
  recorder->slot = slot;
  recorder->event = calloc(1, muzero_rc_event_size());
  int error = recorder->event ? copy_clip(recorder, options) : -ENOMEM;
  if (!error) error = open_levers(recorder, options);
  if (!error) error = open_model(recorder, options);
  if (!error) error = muzero_rc_callbacks_open(&owner, &recorder->callbacks);
  if (error)
    muzero_rc_recorder_close(&recorder);
  else
    *out = recorder;
  return error;
}

void muzero_rc_recorder_close(muzero_rc_recorder **out) {
  muzero_rc_recorder *const recorder = *out;
  if (!recorder) return;
  *out = NULL;
  muzero_rc_callbacks_close(&recorder->callbacks);
  muzero_rc_model_close(&recorder->model);
  muzero_rc_array_close(&recorder->records);
  free(recorder->shapes);
  free(recorder->event);
  free(recorder->stats);
  free(recorder);
}

int muzero_rc_recorder_attach(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec) {
  vpx_rc_funcs_t funcs = muzero_rc_callbacks_funcs(recorder->callbacks);
  if (vpx_codec_control(codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &funcs)) recorder->refused = true;
  return muzero_rc_recorder_report(recorder).error;
}

int muzero_rc_recorder_before_encode(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec,
                                     bool flush) {
  if (!recorder->shapes) return 0;
  const muzero_rc_gop_tracker *const gops = muzero_rc_callbacks_gops(recorder->callbacks);
  const int error = muzero_rc_gop_levers_before_encode(&recorder->levers, codec, gops, flush);
  if (!recorder->shape_error) recorder->shape_error = error;
  return error;
}

muzero_rc_report muzero_rc_recorder_report(const muzero_rc_recorder *recorder) {
  muzero_rc_report report = muzero_rc_callbacks_report(recorder->callbacks);
  if (recorder->shape_error && !report.error) report.error = recorder->shape_error;
  if (recorder->refused && !report.error) report.error = -ENOTSUP;
  return report;
}

int64_t muzero_rc_recorder_wait_ns(const muzero_rc_recorder *recorder) {
  return recorder->wait_ns;
}

const muzero_rc_array *muzero_rc_recorder_records(const muzero_rc_recorder *recorder) {
  return &recorder->records;
}
