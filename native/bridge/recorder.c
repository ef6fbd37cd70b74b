#include "bridge/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/asker.h"
#include "policy/model.h"
#include "vpx/callbacks.h"
#include "vpx/convert.h"

struct muzero_rc_recorder {
  const muzero_rc_libvpx *libvpx;
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  muzero_rc_clip clip;
  muzero_rc_frame_stats *stats; /* [clip.frame_count] */
  muzero_rc_model *model;       /* until the callbacks take it */
  muzero_rc_callbacks *callbacks;
  muzero_rc_asker asker;
  muzero_rc_gop_shape *shapes; /* [shape_count], the plan; NULL: none */
  int32_t shape_count;
  muzero_rc_record pending; /* of the frame that libvpx codes now */
  bool is_pending;
  muzero_rc_array records;
  muzero_rc_array asked; /* shapes */
  bool refused; /* libvpx takes no external rate control */
  int error;    /* between encode calls */
};

static int copy_clip(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const int fields = options->libvpx->release->stats_fields;
  const int32_t frames = muzero_rc_blob_frames(options->stats, options->stats_size, fields);
  if (frames < 0) return frames;
  recorder->clip = (muzero_rc_clip){.width = options->settings.width,
                                    .height = options->settings.height,
                                    .frame_count = frames,
                                    .target_kbps = options->settings.target_kbps,
                                    .bit_depth = options->settings.bit_depth,
                                    .error_depth = options->settings.bit_depth};
  recorder->stats = calloc((size_t)frames, sizeof(*recorder->stats));
  if (!recorder->stats) return -ENOMEM;
  muzero_rc_blob_stats(options->stats, frames, fields, recorder->stats);
  return 0;
}

static int copy_shapes(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const size_t count = (size_t)options->shape_count;
  if ((options->shapes || options->ask_shapes) &&
      options->settings.lag_in_frames < MUZERO_RC_SHAPE_LAG_MIN)
    return -ERANGE;
  if (!options->shapes) return 0;
  for (size_t i = 0; i < count; ++i)
    if (!muzero_rc_gop_shape_is_valid(&options->shapes[i], options->settings.lag_in_frames))
      return -ERANGE;
  recorder->shapes = calloc(count ? count : 1, sizeof(*recorder->shapes));
  if (!recorder->shapes) return -ENOMEM;
  if (count) memcpy(recorder->shapes, options->shapes, count * sizeof(*recorder->shapes));
  recorder->shape_count = options->shape_count;
  return 0;
}

/* The film's statistics; the caller frees them. */
static int copy_film(const muzero_rc_session_options *options, muzero_rc_film_part *part,
                     muzero_rc_frame_stats **stats) {
  const int fields = options->libvpx->release->stats_fields;
  const int32_t frames = muzero_rc_blob_frames(options->film, options->film_size, fields);
  if (frames < 0) return frames;
  *stats = calloc((size_t)frames, sizeof(**stats));
  if (!*stats) return -ENOMEM;
  muzero_rc_blob_stats(options->film, frames, fields, *stats);
  *part = (muzero_rc_film_part){.stats = *stats,
                                .frame_count = frames,
                                .first = options->film_first,
                                .target_bits = options->film_bits};
  return 0;
}

static int open_model(muzero_rc_recorder *recorder, const muzero_rc_session_options *options) {
  const bool asks = options->mode == MUZERO_RC_MODE_ASK;
  const muzero_rc_policy *const policy = asks ? NULL : options->policy;
  const muzero_rc_decider decider = {.decide = asks ? muzero_rc_ask_qindex : NULL,
                                     .self = asks ? &recorder->asker : NULL};
  muzero_rc_film_part part;
  muzero_rc_frame_stats *film = NULL;
  int error = options->film ? copy_film(options, &part, &film) : 0;
  if (!error)
    error = muzero_rc_model_open_part(policy, decider, &recorder->clip, recorder->stats,
                                      film ? &part : NULL, &recorder->model);
  free(film);
  if (error) return error;
  const muzero_rc_peak peak = {.max_kbps = options->settings.max_kbps,
                               .buffer_kbits = options->settings.buffer_kbits};
  if (peak.max_kbps) error = muzero_rc_model_set_peak(recorder->model, &peak);
  if (error) return error;
  muzero_rc_model_set_guard(recorder->model, options->guard);
  if (options->ask_shapes)
    muzero_rc_model_set_shaper(recorder->model, muzero_rc_ask_shape, &recorder->asker);
  if (recorder->shapes)
    muzero_rc_model_plan(recorder->model, recorder->shapes, recorder->shape_count);
  return 0;
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
  const muzero_rc_clip_state *const state = muzero_rc_model_state(model);
  *pending = (muzero_rc_record){.frame_type = request->frame_type,
                                .show_index = request->show_index,
                                .coding_index = request->coding_index,
                                .gop_index = request->gop_index,
                                .layer = muzero_rc_clip_state_layer(state),
                                .q_ref = decision->q_ref,
                                .asked = decision->asked,
                                .fallback = decision->fallback,
                                .planned = muzero_rc_clip_state_planned(state)};
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
  record.pixels = (int32_t)result->pixels;
  recorder->is_pending = false;
  return muzero_rc_array_append(&recorder->records, sizeof(record), &record, 1);
}

/* The error of a frame whose result came without. */
static void measured(void *self, int64_t result, int64_t sse) {
  const muzero_rc_recorder *const recorder = self;
  const int64_t count = (int64_t)recorder->records.count;
  if (result >= count) return;
  muzero_rc_record *const record = (muzero_rc_record *)recorder->records.data + result;
  record->sse = sse;
  record->sse_after = (int32_t)(count - result);
}

static void set_order(muzero_rc_recorder *recorder, const muzero_rc_settings *settings) {
  muzero_rc_order_settings order = muzero_rc_order_settings_default();
  order.layers = settings->auto_alt_ref;
  order.lag_in_frames = settings->lag_in_frames;
  order.kf_max_dist = settings->kf_max_dist;
  order.places_key_frames = settings->kf_max_dist != 0; /* libvpx's kf_min_dist is 0 */
  order.tpl = settings->tpl != 0;
  muzero_rc_callbacks_set_order(recorder->callbacks, &order);
}

static int prepare(muzero_rc_recorder *recorder, const muzero_rc_settings *settings) {
  const muzero_rc_gop_settings gops = {.lag = settings->lag_in_frames,
                                       .frame_count = recorder->clip.frame_count,
                                       .kf_max_dist = settings->kf_max_dist,
                                       .auto_alt_ref = settings->auto_alt_ref,
                                       .arnr_strength = settings->arnr_strength,
                                       .arnr_max_frames = settings->arnr_max_frames,
                                       .best_strength =
                                           recorder->libvpx->release->filter_strength};
  const int error = muzero_rc_callbacks_prepare(recorder->callbacks, &recorder->clip,
                                                recorder->stats, &gops);
  if (!error && muzero_rc_filter_spoils(recorder->libvpx->release, settings->bit_depth))
    muzero_rc_callbacks_keep(recorder->callbacks, false, false, true);
  return error;
}

int muzero_rc_recorder_open(muzero_rc_mailbox *mailbox, int32_t slot,
                            const muzero_rc_session_options *options, muzero_rc_recorder **out) {
  *out = NULL;
  muzero_rc_recorder *recorder = calloc(1, sizeof(*recorder));
  if (!recorder) return -ENOMEM;
  const muzero_rc_callbacks_owner owner = {.self = recorder,
                                           .open_model = hand_over_model,
                                           .decided = decided,
                                           .coded = coded,
                                           .measured = measured};
  recorder->libvpx = options->libvpx;
  recorder->mailbox = mailbox;
  recorder->slot = slot;
  int error = muzero_rc_asker_open(&recorder->asker, mailbox, slot);
  if (!error) error = copy_clip(recorder, options);
  if (!error) error = copy_shapes(recorder, options);
  if (!error) error = open_model(recorder, options);
  if (!error) error = muzero_rc_callbacks_open(&owner, &recorder->callbacks);
  if (!error) set_order(recorder, &options->settings);
  if (!error)
    muzero_rc_callbacks_set_depth(recorder->callbacks, recorder->clip.bit_depth,
                                  recorder->clip.error_depth);
  if (!error) error = prepare(recorder, &options->settings);
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
  muzero_rc_array_close(&recorder->asked);
  muzero_rc_asker_close(&recorder->asker);
  free(recorder->shapes);
  free(recorder->stats);
  free(recorder);
}

int muzero_rc_recorder_attach(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec) {
  const muzero_rc_release *const release = recorder->libvpx->release;
  muzero_rc_vpx_funcs funcs;
  release->layout->fill(recorder->callbacks, &funcs);
  if (recorder->libvpx->control(codec, release->control_id, &funcs)) recorder->refused = true;
  return muzero_rc_recorder_report(recorder).error;
}

/* A GOP that nobody was asked about has libvpx's own shape. */
static int note_shape(muzero_rc_recorder *recorder) {
  const muzero_rc_gop_levers *const levers = muzero_rc_callbacks_levers(recorder->callbacks);
  const muzero_rc_gop_shape own = MUZERO_RC_OWN_SHAPE;
  int error = 0;
  while (!error && (int32_t)recorder->asked.count < levers->answered) {
    const bool is_last = (int32_t)recorder->asked.count == levers->answered - 1;
    const muzero_rc_gop_shape *const shape = is_last ? &levers->asked : &own;
    error = muzero_rc_array_append(&recorder->asked, sizeof(own), shape, 1);
  }
  return error;
}

int muzero_rc_recorder_before_encode(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec,
                                     bool flush) {
  int error =
      muzero_rc_callbacks_before_encode(recorder->callbacks, recorder->libvpx, codec, flush);
  if (!error) error = note_shape(recorder);
  if (!recorder->error) recorder->error = error;
  return error;
}

void muzero_rc_recorder_shown(muzero_rc_recorder *recorder, int64_t sse) {
  muzero_rc_callbacks_shown(recorder->callbacks, sse);
}

muzero_rc_report muzero_rc_recorder_report(const muzero_rc_recorder *recorder) {
  muzero_rc_report report = muzero_rc_callbacks_report(recorder->callbacks);
  if (recorder->error && !report.error) report.error = recorder->error;
  if (recorder->refused && !report.error) report.error = -ENOTSUP;
  return report;
}

int64_t muzero_rc_recorder_wait_ns(const muzero_rc_recorder *recorder) {
  return recorder->asker.wait_ns;
}

const muzero_rc_array *muzero_rc_recorder_records(const muzero_rc_recorder *recorder) {
  return &recorder->records;
}

const muzero_rc_array *muzero_rc_recorder_shapes(const muzero_rc_recorder *recorder) {
  return &recorder->asked;
}

int muzero_rc_recorder_question(const muzero_rc_recorder *recorder) {
  return atomic_load(&recorder->asker.kind);
}
