#include "vpx/callbacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"
#include "rate_control/quantizer.h"
#include "vpx/convert.h"

struct muzero_rc_callbacks {
  muzero_rc_callbacks_owner owner;
  muzero_rc_model *model; /* NULL before the statistics came */
  muzero_rc_clip clip;
  bool busy; /* between create_model and delete_model */
  muzero_rc_gop_tracker gops;
  muzero_rc_gop_levers levers;
  int32_t lowest, highest;
  muzero_rc_report report;
};

int muzero_rc_callbacks_open(const muzero_rc_callbacks_owner *owner,
                             muzero_rc_callbacks **callbacks) {
  muzero_rc_callbacks *const opened = calloc(1, sizeof(*opened));
  *callbacks = opened;
  if (!opened) return -ENOMEM;
  opened->owner = *owner;
  muzero_rc_gop_tracker_init(&opened->gops);
  muzero_rc_callbacks_limit(opened, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX);
  return 0;
}

void muzero_rc_callbacks_close(muzero_rc_callbacks **callbacks) {
  if (!*callbacks) return;
  muzero_rc_model_close(&(*callbacks)->model);
  free(*callbacks);
  *callbacks = NULL;
}

void muzero_rc_callbacks_limit(muzero_rc_callbacks *callbacks, int32_t lowest, int32_t highest) {
  callbacks->lowest = muzero_rc_clamp_qindex(lowest);
  callbacks->highest = muzero_rc_clamp_qindex(highest);
}

/* Books the callback's time, and its first failure. */
static vpx_rc_status_t finish(muzero_rc_callbacks *callbacks, int64_t start_ns, int error) {
  callbacks->report.nanoseconds += muzero_rc_now_ns() - start_ns;
  if (!callbacks->report.error) callbacks->report.error = error;
  return error ? VPX_RC_ERROR : VPX_RC_OK;
}

static vpx_rc_status_t create_model(void *priv, const vpx_rc_config_t *config,
                                    vpx_rc_model_t *model) {
  muzero_rc_callbacks *const callbacks = priv;
  const int64_t start_ns = muzero_rc_now_ns();
  *model = callbacks;
  if (callbacks->busy) return finish(callbacks, start_ns, -EBUSY);
  callbacks->busy = true;
  callbacks->clip = muzero_rc_clip_from_vpx(config);
  callbacks->report = (muzero_rc_report){0};
  muzero_rc_gop_tracker_init(&callbacks->gops);
  return finish(callbacks, start_ns, 0);
}

static vpx_rc_status_t send_firstpass_stats(vpx_rc_model_t model,
                                            const vpx_rc_firstpass_stats_t *stats) {
  muzero_rc_callbacks *const callbacks = model;
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  const int64_t start_ns = muzero_rc_now_ns();
  int error = stats->num_frames == callbacks->clip.frame_count ? 0 : -EPROTO;
  const muzero_rc_frame_stats *const frames = muzero_rc_stats_from_vpx(stats);
  const bool prepared = !error && callbacks->model &&
                        muzero_rc_model_is_of(callbacks->model, &callbacks->clip, frames);
  if (!error && !prepared) {
    muzero_rc_model_close(&callbacks->model);
    error = owner->open_model(owner->self, &callbacks->clip, frames, &callbacks->model);
  }
  return finish(callbacks, start_ns, error);
}

static int decide(muzero_rc_callbacks *callbacks, const muzero_rc_frame_request *request,
                  muzero_rc_decision *decision) {
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  if (!callbacks->model) return -EPROTO;
  const int error = muzero_rc_model_ask(callbacks->model, request, decision);
  if (error || !owner->decided) return error;
  return owner->decided(owner->self, request, callbacks->model, decision);
}

static int32_t within_limits(const muzero_rc_callbacks *callbacks, int32_t qindex) {
  if (qindex < callbacks->lowest) return callbacks->lowest;
  return qindex > callbacks->highest ? callbacks->highest : qindex;
}

static vpx_rc_status_t get_encodeframe_decision(vpx_rc_model_t model,
                                                const vpx_rc_encodeframe_info_t *info,
                                                vpx_rc_encodeframe_decision_t *out) {
  muzero_rc_callbacks *const callbacks = model;
  const int64_t start_ns = muzero_rc_now_ns();
  const muzero_rc_frame_request request = muzero_rc_request_from_vpx(info);
  muzero_rc_decision decision;
  muzero_rc_gop_tracker_request(&callbacks->gops, &request);
  const int error = decide(callbacks, &request, &decision);
  if (!error) {
    callbacks->report.decisions += 1;
    callbacks->report.guarded += decision.qindex != muzero_rc_clamp_qindex(decision.asked);
    callbacks->report.fallbacks += decision.fallback;
    *out = muzero_rc_decision_to_vpx(within_limits(callbacks, decision.qindex));
  }
  return finish(callbacks, start_ns, error);
}

static vpx_rc_status_t update_encodeframe_result(vpx_rc_model_t model,
                                                 const vpx_rc_encodeframe_result_t *vpx_result) {
  muzero_rc_callbacks *const callbacks = model;
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  const int64_t start_ns = muzero_rc_now_ns();
  const muzero_rc_frame_result result = muzero_rc_result_from_vpx(vpx_result);
  int error = callbacks->model ? 0 : -EPROTO;
  muzero_rc_gop_tracker_result(&callbacks->gops);
  if (!error) {
    muzero_rc_model_update(callbacks->model, &result);
    if (owner->coded) error = owner->coded(owner->self, &result);
  }
  return finish(callbacks, start_ns, error);
}

static vpx_rc_status_t delete_model(vpx_rc_model_t model) {
  muzero_rc_callbacks *const callbacks = model;
  muzero_rc_model_close(&callbacks->model);
  callbacks->levers = (muzero_rc_gop_levers){0};
  callbacks->busy = false;
  return VPX_RC_OK;
}

vpx_rc_funcs_t muzero_rc_callbacks_funcs(muzero_rc_callbacks *callbacks) {
  return (vpx_rc_funcs_t){.create_model = create_model,
                          .send_firstpass_stats = send_firstpass_stats,
                          .get_encodeframe_decision = get_encodeframe_decision,
                          .update_encodeframe_result = update_encodeframe_result,
                          .delete_model = delete_model,
                          .priv = callbacks};
}

int muzero_rc_callbacks_prepare(muzero_rc_callbacks *callbacks, const muzero_rc_clip *clip,
                                const muzero_rc_frame_stats *stats,
                                const muzero_rc_gop_settings *settings) {
  muzero_rc_gop_levers_init(&callbacks->levers, settings);
  muzero_rc_gop_tracker_init(&callbacks->gops);
  muzero_rc_model_close(&callbacks->model);
  return callbacks->owner.open_model(callbacks->owner.self, clip, stats, &callbacks->model);
}

int muzero_rc_callbacks_before_encode(muzero_rc_callbacks *callbacks,
                                      const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec,
                                      bool flush) {
  const int error = muzero_rc_gop_levers_before_encode(&callbacks->levers, libvpx, codec,
                                                       &callbacks->gops, callbacks->model, flush);
  if (!callbacks->report.error) callbacks->report.error = error;
  return error;
}

const muzero_rc_gop_levers *muzero_rc_callbacks_levers(const muzero_rc_callbacks *callbacks) {
  return &callbacks->levers;
}

muzero_rc_report muzero_rc_callbacks_report(const muzero_rc_callbacks *callbacks) {
  return callbacks->report;
}
