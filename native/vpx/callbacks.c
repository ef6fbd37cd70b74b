#include "vpx/callbacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "rate_control/quantizer.h"

/* Shown frames whose packets are yet to come; libvpx holds back 25. */
enum { SHOWN_MAX = 64 };

typedef struct shown_frame {
  int64_t result;       /* its number */
  int32_t coding_index; /* -1: shown again, without being coded */
} shown_frame;

struct muzero_rc_callbacks {
  muzero_rc_callbacks_owner owner;
  muzero_rc_model *model; /* NULL before the statistics came */
  muzero_rc_clip clip;
  bool busy; /* between begin and end */
  muzero_rc_gop_tracker gops;
  muzero_rc_gop_levers levers;
  muzero_rc_order_settings order_settings;
  muzero_rc_frame_order order; /* where libvpx tells a frame's place in the GOP only */
  bool by_index;
  int64_t results;
  shown_frame shown[SHOWN_MAX]; /* a ring */
  int64_t shown_count, shown_taken;
  int32_t lowest, highest;
  int32_t bit_depth, error_depth;
  muzero_rc_report report;
};

int muzero_rc_callbacks_open(const muzero_rc_callbacks_owner *owner,
                             muzero_rc_callbacks **callbacks) {
  muzero_rc_callbacks *const opened = calloc(1, sizeof(*opened));
  *callbacks = opened;
  if (!opened) return -ENOMEM;
  opened->owner = *owner;
  opened->order_settings = muzero_rc_order_settings_default();
  muzero_rc_callbacks_set_depth(opened, 8, 8);
  muzero_rc_gop_tracker_init(&opened->gops);
  muzero_rc_callbacks_limit(opened, MUZERO_RC_QINDEX_MIN, MUZERO_RC_QINDEX_MAX);
  return 0;
}

void muzero_rc_callbacks_close(muzero_rc_callbacks **callbacks) {
  if (!*callbacks) return;
  muzero_rc_callbacks_end(*callbacks);
  free(*callbacks);
  *callbacks = NULL;
}

void muzero_rc_callbacks_limit(muzero_rc_callbacks *callbacks, int32_t lowest, int32_t highest) {
  callbacks->lowest = muzero_rc_clamp_qindex(lowest);
  callbacks->highest = muzero_rc_clamp_qindex(highest);
}

void muzero_rc_callbacks_set_order(muzero_rc_callbacks *callbacks,
                                   const muzero_rc_order_settings *settings) {
  callbacks->order_settings = *settings;
}

void muzero_rc_callbacks_set_depth(muzero_rc_callbacks *callbacks, int32_t bit_depth,
                                   int32_t error_depth) {
  callbacks->bit_depth = bit_depth;
  callbacks->error_depth = error_depth;
}

/* Books the callback's time, and its first failure. */
static int finish(muzero_rc_callbacks *callbacks, int64_t start_ns, int error) {
  callbacks->report.nanoseconds += muzero_rc_now_ns() - start_ns;
  if (!callbacks->report.error) callbacks->report.error = error;
  return error;
}

int muzero_rc_callbacks_begin(muzero_rc_callbacks *callbacks, const muzero_rc_clip *clip,
                              bool by_index) {
  const int64_t start_ns = muzero_rc_now_ns();
  if (callbacks->busy) return finish(callbacks, start_ns, -EBUSY);
  callbacks->busy = true;
  callbacks->clip = *clip;
  callbacks->clip.bit_depth = callbacks->bit_depth;
  callbacks->clip.error_depth = callbacks->error_depth;
  callbacks->by_index = by_index;
  callbacks->results = callbacks->shown_count = callbacks->shown_taken = 0;
  callbacks->report = (muzero_rc_report){0};
  muzero_rc_gop_tracker_init(&callbacks->gops);
  return finish(callbacks, start_ns, 0);
}

/* Records of libvpx's, without what newer ones have behind. */
static muzero_rc_frame_stats *copy_stats(const void *records, size_t record_bytes,
                                         int32_t count) {
  muzero_rc_frame_stats *const stats = calloc((size_t)count + 1, sizeof(*stats));
  for (int32_t i = 0; stats && i < count; ++i)
    memcpy(&stats[i], (const char *)records + (size_t)i * record_bytes, sizeof(*stats));
  return stats;
}

/* The first GOP's shape may be set already. */
static void follow_levers(muzero_rc_callbacks *callbacks) {
  const muzero_rc_gop_levers *const levers = &callbacks->levers;
  if (levers->answered > 0)
    muzero_rc_frame_order_shape(&callbacks->order, levers->set.layers, levers->set.length);
}

static int open_order(muzero_rc_callbacks *callbacks, const muzero_rc_frame_stats *stats) {
  muzero_rc_frame_order_close(&callbacks->order);
  const int error = muzero_rc_frame_order_open(&callbacks->order, &callbacks->clip,
                                               &callbacks->order_settings, stats);
  if (!error) follow_levers(callbacks);
  return error;
}

static int open_model(muzero_rc_callbacks *callbacks, const void *records, size_t record_bytes,
                      int32_t count) {
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  if (count != callbacks->clip.frame_count || count < 1) return -EPROTO;
  muzero_rc_frame_stats *const stats = copy_stats(records, record_bytes, count);
  if (!stats) return -ENOMEM;
  int error = 0;
  if (!callbacks->model || !muzero_rc_model_is_of(callbacks->model, &callbacks->clip, stats)) {
    muzero_rc_model_close(&callbacks->model);
    error = owner->open_model(owner->self, &callbacks->clip, stats, &callbacks->model);
  }
  if (!error && callbacks->by_index) error = open_order(callbacks, stats);
  free(stats);
  return error;
}

int muzero_rc_callbacks_stats(muzero_rc_callbacks *callbacks, const void *records,
                              size_t record_bytes, int32_t count) {
  const int64_t start_ns = muzero_rc_now_ns();
  return finish(callbacks, start_ns, open_model(callbacks, records, record_bytes, count));
}

static int32_t within_limits(const muzero_rc_callbacks *callbacks, int32_t qindex) {
  if (qindex < callbacks->lowest) return callbacks->lowest;
  return qindex > callbacks->highest ? callbacks->highest : qindex;
}

static int decide(muzero_rc_callbacks *callbacks, const muzero_rc_frame_request *request,
                  int32_t *qindex) {
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  muzero_rc_decision decision;
  muzero_rc_gop_tracker_request(&callbacks->gops, request);
  int error = muzero_rc_model_ask(callbacks->model, request, &decision);
  if (!error && owner->decided)
    error = owner->decided(owner->self, request, callbacks->model, &decision);
  if (error) return error;
  callbacks->report.decisions += 1;
  callbacks->report.guarded += decision.qindex != muzero_rc_clamp_qindex(decision.asked);
  callbacks->report.fallbacks += decision.fallback;
  *qindex = within_limits(callbacks, decision.qindex);
  return 0;
}

int muzero_rc_callbacks_ask(muzero_rc_callbacks *callbacks,
                            const muzero_rc_frame_request *request, int32_t *qindex) {
  const int64_t start_ns = muzero_rc_now_ns();
  const int error = callbacks->model ? decide(callbacks, request, qindex) : -EPROTO;
  return finish(callbacks, start_ns, error);
}

int muzero_rc_callbacks_ask_by_index(muzero_rc_callbacks *callbacks, int32_t gop_index,
                                     int32_t *qindex) {
  const int64_t start_ns = muzero_rc_now_ns();
  muzero_rc_frame_request request;
  if (!callbacks->model) return finish(callbacks, start_ns, -EPROTO);
  if (!muzero_rc_frame_order_ask(&callbacks->order, gop_index, &request)) {
    *qindex = within_limits(callbacks, muzero_rc_frame_order_guess(&callbacks->order, gop_index));
    return finish(callbacks, start_ns, 0);
  }
  return finish(callbacks, start_ns, decide(callbacks, &request, qindex));
}

/* A shown frame's packet is still to come, with its squared error. */
static void expect_packet(muzero_rc_callbacks *callbacks, int32_t coding_index) {
  callbacks->shown[callbacks->shown_count++ % SHOWN_MAX] =
      (shown_frame){callbacks->results, coding_index};
}

/* What of the frame only the order knows: whether it is shown, and one that nobody decided. */
static int follow_order(muzero_rc_callbacks *callbacks, const muzero_rc_frame_result *result) {
  const muzero_rc_coded_frame frame =
      muzero_rc_frame_order_result(&callbacks->order, result->qindex);
  int error = 0;
  if (frame.was_guessed) {
    int32_t ignored;
    error = decide(callbacks, &frame.request, &ignored);
  }
  if (frame.is_shown) expect_packet(callbacks, frame.request.coding_index);
  return error;
}

static void book_spent(muzero_rc_callbacks *callbacks) {
  const muzero_rc_spent spent =
      muzero_rc_clip_state_spent(muzero_rc_model_state(callbacks->model));
  callbacks->report.fill = spent.fill;
  callbacks->report.peak_used = spent.peak;
}

int muzero_rc_callbacks_coded(muzero_rc_callbacks *callbacks,
                              const muzero_rc_frame_result *result) {
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  const int64_t start_ns = muzero_rc_now_ns();
  int error = callbacks->model ? 0 : -EPROTO;
  if (!error && callbacks->by_index) error = follow_order(callbacks, result);
  if (!error) {
    muzero_rc_gop_tracker_result(&callbacks->gops);
    muzero_rc_model_update(callbacks->model, result);
    book_spent(callbacks);
    if (owner->coded) error = owner->coded(owner->self, result);
    ++callbacks->results;
  }
  return finish(callbacks, start_ns, error);
}

void muzero_rc_callbacks_shown(muzero_rc_callbacks *callbacks, int64_t sse) {
  const muzero_rc_callbacks_owner *const owner = &callbacks->owner;
  if (!callbacks->by_index || callbacks->shown_taken == callbacks->shown_count) return;
  const shown_frame frame = callbacks->shown[callbacks->shown_taken++ % SHOWN_MAX];
  if (sse == MUZERO_RC_SSE_UNKNOWN) return;
  if (callbacks->model && frame.coding_index >= 0)
    muzero_rc_model_measured(callbacks->model, frame.coding_index, sse);
  if (owner->measured) owner->measured(owner->self, frame.result, sse);
}

void muzero_rc_callbacks_end(muzero_rc_callbacks *callbacks) {
  muzero_rc_model_close(&callbacks->model);
  muzero_rc_frame_order_close(&callbacks->order);
  callbacks->levers = (muzero_rc_gop_levers){0};
  callbacks->busy = false;
}

muzero_rc_clip muzero_rc_callbacks_clip(const muzero_rc_callbacks *callbacks) {
  return callbacks->clip;
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
  if (callbacks->by_index) follow_levers(callbacks);
  return error;
}

void muzero_rc_callbacks_keep(muzero_rc_callbacks *callbacks, bool length, bool layers,
                              bool filter) {
  muzero_rc_gop_settings *const settings = &callbacks->levers.settings;
  settings->keep_length |= length;
  settings->keep_layers |= layers;
  settings->keep_filter |= filter;
}

const muzero_rc_gop_levers *muzero_rc_callbacks_levers(const muzero_rc_callbacks *callbacks) {
  return &callbacks->levers;
}

muzero_rc_report muzero_rc_callbacks_report(const muzero_rc_callbacks *callbacks) {
  return callbacks->report;
}
