/* Starting threads inside a program that is not ours. */
#ifndef MUZERO_RC_VPX_THREAD_H_
#define MUZERO_RC_VPX_THREAD_H_

#include <pthread.h>

/* Starts a thread that blocks all signals: those are for the program's own threads.
 * -EAGAIN when there can be no more. The caller joins it. */
int muzero_rc_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

#endif /* MUZERO_RC_VPX_THREAD_H_ */
