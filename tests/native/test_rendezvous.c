/* The mailbox: order, deadlines, cancelling, and many threads at once. */
#include <errno.h>
#include <pthread.h>

#include "bridge/rendezvous.h"
#include "common/clock.h"
#include "check.h"

typedef struct question {
  int32_t slot;
  int32_t number; /* -1: the end */
} question;

enum { SECOND_NS = 1000000000 };

static int64_t in_ns(int64_t ns) { return muzero_rc_now_ns() + ns; }

/* Only a hang takes so long. */
static int64_t later(void) { return in_ns(900LL * SECOND_NS); }

/* An encoder thread: asks `count` questions whose answer is their number + 1. */
typedef struct asker {
  muzero_rc_mailbox *mailbox;
  int32_t slot;
  int32_t count;
  int32_t right;
  int error;
  pthread_t thread;
} asker;

static void *ask_all(void *argument) {
  asker *const a = argument;
  for (int32_t i = 0; i < a->count && !a->error; ++i) {
    const question q = {a->slot, i};
    int32_t answer = 0;
    a->error = muzero_rc_mailbox_ask(a->mailbox, a->slot, &q, &answer);
    if (!a->error) a->right += answer == i + 1;
  }
  const question end = {a->slot, -1};
  muzero_rc_mailbox_end(a->mailbox, a->slot, &end);
  return NULL;
}

static void start_asker(asker *a, muzero_rc_mailbox *mailbox, int32_t slot, int32_t count) {
  *a = (asker){.mailbox = mailbox, .slot = slot, .count = count};
  muzero_rc_mailbox_begin(mailbox, slot);
  pthread_create(&a->thread, NULL, ask_all, a);
}

/* Answers until nothing runs; takes at least `n` at a time. Returns how many
 * questions came, or what the wait failed with. */
static int32_t answer_all(muzero_rc_mailbox *mailbox, int32_t n) {
  enum { CAPACITY = 8 };
  question got[CAPACITY];
  int32_t total = 0;
  for (;;) {
    const int32_t count =
        muzero_rc_mailbox_wait(mailbox, n, later(), got, CAPACITY);
    if (count <= 0) return count < 0 ? count : total;
    for (int32_t i = 0; i < count; ++i) {
      if (got[i].number < 0) continue;
      const int32_t answer = got[i].number + 1;
      int32_t bad = 0;
      const int error = muzero_rc_mailbox_answer(mailbox, &got[i].slot, &answer, 1, &bad);
      if (error) return error;
      ++total;
    }
  }
}

static void test_many_threads_get_their_own_answers(void) {
  enum { SLOTS = 6, QUESTIONS = 300 };
  muzero_rc_mailbox *mailbox = NULL;
  asker askers[SLOTS];
  CHECK_EQ(muzero_rc_mailbox_open(SLOTS, sizeof(question), &mailbox), 0);
  for (int32_t i = 0; i < SLOTS; ++i) start_asker(&askers[i], mailbox, i, QUESTIONS + i);
  const int32_t answered = answer_all(mailbox, 3);
  for (int32_t i = 0; i < SLOTS; ++i) pthread_join(askers[i].thread, NULL);
  CHECK_EQ(answered, SLOTS * QUESTIONS + 15);
  for (int32_t i = 0; i < SLOTS; ++i) CHECK_EQ(askers[i].right, QUESTIONS + i);
  muzero_rc_mailbox_close(&mailbox);
  CHECK(mailbox == NULL);
}

static void test_deadline_passes(void) {
  muzero_rc_mailbox *mailbox = NULL;
  question got;
  muzero_rc_mailbox_open(1, sizeof(question), &mailbox);
  CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, in_ns(0), &got, 1), 0); /* nothing runs */
  muzero_rc_mailbox_begin(mailbox, 0);
  CHECK_EQ(muzero_rc_mailbox_begin(mailbox, 0), -EBUSY);
  CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, in_ns(1000000), &got, 1), -ETIMEDOUT);
  CHECK_EQ(muzero_rc_mailbox_join(mailbox, 0, in_ns(1000000)), -ETIMEDOUT);
  muzero_rc_mailbox_close(&mailbox);
}

static void test_unanswered_consumer_is_told(void) {
  muzero_rc_mailbox *mailbox = NULL;
  asker a;
  question got;
  muzero_rc_mailbox_open(1, sizeof(question), &mailbox);
  start_asker(&a, mailbox, 0, 1);
  CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, later(), &got, 1), 1);
  CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, later(), &got, 1), -EDEADLK);
  CHECK_EQ(answer_all(mailbox, 0), -EDEADLK);
  const int32_t slot = 0, answer = 1;
  int32_t bad = -1;
  CHECK_EQ(muzero_rc_mailbox_answer(mailbox, &slot, &answer, 1, &bad), 0);
  CHECK_EQ(muzero_rc_mailbox_join(mailbox, 0, later()), 0);
  CHECK_EQ(muzero_rc_mailbox_answer(mailbox, &slot, &answer, 1, &bad), -EINVAL);
  CHECK_EQ(bad, 0);
  pthread_join(a.thread, NULL);
  CHECK_EQ(a.right, 1);
  muzero_rc_mailbox_close(&mailbox);
}

static void test_answers_go_out_all_or_none(void) {
  muzero_rc_mailbox *mailbox = NULL;
  asker a;
  question got;
  muzero_rc_mailbox_open(2, sizeof(question), &mailbox);
  start_asker(&a, mailbox, 0, 1);
  CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, later(), &got, 1), 1);
  const int32_t slots[] = {0, 7}, answers[] = {99, 99};
  int32_t bad = -1;
  CHECK_EQ(muzero_rc_mailbox_answer(mailbox, slots, answers, 2, &bad), -EINVAL);
  CHECK_EQ(bad, 7);
  const int32_t right = 1;
  CHECK_EQ(muzero_rc_mailbox_answer(mailbox, slots, &right, 1, &bad), 0);
  pthread_join(a.thread, NULL);
  CHECK_EQ(a.right, 1);
  muzero_rc_mailbox_close(&mailbox);
}

/* Cancels a thread before, while and after its question waits to be taken. */
static void test_cancel_wakes_the_asker(void) {
  for (int when = 0; when < 3; ++when) {
    muzero_rc_mailbox *mailbox = NULL;
    asker a;
    question got = {0, 0};
    muzero_rc_mailbox_open(1, sizeof(question), &mailbox);
    start_asker(&a, mailbox, 0, 1000);
    if (when == 1) /* until the question is there, but leaves it */
      CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, later(), &got, 0), 0);
    if (when == 2)
      CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, later(), &got, 1), 1);
    muzero_rc_mailbox_cancel(mailbox, 0);
    CHECK_EQ(muzero_rc_mailbox_join(mailbox, 0, later()), 0);
    pthread_join(a.thread, NULL);
    CHECK_EQ(a.error, -ECANCELED);
    /* What is left is the end, not the question. */
    CHECK_EQ(muzero_rc_mailbox_wait(mailbox, 1, in_ns(0), &got, 1), 1);
    CHECK_EQ(got.number, -1);
    /* The slot serves again, as if nothing had been. */
    start_asker(&a, mailbox, 0, 3);
    CHECK_EQ(answer_all(mailbox, 1), 3);
    pthread_join(a.thread, NULL);
    CHECK_EQ(a.right, 3);
    muzero_rc_mailbox_close(&mailbox);
  }
}

static void test_an_end_that_nobody_took_is_dropped(void) {
  muzero_rc_mailbox *mailbox = NULL;
  asker a;
  muzero_rc_mailbox_open(1, sizeof(question), &mailbox);
  start_asker(&a, mailbox, 0, 0);
  pthread_join(a.thread, NULL);
  start_asker(&a, mailbox, 0, 2);
  CHECK_EQ(answer_all(mailbox, 1), 2);
  pthread_join(a.thread, NULL);
  muzero_rc_mailbox_close(&mailbox);
}

int main(void) {
  test_many_threads_get_their_own_answers();
  test_deadline_passes();
  test_unanswered_consumer_is_told();
  test_answers_go_out_all_or_none();
  test_cancel_wakes_the_asker();
  test_an_end_that_nobody_took_is_dropped();
  return check_result();
}
