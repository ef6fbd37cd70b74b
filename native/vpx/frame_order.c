#include "vpx/frame_order.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rate_control/frame_traits.h"

enum { LAG_FOR_ALT_REFS = 4, USUAL_LENGTH = 16 };

/* ---- Settings ------------------------------------------------------------------------------ */

int muzero_rc_frame_order_open(muzero_rc_frame_order *order, const muzero_rc_clip *clip,
                               const muzero_rc_order_settings *settings,
                               const muzero_rc_frame_stats *stats) {
  const size_t count = (size_t)clip->frame_count;
  *order = (muzero_rc_frame_order){.settings = *settings, .count = clip->frame_count};
  order->stats = calloc(count, sizeof(*stats));
  if (!order->stats) return -ENOMEM;
  memcpy(order->stats, stats, count * sizeof(*stats));
  order->own_min_gf_interval = settings->min_gf_interval;
  if (order->own_min_gf_interval <= 0)
    order->own_min_gf_interval = muzero_rc_own_min_gf_interval(clip, stats);
  order->settings.min_gf_interval = order->own_min_gf_interval;
  return 0;
}

void muzero_rc_frame_order_shape(muzero_rc_frame_order *order, int32_t layers,
                                 int32_t min_gf_interval) {
  order->settings.layers = layers;
  order->settings.min_gf_interval =
      min_gf_interval > 0 ? min_gf_interval : order->own_min_gf_interval;
}

void muzero_rc_frame_order_close(muzero_rc_frame_order *order) {
  free(order->stats);
  *order = (muzero_rc_frame_order){0};
}

/* ---- The entries of a GOP ------------------------------------------------------------------ */

static void append(muzero_rc_frame_order *order, muzero_rc_gop_entry_kind kind, int32_t shown) {
  if (order->entry_count < MUZERO_RC_GOP_ENTRIES_MAX)
    order->entries[order->entry_count++] = (muzero_rc_gop_entry){kind, shown};
}

static void append_interval(muzero_rc_frame_order *order, int32_t first, int32_t last,
                            int32_t depth) {
  if (last - first < 2 || depth > order->settings.layers) {
    for (int32_t shown = first; shown <= last; ++shown)
      append(order, MUZERO_RC_ENTRY_INTER, shown);
    return;
  }
  const int32_t middle = (first + last + 1) / 2;
  append(order, MUZERO_RC_ENTRY_ALT_REF, middle);
  append_interval(order, first, middle - 1, depth + 1);
  append(order, MUZERO_RC_ENTRY_SHOW_AGAIN, middle);
  append_interval(order, middle + 1, last, depth + 1);
}

/* Of a GOP whose alt-ref lies `length` frames after its first. */
static void list_entries(muzero_rc_frame_order *order, int32_t length) {
  order->entry_count = 0;
  order->length = length;
  append(order, MUZERO_RC_ENTRY_FIRST, 0);
  append(order, MUZERO_RC_ENTRY_ALT_REF, length);
  append_interval(order, 1, length - 1, 2);
}

/* The GOP has so many entries: one more frame is one or two more entries, so one length fits. */
static void plan(muzero_rc_frame_order *order, int32_t entries) {
  int32_t length = 1;
  do list_entries(order, length++);
  while (order->entry_count < entries && length < MUZERO_RC_GOP_ENTRIES_MAX);
  order->phase = MUZERO_RC_GOP_PLANNED;
  order->position = 1;
}

/* ---- What is foretold ---------------------------------------------------------------------- */

/* Whether libvpx finds no motion in the GOP's first `frames`; it does not look at the first two
 * after a key frame. */
static bool is_static(const muzero_rc_frame_order *order, int32_t frames) {
  const int32_t first = order->start + 1 > order->key + 3 ? order->start + 1 : order->key + 3;
  const int32_t last = order->start + frames;
  for (int32_t show = first; show <= last && show < order->count; ++show)
    if (muzero_rc_zero_motion(&order->stats[show]) < 0.995) return false;
  return true;
}

/* libvpx gives a GOP an alt-ref unless none is wanted, or it is short, longer than the look-ahead
 * or static; a static one goes on until something moves, but not after an alt-ref. */
static bool foretells_alt_ref(const muzero_rc_frame_order *order) {
  const int32_t lag = order->settings.lag_in_frames, least = order->settings.min_gf_interval;
  const int32_t left = order->next_key - order->start;
  const int32_t most = order->gop_follows_alt_ref ? USUAL_LENGTH : lag - 1;
  if (order->settings.layers < 1 || lag < LAG_FOR_ALT_REFS) return false;
  if (left < least || lag <= least) return false;
  return !is_static(order, left < most ? left : most);
}

static muzero_rc_frame_type first_type(muzero_rc_frame_order *order, bool is_early) {
  if (is_early) order->next_key = order->start; /* the program forced a key frame */
  if (order->start == order->next_key) {
    order->key = order->start;
    order->next_key =
        muzero_rc_next_key_frame(&order->settings, order->stats, order->count, order->start);
    return MUZERO_RC_KEY;
  }
  return order->alt_ref_waits ? MUZERO_RC_OVERLAY : MUZERO_RC_GOLDEN;
}

/* ---- References ---------------------------------------------------------------------------- */

static void refer(const muzero_rc_frame_order *order, muzero_rc_frame_request *request) {
  const muzero_rc_references *const r = &order->references;
  const bool is_key = request->frame_type == MUZERO_RC_KEY;
  const int32_t index[MUZERO_RC_REFERENCES] = {r->last, r->golden, r->alt};
  const bool valid[MUZERO_RC_REFERENCES] = {true, r->golden != r->last,
                                            r->alt != r->last && r->alt != r->golden};
  for (int i = 0; i < MUZERO_RC_REFERENCES; ++i) {
    request->ref_coding_index[i] = is_key ? -1 : index[i];
    request->ref_valid[i] = !is_key && valid[i];
  }
}

static void push(muzero_rc_references *r) {
  if (r->waiting_count < MUZERO_RC_ALT_REFS_MAX) r->waiting[r->waiting_count++] = r->alt;
}

static void pop(muzero_rc_references *r) {
  if (r->waiting_count > 0) r->alt = r->waiting[--r->waiting_count];
}

static void coded_into(muzero_rc_references *r, const muzero_rc_frame_request *frame) {
  const int32_t index = frame->coding_index;
  switch (frame->frame_type) {
    case MUZERO_RC_KEY: *r = (muzero_rc_references){.last = index, .golden = index, .alt = index}; break;
    case MUZERO_RC_GOLDEN: r->last = r->golden = index; break;
    case MUZERO_RC_OVERLAY:
      r->alt = r->golden;
      r->golden = index;
      break;
    case MUZERO_RC_ALTREF:
      push(r);
      r->alt = index;
      break;
    default: r->last = index; break;
  }
}

/* ---- What libvpx asks ---------------------------------------------------------------------- */

static bool take(muzero_rc_frame_order *order, muzero_rc_frame_type type, int32_t shown,
                 int32_t gop_index, muzero_rc_frame_request *request) {
  *request = (muzero_rc_frame_request){.frame_type = type,
                                       .show_index = order->start + shown,
                                       .coding_index = order->coding_index,
                                       .gop_index = gop_index};
  refer(order, request);
  order->pending = *request;
  order->is_pending = true;
  return true;
}

static bool take_first(muzero_rc_frame_order *order, muzero_rc_frame_request *request) {
  const muzero_rc_gop_phase phase = order->phase;
  const bool is_early = phase == MUZERO_RC_GOP_PLANNED && order->settings.tpl;
  if (phase == MUZERO_RC_GOP_OPEN || phase == MUZERO_RC_GOP_FLAT) order->start += order->position;
  if (phase == MUZERO_RC_GOP_PLANNED) order->start += order->entries[order->position].shown;
  order->phase = MUZERO_RC_GOP_BEGINS;
  order->position = 0;
  return take(order, first_type(order, is_early), 0, 0, request);
}

static bool ask_ahead(muzero_rc_frame_order *order, int32_t gop_index) {
  order->phase = MUZERO_RC_GOP_ASKED_AHEAD;
  order->settings.tpl = true;
  order->ahead = gop_index;
  order->is_pending = false; /* what was asked for was not meant */
  return false;
}

static bool take_inter(muzero_rc_frame_order *order, int32_t gop_index,
                       muzero_rc_frame_request *request) {
  order->phase = MUZERO_RC_GOP_FLAT;
  order->position = gop_index;
  return take(order, MUZERO_RC_INTER, gop_index, gop_index, request);
}

static bool take_planned(muzero_rc_frame_order *order, int32_t gop_index,
                         muzero_rc_frame_request *request) {
  if (gop_index >= order->entry_count) return take_inter(order, gop_index, request);
  const muzero_rc_gop_entry *const entry = &order->entries[gop_index];
  const bool hidden = entry->kind == MUZERO_RC_ENTRY_ALT_REF;
  order->position = gop_index;
  return take(order, hidden ? MUZERO_RC_ALTREF : MUZERO_RC_INTER, entry->shown, gop_index,
              request);
}

/* The entry before has no result: that was a question ahead. */
static bool is_unmeant(const muzero_rc_frame_order *order, int32_t gop_index) {
  return order->is_pending && gop_index == order->pending.gop_index + 1;
}

bool muzero_rc_frame_order_ask(muzero_rc_frame_order *order, int32_t gop_index,
                               muzero_rc_frame_request *request) {
  if (gop_index == 0) return take_first(order, request);
  switch (order->phase) {
    case MUZERO_RC_GOP_ASKED_AHEAD:
      if (gop_index > order->ahead) return ask_ahead(order, gop_index);
      plan(order, order->ahead + 1);
      return take_planned(order, gop_index, request);
    case MUZERO_RC_GOP_PLANNED:
      if (is_unmeant(order, gop_index)) return ask_ahead(order, gop_index);
      return take_planned(order, gop_index, request);
    case MUZERO_RC_GOP_FLAT:
      if (is_unmeant(order, gop_index)) return ask_ahead(order, gop_index);
      return take_inter(order, gop_index, request);
    default: break;
  }
  if (!foretells_alt_ref(order)) return take_inter(order, gop_index, request);
  if (order->settings.tpl) return ask_ahead(order, gop_index);
  /* Nothing is asked ahead, so the length is a guess. */
  const int32_t left = order->next_key - order->start - 1;
  list_entries(order, left < USUAL_LENGTH ? left : USUAL_LENGTH);
  order->phase = MUZERO_RC_GOP_PLANNED;
  return take_planned(order, gop_index, request);
}

int32_t muzero_rc_frame_order_guess(const muzero_rc_frame_order *order, int32_t gop_index) {
  const int32_t alike = gop_index > 1 ? order->inter_qindex : order->alt_ref_qindex;
  return alike ? alike : order->first_qindex;
}

/* ---- What libvpx coded --------------------------------------------------------------------- */

static void begin_gop(muzero_rc_frame_order *order) {
  order->start += order->length;
  order->phase = MUZERO_RC_GOP_BEGINS;
  order->position = 0;
  order->alt_ref_waits = true;
}

/* The entry at `position` is done. */
static void advance(muzero_rc_frame_order *order) {
  ++order->position;
  if (order->phase == MUZERO_RC_GOP_BEGINS) {
    order->phase = MUZERO_RC_GOP_OPEN;
    order->gop_follows_alt_ref = order->alt_ref_waits;
    order->alt_ref_waits = false;
    order->references.waiting_count = 0;
  }
  if (order->phase == MUZERO_RC_GOP_PLANNED && order->position >= order->entry_count)
    begin_gop(order);
}

static muzero_rc_coded_frame show_again(muzero_rc_frame_order *order) {
  muzero_rc_references *const r = &order->references;
  if (order->phase == MUZERO_RC_GOP_BEGINS) { /* the last GOP's alt-ref becomes the golden frame */
    const int32_t golden = r->golden;
    r->golden = r->alt;
    r->alt = golden;
  } else {
    r->last = r->alt;
    pop(r);
  }
  ++order->coding_index;
  advance(order);
  return (muzero_rc_coded_frame){.request = {.coding_index = -1}, .is_shown = true};
}

muzero_rc_coded_frame muzero_rc_frame_order_result(muzero_rc_frame_order *order, int32_t qindex) {
  muzero_rc_coded_frame frame = {0};
  if (!order->is_pending && order->phase == MUZERO_RC_GOP_ASKED_AHEAD) {
    frame.was_guessed = true; /* no alt-ref after all, or libvpx never asks ahead */
    order->settings.tpl = false;
    take_inter(order, order->ahead, &frame.request);
  }
  if (!order->is_pending) return show_again(order);
  frame.request = order->pending;
  frame.is_shown = frame.request.frame_type != MUZERO_RC_ALTREF;
  order->is_pending = false;
  coded_into(&order->references, &frame.request);
  ++order->coding_index;
  if (order->phase == MUZERO_RC_GOP_BEGINS) order->first_qindex = qindex;
  if (frame.request.frame_type == MUZERO_RC_ALTREF && order->position == 1)
    order->alt_ref_qindex = qindex;
  if (frame.request.frame_type == MUZERO_RC_INTER) order->inter_qindex = qindex;
  advance(order);
  return frame;
}
