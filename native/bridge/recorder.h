/* The recorder of one encode's rate control: a record of what became of each frame, and in ASK
 * mode the decider that hands each question to the mailbox. Used by one thread; which one, and
 * when, is the session's business. */
#ifndef MUZERO_RC_BRIDGE_RECORDER_H_
#define MUZERO_RC_BRIDGE_RECORDER_H_

#include <muzero_rc/plugin.h>

#include "bridge/session.h"

typedef struct muzero_rc_recorder muzero_rc_recorder;

/* For ASK and POLICY mode of a second pass. Everything that can fail does so here: libvpx goes on
 * with its own rate control when a callback fails early. The caller owns *recorder. `options` may
 * go away; its policy may not. */
int muzero_rc_recorder_open(muzero_rc_mailbox *mailbox, int32_t slot,
                            const muzero_rc_session_options *options,
                            muzero_rc_recorder **recorder);

/* Closes and sets *recorder to NULL; NULL is fine. */
void muzero_rc_recorder_close(muzero_rc_recorder **recorder);

/* Registers the callbacks; the recorder must outlive the codec. */
int muzero_rc_recorder_attach(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec);

/* Before each vpx_codec_encode(): of a frame, or with `flush` of none. Gives the GOP that the call
 * begins its shape. The report has what failed. */
int muzero_rc_recorder_before_encode(muzero_rc_recorder *recorder, vpx_codec_ctx_t *codec,
                                     bool flush);

/* For each packet of a shown frame: see muzero_rc_callbacks_shown. */
void muzero_rc_recorder_shown(muzero_rc_recorder *recorder, int64_t sse);

/* Decisions so far; error is 0, or why a callback failed: -ECANCELED, -ENOMEM, -EPROTO (libvpx
 * sent another clip or other statistics than it was given), -ENOTSUP. */
muzero_rc_report muzero_rc_recorder_report(const muzero_rc_recorder *recorder);

/* Spent waiting for answers. */
int64_t muzero_rc_recorder_wait_ns(const muzero_rc_recorder *recorder);

/* Items are muzero_rc_gop_shape: what was asked for, GOP by GOP. */
const muzero_rc_array *muzero_rc_recorder_shapes(const muzero_rc_recorder *recorder);

/* muzero_rc_event_kind of the question that waits for its answer, else 0. */
int muzero_rc_recorder_question(const muzero_rc_recorder *recorder);

/* Items are muzero_rc_record. */
const muzero_rc_array *muzero_rc_recorder_records(const muzero_rc_recorder *recorder);

#endif /* MUZERO_RC_BRIDGE_RECORDER_H_ */
