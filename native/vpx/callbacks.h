/* libvpx's external rate control callbacks over a model: a clip's statistics come in, frames are
 * decided, results are booked. The bridge and the plugin run this one copy; what they add, they
 * add as the callbacks' owner. libvpx's structs end in vpx/abi, which calls the functions of the
 * second half: here are plain records only. */
#ifndef MUZERO_RC_VPX_CALLBACKS_H_
#define MUZERO_RC_VPX_CALLBACKS_H_

#include <muzero_rc/plugin.h>

#include "policy/model.h"
#include "vpx/frame_order.h"
#include "vpx/gop_levers.h"

/* Whom the callbacks serve. What a function returns other than 0 is a negative errno and fails
 * the encode. */
typedef struct muzero_rc_callbacks_owner {
  void *self;
  /* Opens the model of the clip whose `stats` libvpx sends; the callbacks close it. */
  int (*open_model)(void *self, const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                    muzero_rc_model **model);
  /* Observers, all or none. Results come of show-existing frames too, without a decision. */
  int (*decided)(void *self, const muzero_rc_frame_request *request, const muzero_rc_model *model,
                 const muzero_rc_decision *decision);
  int (*coded)(void *self, const muzero_rc_frame_result *result);
  /* The squared error of result number `result`, from 0, where it came without. */
  void (*measured)(void *self, int64_t result, int64_t sse);
} muzero_rc_callbacks_owner;

/* For one encoder at a time. */
typedef struct muzero_rc_callbacks muzero_rc_callbacks;

/* -ENOMEM. The caller owns *callbacks; `owner` is copied. */
int muzero_rc_callbacks_open(const muzero_rc_callbacks_owner *owner,
                             muzero_rc_callbacks **callbacks);

/* Closes and sets *callbacks to NULL; NULL is fine. The encoder must be gone. */
void muzero_rc_callbacks_close(muzero_rc_callbacks **callbacks);

/* Keeps qindexes within [lowest, highest], whatever is decided. */
void muzero_rc_callbacks_limit(muzero_rc_callbacks *callbacks, int32_t lowest, int32_t highest);

/* The encoder's settings that the order of its frames follows; libvpx's defaults until then.
 * Before the first frame. */
void muzero_rc_callbacks_set_order(muzero_rc_callbacks *callbacks,
                                   const muzero_rc_order_settings *settings);

/* The clip's bit depths, which libvpx does not send: those of 8-bit video until then. Before the
 * encoder's first frame. */
void muzero_rc_callbacks_set_depth(muzero_rc_callbacks *callbacks, int32_t bit_depth,
                                   int32_t error_depth);

/* For each packet of a shown frame, in order: the frame's squared error over all planes, from the
 * encoder's PSNR packet, or MUZERO_RC_SSE_UNKNOWN. Needed where libvpx sends none itself. */
void muzero_rc_callbacks_shown(muzero_rc_callbacks *callbacks, int64_t sse);

/* Before the first encode call, for GOPs whose shape the model decides: opens the model of the
 * clip at once, as the first GOP begins before libvpx sends its statistics, which are to be the
 * same. What the owner's open_model returns. */
int muzero_rc_callbacks_prepare(muzero_rc_callbacks *callbacks, const muzero_rc_clip *clip,
                                const muzero_rc_frame_stats *stats,
                                const muzero_rc_gop_settings *settings);

/* Before each vpx_codec_encode(): of a frame, or with `flush` of none. The GOP that the call
 * begins gets the model's shape. As muzero_rc_gop_levers_before_encode. Does nothing unless
 * prepared. */
int muzero_rc_callbacks_before_encode(muzero_rc_callbacks *callbacks,
                                      const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec,
                                      bool flush);

/* Levers that are to be left alone from now on: the program has set them itself. */
void muzero_rc_callbacks_keep(muzero_rc_callbacks *callbacks, bool length, bool layers,
                              bool filter);

/* What was asked for so far. Lives as long as `callbacks`. */
const muzero_rc_gop_levers *muzero_rc_callbacks_levers(const muzero_rc_callbacks *callbacks);

/* Of the encoder so far, or of the last one. error is -EPROTO where libvpx sent statistics of
 * another length than it announced, or asked before it sent any. */
muzero_rc_report muzero_rc_callbacks_report(const muzero_rc_callbacks *callbacks);

/* ---- What vpx/abi calls: 0, or the negative errno for which the encode fails ---- */

/* `by_index`: frames are asked for by `ask_by_index`, and results come without an error. */
int muzero_rc_callbacks_begin(muzero_rc_callbacks *callbacks, const muzero_rc_clip *clip,
                              bool by_index);

/* `count` records of `record_bytes`, each with the doubles of muzero_rc_frame_stats first. */
int muzero_rc_callbacks_stats(muzero_rc_callbacks *callbacks, const void *records,
                              size_t record_bytes, int32_t count);

/* libvpx checks nothing that it is told: *qindex is within [1, 255]. */
int muzero_rc_callbacks_ask(muzero_rc_callbacks *callbacks,
                            const muzero_rc_frame_request *request, int32_t *qindex);

/* The same where libvpx says only the frame's place in its GOP, and also asks ahead. */
int muzero_rc_callbacks_ask_by_index(muzero_rc_callbacks *callbacks, int32_t gop_index,
                                     int32_t *qindex);

int muzero_rc_callbacks_coded(muzero_rc_callbacks *callbacks,
                              const muzero_rc_frame_result *result);

void muzero_rc_callbacks_end(muzero_rc_callbacks *callbacks);

/* Since `begin`. */
muzero_rc_clip muzero_rc_callbacks_clip(const muzero_rc_callbacks *callbacks);

#endif /* MUZERO_RC_VPX_CALLBACKS_H_ */
