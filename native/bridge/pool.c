#include "bridge/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct muzero_rc_pool {
  muzero_rc_mailbox *mailbox;
  int32_t slots;
  muzero_rc_session *session[]; /* [slots] */
};

int muzero_rc_pool_open(int32_t slots, muzero_rc_pool **pool) {
  *pool = NULL;
  if (slots < 1) return -EINVAL;
  const size_t sessions = (size_t)slots * sizeof(muzero_rc_session *);
  muzero_rc_pool *const p = calloc(1, sizeof(*p) + sessions);
  if (!p) return -ENOMEM;
  p->slots = slots;
  const int error = muzero_rc_mailbox_open(slots, muzero_rc_event_size(), &p->mailbox);
  if (error)
    free(p);
  else
    *pool = p;
  return error;
}

void muzero_rc_pool_stop(muzero_rc_pool *pool) {
  /* All are cancelled before the first is joined, so that they end together. */
  for (int32_t i = 0; i < pool->slots; ++i)
    if (pool->session[i]) muzero_rc_session_cancel(pool->session[i]);
  for (int32_t i = 0; i < pool->slots; ++i) muzero_rc_session_close(&pool->session[i]);
}

void muzero_rc_pool_close(muzero_rc_pool **pool) {
  if (!*pool) return;
  muzero_rc_pool_stop(*pool);
  muzero_rc_mailbox_close(&(*pool)->mailbox);
  free(*pool);
  *pool = NULL;
}

int32_t muzero_rc_pool_slots(const muzero_rc_pool *pool) { return pool->slots; }

muzero_rc_mailbox *muzero_rc_pool_mailbox(muzero_rc_pool *pool) { return pool->mailbox; }

int muzero_rc_pool_start(muzero_rc_pool *pool, int32_t slot,
                         const muzero_rc_session_options *options, muzero_rc_source **source,
                         char *error, size_t error_size) {
  if (muzero_rc_mailbox_begin(pool->mailbox, slot)) {
    snprintf(error, error_size, "slot %d still runs", (int)slot);
    return -EBUSY;
  }
  muzero_rc_session_close(&pool->session[slot]);
  const int failure = muzero_rc_session_open(pool->mailbox, slot, options, source,
                                             &pool->session[slot], error, error_size);
  if (failure) muzero_rc_mailbox_revoke(pool->mailbox, slot);
  return failure;
}

muzero_rc_session *muzero_rc_pool_session(muzero_rc_pool *pool, int32_t slot) {
  return pool->session[slot];
}

bool muzero_rc_pool_quiet(muzero_rc_pool *pool, int32_t slot) {
  return muzero_rc_mailbox_quiet(pool->mailbox, slot);
}

bool muzero_rc_pool_idle(muzero_rc_pool *pool, int32_t slot) {
  return muzero_rc_mailbox_join(pool->mailbox, slot, 0) == 0;
}
