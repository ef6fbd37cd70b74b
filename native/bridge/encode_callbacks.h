/* The callbacks of libvpx's external rate control for one encode: who is asked
 * for a qindex, and the record of what became of each frame. Used by one
 * thread; which one, and when, is the session's business. */
#ifndef MUZERO_RC_BRIDGE_HOOK_H_
#define MUZERO_RC_BRIDGE_HOOK_H_

#include "bridge/session.h"

typedef struct muzero_rc_hook muzero_rc_hook;

typedef struct muzero_rc_hook_counts {
  int32_t decisions;
  int32_t guarded;
  int32_t fallbacks;
  int64_t wait_ns;
} muzero_rc_hook_counts;

/* For ASK and POLICY mode of a second pass. Everything that can fail does so
 * here: libvpx goes on with its own rate control when a callback fails early.
 * `options` may go away; its policy may not. */
int muzero_rc_hook_open(muzero_rc_mailbox *mailbox, int32_t slot,
                        const muzero_rc_session_options *options, muzero_rc_hook **hook);

/* Closes and sets *hook to NULL; NULL is fine. */
void muzero_rc_hook_close(muzero_rc_hook **hook);

/* Registers the callbacks; the hook must outlive the codec. */
int muzero_rc_hook_attach(muzero_rc_hook *hook, vpx_codec_ctx_t *codec);

/* 0, or why a callback failed: -ECANCELED, -ENOMEM, -EPROTO (libvpx sent
 * another clip or other statistics than it was given). */
int muzero_rc_hook_error(const muzero_rc_hook *hook);

muzero_rc_hook_counts muzero_rc_hook_count(const muzero_rc_hook *hook);

/* Items are muzero_rc_record. */
const muzero_rc_array *muzero_rc_hook_records(const muzero_rc_hook *hook);

#endif /* MUZERO_RC_BRIDGE_HOOK_H_ */
