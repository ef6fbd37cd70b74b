/* One encode's questions to whoever decides outside: each goes to the mailbox, and the encoder's
 * thread sleeps until it is answered. */
#ifndef MUZERO_RC_BRIDGE_ASKER_H_
#define MUZERO_RC_BRIDGE_ASKER_H_

#include <stdatomic.h>

#include "bridge/session.h"
#include "policy/decider.h"

typedef struct muzero_rc_asker {
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  muzero_rc_event *event;
  atomic_int kind; /* muzero_rc_event_kind of the question that is open, else 0 */
  int64_t wait_ns; /* spent waiting for answers */
} muzero_rc_asker;

/* -ENOMEM. Closed by muzero_rc_asker_close, also after a failure. */
int muzero_rc_asker_open(muzero_rc_asker *asker, muzero_rc_mailbox *mailbox, int32_t slot);
void muzero_rc_asker_close(muzero_rc_asker *asker);

/* A decider's two hooks; `self` is the asker. */
int muzero_rc_ask_qindex(void *self, const muzero_rc_clip_state *state,
                         const muzero_rc_frame_request *request, muzero_rc_decision *decision);
int muzero_rc_ask_shape(void *self, const muzero_rc_clip_state *state,
                        const muzero_rc_shape_question *question, muzero_rc_gop_shape *shape);

/* A shape as the mailbox's answer. Its members lie within what muzero_rc_gop_shape_is_valid takes
 * with the longest look-ahead. */
int32_t muzero_rc_shape_to_answer(const muzero_rc_gop_shape *shape);

#endif /* MUZERO_RC_BRIDGE_ASKER_H_ */
