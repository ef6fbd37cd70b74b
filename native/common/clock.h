/* The monotonic clock. */
#ifndef MUZERO_RC_COMMON_CLOCK_H_
#define MUZERO_RC_COMMON_CLOCK_H_

#include <stdint.h>
#include <time.h>

static inline int64_t muzero_rc_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif /* MUZERO_RC_COMMON_CLOCK_H_ */
