/* Threads side by side: everyone does every round once, what they wrote is seen, and where
 * a thread cannot be had nothing is left behind. */
#include "vpx/probe_workers.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "system_libvpx.h"
#include "vpx/probe_encoder.h"

enum { WORKERS = 3, ROUNDS = 2000 };

/* Threads that may still be had; below 0: any number. */
static int threads_left = -1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *argument) {
  if (threads_left == 0) return EAGAIN;
  if (threads_left > 0) --threads_left;
  return __real_pthread_create(thread, attributes, run, argument);
}

typedef struct tally {
  int round; /* written between rounds only */
  int done[WORKERS], seen[WORKERS];
} tally;

static void count(void *context, int worker) {
  tally *const sums = context;
  sums->done[worker] += 1;
  sums->seen[worker] = sums->round;
}

static void test_everyone_does_every_round(void) {
  tally sums = {0};
  muzero_rc_workers *workers = NULL;
  CHECK_EQ(muzero_rc_workers_open("test", WORKERS, count, &sums, &workers), 0);
  muzero_rc_workers_wait(workers); /* for nothing */
  for (sums.round = 1; sums.round <= ROUNDS; ++sums.round) {
    muzero_rc_workers_begin(workers);
    muzero_rc_workers_wait(workers);
    for (int worker = 0; worker < WORKERS; ++worker) {
      CHECK_EQ(sums.done[worker], sums.round);
      CHECK_EQ(sums.seen[worker], sums.round);
    }
  }
  muzero_rc_workers_close(&workers);
  CHECK(!workers);
  muzero_rc_workers_close(&workers);
}

static void test_closing_waits_for_the_round(void) {
  for (int i = 0; i < 200; ++i) {
    tally sums = {.round = 1};
    muzero_rc_workers *workers = NULL;
    CHECK_EQ(muzero_rc_workers_open("test", WORKERS, count, &sums, &workers), 0);
    muzero_rc_workers_begin(workers);
    muzero_rc_workers_close(&workers);
    for (int worker = 0; worker < WORKERS; ++worker) CHECK_EQ(sums.done[worker], 1);
  }
}

static void test_without_threads_there_is_nothing(void) {
  const muzero_rc_libvpx *const libvpx = system_libvpx();
  for (int had = 0; had < WORKERS; ++had) {
    tally sums = {0};
    muzero_rc_workers *workers = NULL;
    threads_left = had;
    CHECK_EQ(muzero_rc_workers_open("test", WORKERS, count, &sums, &workers), -EAGAIN);
    CHECK(!workers);
    threads_left = had;
    CHECK(!muzero_rc_probe_encoder_open(libvpx, 64, 48, 8));
  }
  threads_left = -1;
}

int main(void) {
  test_everyone_does_every_round();
  test_closing_waits_for_the_round();
  test_without_threads_there_is_nothing();
  return check_result();
}
