#include "bridge/rendezvous.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef enum slot_phase {
  SLOT_IDLE,    /* nothing runs, or the end event waits to be taken */
  SLOT_WORKING, /* the thread codes, the consumer can only wait */
  SLOT_POSTED,  /* an event waits to be taken */
  SLOT_TAKEN,   /* the consumer owes an answer */
  SLOT_ANSWERED
} slot_phase;

typedef struct mail_slot {
  pthread_cond_t wake; /* the slot's encoder thread sleeps here */
  slot_phase phase;
  bool cancelled;
  int32_t answer;
} mail_slot;

struct muzero_rc_mailbox {
  pthread_mutex_t lock;
  pthread_cond_t arrived; /* consumers sleep here */
  int32_t slots;
  int32_t queued; /* entries of queue[] */
  int32_t waiting; /* consumers asleep in `wait`... */
  int32_t wanted;  /* ...of whom the humblest wants so many events */
  size_t event_size;
  mail_slot *slot;
  int32_t *queue; /* slots with an event, oldest first */
  char *events;   /* [slots], event_size bytes each */
};

static int cond_open(pthread_cond_t *cond) {
  pthread_condattr_t attributes;
  int error = pthread_condattr_init(&attributes);
  if (error) return -error;
  error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  if (!error) error = pthread_cond_init(cond, &attributes);
  pthread_condattr_destroy(&attributes);
  return -error;
}

static int wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns) {
  const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                                    .tv_nsec = (long)(deadline_ns % 1000000000)};
  return -pthread_cond_timedwait(cond, lock, &deadline);
}

int muzero_rc_mailbox_open(int32_t slots, size_t event_size, muzero_rc_mailbox **mailbox) {
  *mailbox = NULL;
  if (slots < 1 || event_size < 1) return -EINVAL;
  const size_t count = (size_t)slots;
  int error = -ENOMEM;
  int32_t ready = 0;
  muzero_rc_mailbox *const box = calloc(1, sizeof(*box));
  if (!box) return -ENOMEM;
  box->slots = slots;
  box->event_size = event_size;
  box->slot = calloc(count, sizeof(*box->slot));
  box->queue = calloc(count, sizeof(*box->queue));
  box->events = calloc(count, event_size);
  if (!box->slot || !box->queue || !box->events) goto free_memory;
  error = -pthread_mutex_init(&box->lock, NULL);
  if (error) goto free_memory;
  error = cond_open(&box->arrived);
  if (error) goto destroy_lock;
  for (; ready < slots; ++ready) {
    error = cond_open(&box->slot[ready].wake);
    if (error) goto destroy_conds;
  }
  *mailbox = box;
  return 0;

destroy_conds:
  while (ready > 0) pthread_cond_destroy(&box->slot[--ready].wake);
  pthread_cond_destroy(&box->arrived);
destroy_lock:
  pthread_mutex_destroy(&box->lock);
free_memory:
  free(box->events);
  free(box->queue);
  free(box->slot);
  free(box);
  return error;
}

void muzero_rc_mailbox_close(muzero_rc_mailbox **mailbox) {
  muzero_rc_mailbox *const box = *mailbox;
  if (!box) return;
  *mailbox = NULL;
  for (int32_t i = 0; i < box->slots; ++i) pthread_cond_destroy(&box->slot[i].wake);
  pthread_cond_destroy(&box->arrived);
  pthread_mutex_destroy(&box->lock);
  free(box->events);
  free(box->queue);
  free(box->slot);
  free(box);
}

static void enqueue(muzero_rc_mailbox *box, int32_t slot, const void *event) {
  memcpy(box->events + (size_t)slot * box->event_size, event, box->event_size);
  box->queue[box->queued++] = slot;
  if (box->queued >= box->wanted) pthread_cond_broadcast(&box->arrived);
}

static void withdraw(muzero_rc_mailbox *box, int32_t slot) {
  int32_t kept = 0;
  for (int32_t i = 0; i < box->queued; ++i)
    if (box->queue[i] != slot) box->queue[kept++] = box->queue[i];
  box->queued = kept;
}

int muzero_rc_mailbox_begin(muzero_rc_mailbox *box, int32_t slot) {
  pthread_mutex_lock(&box->lock);
  mail_slot *const s = &box->slot[slot];
  const int error = s->phase == SLOT_IDLE ? 0 : -EBUSY;
  if (!error) {
    withdraw(box, slot);
    s->phase = SLOT_WORKING;
    s->cancelled = false;
  }
  pthread_mutex_unlock(&box->lock);
  return error;
}

void muzero_rc_mailbox_revoke(muzero_rc_mailbox *box, int32_t slot) {
  pthread_mutex_lock(&box->lock);
  box->slot[slot].phase = SLOT_IDLE;
  pthread_cond_broadcast(&box->arrived);
  pthread_mutex_unlock(&box->lock);
}

/* How many events there are or can come without the consumer's doing, and
 * whether any slot runs. */
static int32_t possible_events(const muzero_rc_mailbox *box, bool *running) {
  int32_t possible = box->queued;
  *running = false;
  for (int32_t i = 0; i < box->slots; ++i) {
    const mail_slot *const s = &box->slot[i];
    *running |= s->phase != SLOT_IDLE;
    possible += s->phase == SLOT_WORKING || s->phase == SLOT_ANSWERED ||
                (s->phase == SLOT_TAKEN && s->cancelled);
  }
  return possible;
}

static int32_t take(muzero_rc_mailbox *box, void *events, int32_t capacity) {
  const int32_t count = box->queued < capacity ? box->queued : capacity;
  char *out = events;
  for (int32_t i = 0; i < count; ++i, out += box->event_size) {
    const int32_t slot = box->queue[i];
    memcpy(out, box->events + (size_t)slot * box->event_size, box->event_size);
    if (box->slot[slot].phase == SLOT_POSTED) box->slot[slot].phase = SLOT_TAKEN;
  }
  box->queued -= count;
  memmove(box->queue, box->queue + count, (size_t)box->queued * sizeof(*box->queue));
  return count;
}

/* Sleeps until about `wanted` events are queued; waking early does no harm. */
static int sleep_for(muzero_rc_mailbox *box, int32_t wanted, int64_t deadline_ns) {
  if (box->waiting == 0 || wanted < box->wanted) box->wanted = wanted;
  box->waiting += 1;
  const int error = wait_until(&box->arrived, &box->lock, deadline_ns);
  box->waiting -= 1;
  return error;
}

int32_t muzero_rc_mailbox_wait(muzero_rc_mailbox *box, int32_t n, int64_t deadline_ns,
                               void *events, int32_t capacity) {
  int32_t result = 0;
  pthread_mutex_lock(&box->lock);
  for (;;) {
    bool running = false;
    const int32_t possible = possible_events(box, &running);
    const int32_t wanted = n < possible ? n : possible;
    if (possible == 0) {
      result = running ? -EDEADLK : 0;
      break;
    }
    if (box->queued >= wanted) {
      result = take(box, events, capacity);
      break;
    }
    if (result == -ETIMEDOUT) break;
    result = sleep_for(box, wanted, deadline_ns);
  }
  pthread_mutex_unlock(&box->lock);
  return result;
}

int muzero_rc_mailbox_answer(muzero_rc_mailbox *box, const int32_t *slots,
                             const int32_t *answers, int32_t n, int32_t *bad) {
  int error = 0;
  pthread_mutex_lock(&box->lock);
  for (int32_t i = 0; i < n && !error; ++i) {
    const bool exists = slots[i] >= 0 && slots[i] < box->slots;
    const mail_slot *const s = exists ? &box->slot[slots[i]] : NULL;
    if (!s || (s->phase != SLOT_TAKEN && !s->cancelled)) {
      *bad = slots[i];
      error = -EINVAL;
    }
  }
  for (int32_t i = 0; i < n && !error; ++i) {
    mail_slot *const s = &box->slot[slots[i]];
    if (s->phase != SLOT_TAKEN) continue; /* cancelled, or named twice: the first answer holds */
    s->answer = answers[i];
    s->phase = SLOT_ANSWERED;
    pthread_cond_signal(&s->wake);
  }
  pthread_mutex_unlock(&box->lock);
  return error;
}

int muzero_rc_mailbox_join(muzero_rc_mailbox *box, int32_t slot, int64_t deadline_ns) {
  int error = 0;
  pthread_mutex_lock(&box->lock);
  while (box->slot[slot].phase != SLOT_IDLE && error != -ETIMEDOUT)
    error = wait_until(&box->arrived, &box->lock, deadline_ns);
  if (box->slot[slot].phase == SLOT_IDLE) error = 0;
  pthread_mutex_unlock(&box->lock);
  return error;
}

bool muzero_rc_mailbox_quiet(muzero_rc_mailbox *box, int32_t slot) {
  pthread_mutex_lock(&box->lock);
  const mail_slot *const s = &box->slot[slot];
  const bool quiet = s->phase == SLOT_IDLE || (s->phase == SLOT_TAKEN && !s->cancelled);
  pthread_mutex_unlock(&box->lock);
  return quiet;
}

void muzero_rc_mailbox_cancel(muzero_rc_mailbox *box, int32_t slot) {
  pthread_mutex_lock(&box->lock);
  if (box->slot[slot].phase != SLOT_IDLE) {
    box->slot[slot].cancelled = true;
    pthread_cond_signal(&box->slot[slot].wake);
  }
  pthread_mutex_unlock(&box->lock);
}

int muzero_rc_mailbox_ask(muzero_rc_mailbox *box, int32_t slot, const void *event,
                          int32_t *answer) {
  pthread_mutex_lock(&box->lock);
  mail_slot *const s = &box->slot[slot];
  if (!s->cancelled) {
    s->phase = SLOT_POSTED;
    enqueue(box, slot, event);
  }
  while (s->phase != SLOT_ANSWERED && !s->cancelled) pthread_cond_wait(&s->wake, &box->lock);
  const int error = s->cancelled ? -ECANCELED : 0;
  if (error)
    withdraw(box, slot);
  else
    *answer = s->answer;
  s->phase = SLOT_WORKING;
  pthread_mutex_unlock(&box->lock);
  return error;
}

bool muzero_rc_mailbox_cancelled(muzero_rc_mailbox *box, int32_t slot) {
  pthread_mutex_lock(&box->lock);
  const bool cancelled = box->slot[slot].cancelled;
  pthread_mutex_unlock(&box->lock);
  return cancelled;
}

void muzero_rc_mailbox_end(muzero_rc_mailbox *box, int32_t slot, const void *event) {
  pthread_mutex_lock(&box->lock);
  box->slot[slot].phase = SLOT_IDLE;
  enqueue(box, slot, event);
  pthread_cond_broadcast(&box->arrived); /* for `join` */
  pthread_mutex_unlock(&box->lock);
}
