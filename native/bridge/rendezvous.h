/* The mailbox between encoder threads and the consumer who decides.
 *
 * Encoder threads post an event and sleep until it is answered or cancelled;
 * a consumer waits for as many events as it wants, up to a deadline. Threads
 * and clocks only: nothing here knows libvpx or Python.
 *
 * A slot is idle, or it runs from `begin` until its `end` event. Deadlines are
 * nanoseconds of CLOCK_MONOTONIC. */
#ifndef MUZERO_RC_BRIDGE_RENDEZVOUS_H_
#define MUZERO_RC_BRIDGE_RENDEZVOUS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct muzero_rc_mailbox muzero_rc_mailbox;

/* Events are plain bytes of `event_size`. The caller owns *mailbox. */
int muzero_rc_mailbox_open(int32_t slots, size_t event_size, muzero_rc_mailbox **mailbox);

/* Closes and sets *mailbox to NULL; nobody may be inside. NULL is fine. */
void muzero_rc_mailbox_close(muzero_rc_mailbox **mailbox);

/* -- the consumer's side -- */

/* The slot runs from here on; an end event that nobody took is dropped.
 * -EBUSY when it runs already. */
int muzero_rc_mailbox_begin(muzero_rc_mailbox *mailbox, int32_t slot);

/* Takes `begin` back: the slot never ran. */
void muzero_rc_mailbox_revoke(muzero_rc_mailbox *mailbox, int32_t slot);

/* Waits until `n` events, or as many as can still come, are there, then copies
 * up to `capacity`, oldest first, to `events`. Returns how many; 0 when no slot
 * runs; -EDEADLK when every running slot waits for an answer; -ETIMEDOUT. */
int32_t muzero_rc_mailbox_wait(muzero_rc_mailbox *mailbox, int32_t n, int64_t deadline_ns,
                               void *events, int32_t capacity);

/* Answers `n` slots, or none: -EINVAL, with *bad the first slot that waits for
 * no answer. A cancelled slot takes any answer and drops it. */
int muzero_rc_mailbox_answer(muzero_rc_mailbox *mailbox, const int32_t *slots,
                             const int32_t *answers, int32_t n, int32_t *bad);

/* Waits until the slot runs no more. 0 or -ETIMEDOUT. */
int muzero_rc_mailbox_join(muzero_rc_mailbox *mailbox, int32_t slot, int64_t deadline_ns);

/* Whether the slot's thread does nothing until the consumer acts: it waits for
 * an answer to a question that was taken, or it has ended. */
bool muzero_rc_mailbox_quiet(muzero_rc_mailbox *mailbox, int32_t slot);

/* Wakes the slot's thread with -ECANCELED, now or at its next `ask`. */
void muzero_rc_mailbox_cancel(muzero_rc_mailbox *mailbox, int32_t slot);

/* -- the encoder thread's side -- */

/* Posts an event and sleeps until it is answered. 0 or -ECANCELED. */
int muzero_rc_mailbox_ask(muzero_rc_mailbox *mailbox, int32_t slot, const void *event,
                          int32_t *answer);

bool muzero_rc_mailbox_cancelled(muzero_rc_mailbox *mailbox, int32_t slot);

/* Posts the slot's last event; the slot is idle afterwards. Never blocks. */
void muzero_rc_mailbox_end(muzero_rc_mailbox *mailbox, int32_t slot, const void *event);

#endif /* MUZERO_RC_BRIDGE_RENDEZVOUS_H_ */
