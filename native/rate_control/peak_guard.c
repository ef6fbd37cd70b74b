#include "rate_control/peak_guard.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rate_control/controller.h"
#include "rate_control/controller_params.h"
#include "rate_control/forecast.h"
#include "rate_control/quantizer.h"

static const double kPlanned = 0.88; /* share of the bucket that is planned with */
static const double kAllowed = 0.95; /* share that a frame may fill, its doubt included */
static const float kForget = 0.85f;  /* what is left of a surprise a frame later */
static const float kStretch = 0.6f;  /* log2 of doubt per step by which a frame is finer than q_ref */
static const float kFastestFall = 0.15f; /* of the base from frame to frame */
static const float kMostAlarm = 2.0f;
static const float kPlannedAlarm = 0.5f; /* share of the alarm that is planned with */
static const float kFinestBase = -0.5f;
static const float kCoarsestBase = 10.5f; /* qindex 255 throughout, whatever the offsets */

int muzero_rc_peak_guard_open(muzero_rc_clip_state *state, const muzero_rc_peak *peak) {
  muzero_rc_peak_guard *const guard = calloc(1, sizeof(*guard));
  if (!guard) return -ENOMEM;
  guard->base = kFinestBase;
  guard->bucket.rate_bps = 1000.0 * (double)peak->max_kbps;
  guard->bucket.size_bits = 1000.0 * (double)peak->buffer_kbits;
  free(state->peak);
  state->peak = guard;
  muzero_rc_forecast_fill(state);
  return 0;
}

static double seconds_of(const muzero_rc_clip_state *state, int32_t show) {
  const double even = state->seconds / (double)state->clip.frame_count;
  if (show < 0 || show >= state->clip.frame_count) return even;
  /* What follows the point is a note's: lookahead_notes.h. */
  const double ticks = floor(state->stats[show].field[MUZERO_RC_STAT_DURATION]);
  return isfinite(ticks) && ticks > 0.0 ? ticks / 1e7 : even;
}

/* Which packet each coded frame is in: that of the next frame to be shown. */
typedef struct packet_order {
  int32_t first; /* show index of packet 0 */
  int32_t next;
  bool coded[2 * MUZERO_RC_MAX_GOP];
} packet_order;

static bool is_coded(const packet_order *order) {
  const int32_t at = order->next - order->first;
  return at < 2 * MUZERO_RC_MAX_GOP && order->coded[at];
}

static void mark_coded(packet_order *order, int32_t show) {
  const int32_t at = show - order->first;
  if (at >= 0 && at < 2 * MUZERO_RC_MAX_GOP) order->coded[at] = true;
}

/* Of the frames in coding order, each with its own. */
static int32_t packet_of(packet_order *order, int32_t show) {
  while (is_coded(order)) ++order->next; /* hidden, and shown again */
  mark_coded(order, show);
  return order->next - order->first;
}

/* Expected bits of the packets from the one under way on, but for the pending frame's. */
typedef struct packet_plan {
  const muzero_rc_clip_state *state;
  const muzero_rc_gop_rest *rest;
  int32_t of_pending;
  int32_t of_rest[MUZERO_RC_MAX_GOP];
  int32_t in_gop; /* packets up to the GOP's end */
  int32_t count;
} packet_plan;

static int32_t lesser(int32_t a, int32_t b) { return a < b ? a : b; }

static packet_plan plan_packets(const muzero_rc_clip_state *state,
                                const muzero_rc_gop_rest *rest) {
  const muzero_rc_gop_schedule *const schedule = &state->schedule;
  const muzero_rc_peak_guard *const guard = state->peak;
  packet_plan plan = {.state = state, .rest = rest};
  packet_order order = {.first = guard->packets, .next = guard->packets};
  for (int32_t i = 0; i < schedule->hidden_count; ++i) mark_coded(&order, schedule->hidden[i]);
  plan.of_pending = packet_of(&order, schedule->pending.show_index);
  for (int32_t i = 0; i < rest->count; ++i)
    plan.of_rest[i] = packet_of(&order, rest->frames[i].show_index);
  plan.in_gop = rest->next_gop - guard->packets;
  if (plan.in_gop < order.next - order.first + 1) plan.in_gop = order.next - order.first + 1;
  plan.in_gop = lesser(plan.in_gop, 2 * MUZERO_RC_MAX_GOP);
  plan.count = plan.in_gop + guard->ahead_count;
  return plan;
}

static double ahead_at(const muzero_rc_peak_guard *guard, int32_t packet, float base) {
  float part;
  const int32_t low = muzero_rc_forecast_place(base, &part);
  const float below = guard->ahead[packet][low], above = guard->ahead[packet][low + 1];
  return (double)(below + part * (above - below));
}

static void fill_packets(const packet_plan *plan, float base, double *bits) {
  const muzero_rc_gop_rest *const rest = plan->rest;
  const muzero_rc_clip_state *const state = plan->state;
  const float alarm = kPlannedAlarm * state->peak->alarm;
  memset(bits, 0, (size_t)plan->in_gop * sizeof(*bits));
  bits[0] = state->budget.spent_bits - state->peak->booked_bits;
  for (int32_t i = 0; i < rest->count; ++i) {
    const float step = muzero_rc_clamp_step(base + rest->offsets[i]);
    const float log_bits = muzero_rc_bits_at(&rest->curves[i], step) + rest->corrections[i] + alarm;
    bits[plan->of_rest[i]] += (double)muzero_rc_exp2(log_bits);
  }
  for (int32_t i = plan->in_gop; i < plan->count; ++i)
    bits[i] = ahead_at(state->peak, i - plan->in_gop, base) * (double)rest->next_correction;
}

/* Whether the bucket never holds more than `share` of its size, up to where it is empty after the
 * pending frame's packet. */
static bool holds(const muzero_rc_clip_state *state, const double *bits, int32_t count,
                  int32_t of_pending, double pending_bits, double share) {
  muzero_rc_leaky_bucket bucket = state->peak->bucket;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t show = state->peak->packets + i;
    if (show > 0) muzero_rc_leaky_bucket_leak(&bucket, seconds_of(state, show - 1));
    if (i > of_pending && bucket.bits <= 0.0) return true;
    muzero_rc_leaky_bucket_pour(&bucket, bits[i] + (i == of_pending ? pending_bits : 0.0));
    if (i >= of_pending && bucket.bits > share * bucket.size_bits) return false;
  }
  return true;
}

/* The finest base step at which the pending frame and those after it keep within so much of the
 * bucket. */
static float solve_base(const packet_plan *plan, double share, double *bits) {
  const muzero_rc_clip_state *const state = plan->state;
  float low = kFinestBase, high = kCoarsestBase;
  for (int i = 0; i < 11; ++i) {
    const float middle = 0.5f * (low + high);
    const float step = muzero_rc_clamp_step(middle + state->pending.offset);
    const float log_bits = muzero_rc_controller_bits(state, step) + kPlannedAlarm * state->peak->alarm;
    const double pending = (double)muzero_rc_exp2(log_bits);
    fill_packets(plan, middle, bits);
    if (holds(state, bits, plan->count, plan->of_pending, pending, share))
      high = middle;
    else
      low = middle;
  }
  return high;
}

static void add_ahead(muzero_rc_peak_guard *guard, int32_t packet,
                      const muzero_rc_clip_state *state, muzero_rc_planned_frame frame,
                      const muzero_rc_frame_span *gop) {
  float bits[MUZERO_RC_FORECAST_STEPS];
  if (packet < 0 || packet >= MUZERO_RC_PEAK_HORIZON) return;
  muzero_rc_forecast_frame(state, frame, gop, bits);
  for (int32_t base = 0; base < MUZERO_RC_FORECAST_STEPS; ++base)
    guard->ahead[packet][base] += bits[base];
}

/* A GOP of the usual length, or as long as its scene, from the frame after `start` on; returns its
 * last frame. A cut's frame is one of its own, a key frame. */
static int32_t add_gop_ahead(muzero_rc_peak_guard *guard, const muzero_rc_clip_state *state,
                             int32_t start) {
  muzero_rc_planned_frame frames[MUZERO_RC_MAX_GOP];
  const int32_t scene = state->traits[start].scene > 0 ? state->traits[start].scene : 1;
  const int32_t end = lesser(start + lesser(scene, MUZERO_RC_USUAL_GOP), state->clip.frame_count - 1);
  const int32_t layers = muzero_rc_gop_schedule_layers(&state->schedule);
  const muzero_rc_frame_span gop =
      muzero_rc_frame_span_of(state->traits, state->clip.frame_count, start + 1, end);
  const int32_t count = muzero_rc_gop_pattern(start, end, layers, frames);
  packet_order order = {.first = start + 1, .next = start + 1};
  for (int32_t i = 0; i < count; ++i) {
    const int32_t packet = start + 1 + packet_of(&order, frames[i].show_index);
    add_ahead(guard, packet - guard->ahead_first, state, frames[i], &gop);
  }
  return end;
}

static void look_ahead(muzero_rc_peak_guard *guard, const muzero_rc_clip_state *state,
                       int32_t next_gop) {
  const int32_t last = state->clip.frame_count - 1;
  if (guard->ahead_first == next_gop) return;
  memset(guard->ahead, 0, sizeof(guard->ahead));
  guard->ahead_first = next_gop;
  guard->ahead_count = 0;
  int32_t start = next_gop - 1;
  while (start < last && start + 1 - next_gop < MUZERO_RC_PEAK_HORIZON)
    start = add_gop_ahead(guard, state, start);
  if (start >= next_gop)
    guard->ahead_count = lesser(start + 1 - next_gop, MUZERO_RC_PEAK_HORIZON);
}

/* A bucket that is fuller than planned asks for no finer a base than before; one with room gets a
 * finer one little by little, as the model is worth less far from what was coded last. */
static float base_of(const packet_plan *plan, muzero_rc_peak_guard *guard) {
  const bool fresh = plan->state->schedule.pending.layer == MUZERO_RC_LAYER_KEY;
  float lowest = fresh ? kFinestBase : guard->base - kFastestFall;
  float base = solve_base(plan, kPlanned, guard->saving_bits);
  if (base >= kCoarsestBase) {
    lowest = guard->base;
    base = solve_base(plan, kAllowed, guard->saving_bits);
  }
  return base > lowest ? base : lowest;
}

void muzero_rc_peak_guard_foresee(muzero_rc_clip_state *state, const muzero_rc_gop_rest *rest) {
  muzero_rc_peak_guard *const guard = state->peak;
  if (!guard) return;
  look_ahead(guard, state, rest->next_gop);
  const packet_plan plan = plan_packets(state, rest);
  const float base = guard->base = base_of(&plan, guard);
  const int32_t coarse =
      muzero_rc_step_to_qindex(base + state->pending.offset, state->clip.bit_depth);
  if (state->pending.qindex < coarse) state->pending.qindex = coarse;
  fill_packets(&plan, base + muzero_rc_params.guard_slack, guard->saving_bits);
  guard->of_pending = plan.of_pending;
  guard->saving_count = plan.count;
}

double muzero_rc_peak_guard_saving(const muzero_rc_clip_state *state, double saving_bits) {
  if (!state->peak || !state->peak->cuts) return saving_bits;
  const double saved = state->pending.rest_bits * (double)muzero_rc_exp2(-muzero_rc_params.guard_slack);
  return saved < saving_bits ? saved : saving_bits;
}

bool muzero_rc_peak_guard_holds(const muzero_rc_clip_state *state, int32_t qindex, double bits) {
  const muzero_rc_peak_guard *const guard = state->peak;
  if (!guard) return true;
  const int32_t depth = state->clip.bit_depth;
  const float finer = muzero_rc_qindex_to_step(state->pending.qindex, depth) -
                      muzero_rc_qindex_to_step(qindex, depth);
  /* An overlay far finer than its alt-ref is coded anew, which no model has seen. */
  if (finer > 0.0f && state->schedule.pending.layer == MUZERO_RC_LAYER_OVERLAY) return false;
  const float doubt = guard->alarm + kStretch * (finer > 0.0f ? finer : 0.0f);
  bits *= (double)muzero_rc_exp2(doubt);
  return holds(state, guard->saving_bits, guard->saving_count, guard->of_pending, bits, kAllowed);
}

void muzero_rc_peak_guard_learn(muzero_rc_clip_state *state, float surprise) {
  muzero_rc_peak_guard *const guard = state->peak;
  if (!guard || state->schedule.pending.layer == MUZERO_RC_LAYER_KEY) return;
  guard->alarm *= kForget;
  if (surprise > kMostAlarm) surprise = kMostAlarm;
  if (surprise > guard->alarm) guard->alarm = surprise;
}

void muzero_rc_peak_guard_book(muzero_rc_clip_state *state, bool hidden) {
  muzero_rc_peak_guard *const guard = state->peak;
  if (!guard || hidden) return;
  if (guard->packets > 0)
    muzero_rc_leaky_bucket_leak(&guard->bucket, seconds_of(state, guard->packets - 1));
  muzero_rc_leaky_bucket_pour(&guard->bucket, state->budget.spent_bits - guard->booked_bits);
  guard->booked_bits = state->budget.spent_bits;
  ++guard->packets;
}

void muzero_rc_peak_guard_cut(muzero_rc_clip_state *state, float *bits) {
  if (!state->peak) return;
  muzero_rc_leaky_bucket bucket = state->peak->bucket;
  bucket.bits = 0.0;
  for (int32_t show = 0; show < state->clip.frame_count; ++show) {
    const double room = kPlanned * bucket.size_bits - bucket.bits;
    if ((double)bits[show] > room) {
      bits[show] = (float)(room > 0.0 ? room : 0.0);
      state->peak->cuts = true;
    }
    muzero_rc_leaky_bucket_pour(&bucket, (double)bits[show]);
    muzero_rc_leaky_bucket_leak(&bucket, seconds_of(state, show));
  }
}
