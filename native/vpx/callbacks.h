/* libvpx's external rate control callbacks over a model: a clip's statistics come in, frames are
 * decided, results are booked. The bridge and the plugin run this one copy; what they add, they
 * add as the callbacks' owner. */
#ifndef MUZERO_RC_VPX_CALLBACKS_H_
#define MUZERO_RC_VPX_CALLBACKS_H_

#include <muzero_rc/plugin.h>

#include "policy/model.h"
#include "vpx/gop_levers.h"
#include "vpx/vpx_abi.h"

/* Whom the callbacks serve. What a function returns other than 0 is a negative errno and fails
 * the encode. */
typedef struct muzero_rc_callbacks_owner {
  void *self;
  /* Opens the model of the clip whose `stats` libvpx sends; the callbacks close it. */
  int (*open_model)(void *self, const muzero_rc_clip *clip, const muzero_rc_frame_stats *stats,
                    muzero_rc_model **model);
  /* Observers, both or NULL. Results come of show-existing frames too, without a decision. */
  int (*decided)(void *self, const muzero_rc_frame_request *request, const muzero_rc_model *model,
                 const muzero_rc_decision *decision);
  int (*coded)(void *self, const muzero_rc_frame_result *result);
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

/* What libvpx takes; it lives as long as `callbacks`. */
vpx_rc_funcs_t muzero_rc_callbacks_funcs(muzero_rc_callbacks *callbacks);

/* Before the first encode call, for GOPs whose shape the model decides: opens the model of the
 * clip at once, as the first GOP begins before libvpx sends its statistics, which are to be the
 * same. What the owner's open_model returns. */
int muzero_rc_callbacks_prepare(muzero_rc_callbacks *callbacks, const muzero_rc_clip *clip,
                                const muzero_rc_frame_stats *stats,
                                const muzero_rc_gop_settings *settings);

/* Before each vpx_codec_encode(): of a frame, or with `flush` of none. The GOP that the call
 * begins gets the model's shape. As muzero_rc_gop_levers_before_encode; the report has the error
 * too. Does nothing unless prepared. */
int muzero_rc_callbacks_before_encode(muzero_rc_callbacks *callbacks,
                                      const muzero_rc_libvpx *libvpx, vpx_codec_ctx_t *codec,
                                      bool flush);

/* What was asked for so far. Lives as long as `callbacks`. */
const muzero_rc_gop_levers *muzero_rc_callbacks_levers(const muzero_rc_callbacks *callbacks);

/* Of the encoder so far, or of the last one. error is -EPROTO where libvpx sent statistics of
 * another length than it announced, or asked before it sent any. */
muzero_rc_report muzero_rc_callbacks_report(const muzero_rc_callbacks *callbacks);

#endif /* MUZERO_RC_VPX_CALLBACKS_H_ */
