#define _GNU_SOURCE /* pthread_setname_np */
#include "vpx/probe_workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vpx/thread.h"

typedef struct worker {
  muzero_rc_workers *all;
  int number;
  pthread_t thread;
} worker;

struct muzero_rc_workers {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  const char *name;
  muzero_rc_work *work;
  void *context;
  long round;  /* so many were begun */
  int at_work; /* workers that have not done their share of it */
  bool end;
  int count; /* threads that run */
  worker members[];
};

static void *run(void *argument) {
  const worker *const self = argument;
  muzero_rc_workers *const all = self->all;
  long done = 0;
  pthread_setname_np(pthread_self(), all->name);
  pthread_mutex_lock(&all->lock);
  for (;;) {
    while (!all->end && all->round == done) pthread_cond_wait(&all->changed, &all->lock);
    if (all->round == done) break; /* the end, and nothing left to do */
    pthread_mutex_unlock(&all->lock);
    all->work(all->context, self->number);
    pthread_mutex_lock(&all->lock);
    ++done;
    if (--all->at_work == 0) pthread_cond_broadcast(&all->changed);
  }
  pthread_mutex_unlock(&all->lock);
  return NULL;
}

static int start(muzero_rc_workers *all, int count) {
  for (; all->count < count; ++all->count) {
    worker *const member = &all->members[all->count];
    *member = (worker){.all = all, .number = all->count};
    const int error = muzero_rc_thread_start(&member->thread, run, member);
    if (error) return error;
  }
  return 0;
}

int muzero_rc_workers_open(const char *name, int count, muzero_rc_work *work, void *context,
                           muzero_rc_workers **workers) {
  *workers = calloc(1, sizeof(**workers) + (size_t)count * sizeof(worker));
  if (!*workers) return -ENOMEM;
  (*workers)->name = name;
  (*workers)->work = work;
  (*workers)->context = context;
  pthread_mutex_init(&(*workers)->lock, NULL); /* these two cannot fail on Linux */
  pthread_cond_init(&(*workers)->changed, NULL);
  const int error = start(*workers, count);
  if (error) muzero_rc_workers_close(workers);
  return error;
}

void muzero_rc_workers_close(muzero_rc_workers **workers) {
  muzero_rc_workers *const all = *workers;
  if (!all) return;
  muzero_rc_workers_wait(all);
  pthread_mutex_lock(&all->lock);
  all->end = true;
  pthread_cond_broadcast(&all->changed);
  pthread_mutex_unlock(&all->lock);
  for (int i = 0; i < all->count; ++i) pthread_join(all->members[i].thread, NULL);
  pthread_cond_destroy(&all->changed);
  pthread_mutex_destroy(&all->lock);
  free(all);
  *workers = NULL;
}

void muzero_rc_workers_begin(muzero_rc_workers *all) {
  pthread_mutex_lock(&all->lock);
  ++all->round;
  all->at_work = all->count;
  pthread_cond_broadcast(&all->changed);
  pthread_mutex_unlock(&all->lock);
}

void muzero_rc_workers_wait(muzero_rc_workers *all) {
  pthread_mutex_lock(&all->lock);
  while (all->at_work > 0) pthread_cond_wait(&all->changed, &all->lock);
  pthread_mutex_unlock(&all->lock);
}
