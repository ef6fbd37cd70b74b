/* A pool of encodes: a fixed number of slots that share one mailbox. Calls for one slot, and
 * `start`, `stop` and `close`, are for one thread at a time. */
#ifndef MUZERO_RC_BRIDGE_POOL_H_
#define MUZERO_RC_BRIDGE_POOL_H_

#include "bridge/session.h"

typedef struct muzero_rc_pool muzero_rc_pool;

int muzero_rc_pool_open(int32_t slots, muzero_rc_pool **pool);

/* Cancels what runs, joins every thread, frees everything and sets *pool to
 * NULL; NULL is fine. */
void muzero_rc_pool_close(muzero_rc_pool **pool);

/* Cancels what runs and joins every thread; ended encodes are forgotten. */
void muzero_rc_pool_stop(muzero_rc_pool *pool);

int32_t muzero_rc_pool_slots(const muzero_rc_pool *pool);
muzero_rc_mailbox *muzero_rc_pool_mailbox(muzero_rc_pool *pool);

/* Starts an encode and forgets the one that ended there before. As
 * muzero_rc_session_open; -EBUSY when the slot's encode still runs. */
int muzero_rc_pool_start(muzero_rc_pool *pool, int32_t slot,
                         const muzero_rc_session_options *options, muzero_rc_source **source,
                         char *error, size_t error_size);

/* The slot's encode, running or ended; NULL before the first. */
muzero_rc_session *muzero_rc_pool_session(muzero_rc_pool *pool, int32_t slot);

/* Whether the slot's encode, if any, has ended. */
bool muzero_rc_pool_idle(muzero_rc_pool *pool, int32_t slot);

/* Whether it has, or waits for a decision that its consumer knows of. */
bool muzero_rc_pool_quiet(muzero_rc_pool *pool, int32_t slot);

#endif /* MUZERO_RC_BRIDGE_POOL_H_ */
