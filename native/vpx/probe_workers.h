/* A pool of worker threads that do their share of every round of work side by side. */
#ifndef MUZERO_RC_VPX_PROBE_WORKERS_H_
#define MUZERO_RC_VPX_PROBE_WORKERS_H_

typedef struct muzero_rc_workers muzero_rc_workers;

/* A worker's share, numbered from 0; called in its own thread, once a round. */
typedef void muzero_rc_work(void *context, int worker);

/* Starts `count` threads, which block all signals and are seen under `name` (at most 15
 * characters). -ENOMEM, -EAGAIN. The caller owns *workers; on failure it is NULL. `name`
 * and `context` must live until they are closed. */
int muzero_rc_workers_open(const char *name, int count, muzero_rc_work *work, void *context,
                           muzero_rc_workers **workers);

/* Waits for the round under way, ends the threads and sets *workers to NULL; NULL is fine. */
void muzero_rc_workers_close(muzero_rc_workers **workers);

/* Begins a round; the one before must be over. What was written before is seen by it. */
void muzero_rc_workers_begin(muzero_rc_workers *workers);

/* Waits until the round is over; at once when none is under way. What the workers wrote
 * is seen after it. */
void muzero_rc_workers_wait(muzero_rc_workers *workers);

#endif /* MUZERO_RC_VPX_PROBE_WORKERS_H_ */
