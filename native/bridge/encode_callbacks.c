#include "bridge/encode_callbacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "features/feature_table.h"
#include "policy/model.h"
#include "rate_control/clip_state.h"
#include "vpx/convert.h"

struct muzero_rc_hook {
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  bool guard;
  muzero_rc_clip clip;
  muzero_rc_frame_stats *stats; /* [clip.frame_count] */
  muzero_rc_clip_state *own_state; /* ASK */
  muzero_rc_model *model;       /* POLICY */
  const muzero_rc_clip_state *state; /* whichever of the two is at work */
  muzero_rc_event *event;
  muzero_rc_record pending; /* of the frame that libvpx codes now */
  bool is_pending;
  muzero_rc_array records;
  muzero_rc_hook_counts counts;
  int error;
};

size_t muzero_rc_event_size(void) {
  return sizeof(muzero_rc_event) + (size_t)muzero_rc_step_features().count * sizeof(float);
}

static int copy_clip(muzero_rc_hook *hook, const muzero_rc_session_options *options) {
  const int32_t frames = muzero_rc_blob_frames(options->stats_size);
  if (frames < 0) return frames;
  hook->clip = (muzero_rc_clip){.width = options->settings.width,
                                .height = options->settings.height,
                                .frame_count = frames,
                                .target_kbps = options->settings.target_kbps};
  hook->stats = calloc((size_t)frames, sizeof(*hook->stats));
  if (!hook->stats) return -ENOMEM;
  muzero_rc_blob_stats(options->stats, frames, hook->stats);
  return 0;
}

static int open_mind(muzero_rc_hook *hook, const muzero_rc_session_options *options) {
  int error = 0;
  if (options->mode == MUZERO_RC_POLICY) {
    error = muzero_rc_model_open(options->policy, &hook->clip, hook->stats, &hook->model);
    if (error) return error;
    muzero_rc_model_set_guard(hook->model, options->guard);
    hook->state = muzero_rc_model_state(hook->model);
  } else {
    error = muzero_rc_clip_state_open(&hook->clip, hook->stats, &hook->own_state);
    hook->state = hook->own_state;
  }
  return error;
}

int muzero_rc_hook_open(muzero_rc_mailbox *mailbox, int32_t slot,
                        const muzero_rc_session_options *options, muzero_rc_hook **out) {
  *out = NULL;
  muzero_rc_hook *hook = calloc(1, sizeof(*hook));
  if (!hook) return -ENOMEM;
  hook->mailbox = mailbox;
  hook->slot = slot;
  hook->guard = options->guard;
  hook->event = calloc(1, muzero_rc_event_size());
  int error = hook->event ? copy_clip(hook, options) : -ENOMEM;
  if (!error) error = open_mind(hook, options);
  if (error)
    muzero_rc_hook_close(&hook);
  else
    *out = hook;
  return error;
}

void muzero_rc_hook_close(muzero_rc_hook **out) {
  muzero_rc_hook *const hook = *out;
  if (!hook) return;
  *out = NULL;
  muzero_rc_model_close(&hook->model);
  muzero_rc_clip_state_close(&hook->own_state);
  muzero_rc_array_close(&hook->records);
  free(hook->event);
  free(hook->stats);
  free(hook);
}

static vpx_rc_status_t fail(muzero_rc_hook *hook, int error) {
  if (!hook->error) hook->error = error;
  return VPX_RC_ERROR;
}

static vpx_rc_status_t create_model(void *priv, const vpx_rc_config_t *config,
                                    vpx_rc_model_t *model) {
  muzero_rc_hook *const hook = priv;
  const muzero_rc_clip clip = muzero_rc_clip_from_vpx(config);
  *model = hook;
  return memcmp(&clip, &hook->clip, sizeof(clip)) ? fail(hook, -EPROTO) : VPX_RC_OK;
}

/* Python computes features from the blob, the plugin from this callback: they
 * must be the same numbers. */
static vpx_rc_status_t send_firstpass_stats(vpx_rc_model_t model,
                                            const vpx_rc_firstpass_stats_t *stats) {
  muzero_rc_hook *const hook = model;
  if (stats->num_frames != hook->clip.frame_count) return fail(hook, -EPROTO);
  const size_t size = (size_t)stats->num_frames * sizeof(*hook->stats);
  const bool same = !memcmp(muzero_rc_stats_from_vpx(stats), hook->stats, size);
  return same ? VPX_RC_OK : fail(hook, -EPROTO);
}

static muzero_rc_record record_of(const muzero_rc_frame_request *request) {
  muzero_rc_record record = {.frame_type = request->frame_type,
                             .show_index = request->show_index,
                             .coding_index = request->coding_index,
                             .gop_index = request->gop_index};
  memcpy(record.ref_coding_index, request->ref_coding_index, sizeof(record.ref_coding_index));
  memcpy(record.ref_valid, request->ref_valid, sizeof(record.ref_valid));
  return record;
}

static void fill_event(muzero_rc_hook *hook, const muzero_rc_frame_request *request) {
  muzero_rc_event *const event = hook->event;
  event->slot = hook->slot;
  event->kind = MUZERO_RC_EVENT_DECISION;
  event->frame_type = request->frame_type;
  event->show_index = request->show_index;
  event->coding_index = request->coding_index;
  event->gop_index = request->gop_index;
  memcpy(event->ref_coding_index, request->ref_coding_index, sizeof(event->ref_coding_index));
  memcpy(event->ref_valid, request->ref_valid, sizeof(event->ref_valid));
  event->layer = muzero_rc_clip_state_layer(hook->state);
  event->q_ref = muzero_rc_clip_state_q_ref(hook->state);
  muzero_rc_observe_step(hook->state, event->step);
}

/* ASK: the consumer answers, the state guards. */
static int ask(muzero_rc_hook *hook, const muzero_rc_frame_request *request,
               muzero_rc_decision *decision) {
  muzero_rc_clip_state_begin(hook->own_state, request);
  fill_event(hook, request);
  const int64_t start = muzero_rc_now_ns();
  const int error =
      muzero_rc_mailbox_ask(hook->mailbox, hook->slot, hook->event, &decision->asked);
  hook->counts.wait_ns += muzero_rc_now_ns() - start;
  if (error) return error;
  decision->q_ref = hook->event->q_ref;
  decision->qindex = muzero_rc_clip_state_commit(hook->own_state, decision->asked, hook->guard);
  return 0;
}

static int32_t clamp_qindex(int32_t qindex) {
  return muzero_rc_decision_to_vpx(qindex).q_index;
}

static vpx_rc_status_t get_encodeframe_decision(vpx_rc_model_t model,
                                                const vpx_rc_encodeframe_info_t *info,
                                                vpx_rc_encodeframe_decision_t *out) {
  muzero_rc_hook *const hook = model;
  const muzero_rc_frame_request request = muzero_rc_request_from_vpx(info);
  muzero_rc_decision decision = {0};
  if (hook->error) return VPX_RC_ERROR;
  hook->pending = record_of(&request);
  if (hook->model) {
    if (muzero_rc_mailbox_cancelled(hook->mailbox, hook->slot)) return fail(hook, -ECANCELED);
    decision = muzero_rc_model_decide(hook->model, &request);
  } else {
    const int error = ask(hook, &request, &decision);
    if (error) return fail(hook, error);
  }
  hook->pending.layer = muzero_rc_clip_state_layer(hook->state);
  hook->pending.q_ref = decision.q_ref;
  hook->pending.asked = decision.asked;
  hook->pending.fallback = decision.fallback;
  hook->is_pending = true;
  hook->counts.decisions += 1;
  hook->counts.guarded += decision.qindex != clamp_qindex(decision.asked);
  hook->counts.fallbacks += decision.fallback;
  *out = muzero_rc_decision_to_vpx(decision.qindex);
  return VPX_RC_OK;
}

static vpx_rc_status_t update_encodeframe_result(vpx_rc_model_t model,
                                                 const vpx_rc_encodeframe_result_t *vpx_result) {
  muzero_rc_hook *const hook = model;
  const muzero_rc_frame_result result = muzero_rc_result_from_vpx(vpx_result);
  muzero_rc_record record = hook->pending;
  if (!hook->is_pending)
    record = (muzero_rc_record){.frame_type = -1,
                                .show_index = -1,
                                .coding_index = -1,
                                .gop_index = -1};
  record.qindex = result.qindex;
  record.sse = result.sse;
  record.bits = result.bits;
  record.pixels = result.pixels;
  hook->is_pending = false;
  if (hook->model)
    muzero_rc_model_update(hook->model, &result);
  else
    muzero_rc_clip_state_end(hook->own_state, &result);
  const int error = muzero_rc_array_append(&hook->records, sizeof(record), &record, 1);
  return error ? fail(hook, error) : VPX_RC_OK;
}

static vpx_rc_status_t delete_model(vpx_rc_model_t model) {
  (void)model; /* the session owns it */
  return VPX_RC_OK;
}

int muzero_rc_hook_attach(muzero_rc_hook *hook, vpx_codec_ctx_t *codec) {
  vpx_rc_funcs_t callbacks = {.create_model = create_model,
                              .send_firstpass_stats = send_firstpass_stats,
                              .get_encodeframe_decision = get_encodeframe_decision,
                              .update_encodeframe_result = update_encodeframe_result,
                              .delete_model = delete_model,
                              .priv = hook};
  if (vpx_codec_control(codec, VP9E_SET_EXTERNAL_RATE_CONTROL, &callbacks) && !hook->error)
    hook->error = -ENOTSUP;
  return hook->error;
}

int muzero_rc_hook_error(const muzero_rc_hook *hook) { return hook->error; }

muzero_rc_hook_counts muzero_rc_hook_count(const muzero_rc_hook *hook) { return hook->counts; }

const muzero_rc_array *muzero_rc_hook_records(const muzero_rc_hook *hook) {
  return &hook->records;
}
