/* What the interface's layouts have in common: the callbacks return 0 for success and 1 for an
 * error, and a model is whatever create_model said it is. */
#ifndef MUZERO_RC_VPX_ABI_COMMON_H_
#define MUZERO_RC_VPX_ABI_COMMON_H_

#include <stdint.h>

enum { MUZERO_RC_VPX_OK = 0, MUZERO_RC_VPX_ERROR = 1 };

/* rc_type, from ABI 6 on: what is decided outside. The others are never asked for: RDMULT aborts
 * the process where a pyramid shows a frame again, GOP loses the pyramid from ABI 9 on. */
enum { MUZERO_RC_VPX_DECIDES_QP = 1 };

/* The first-pass statistics of all shown frames: `records` of the layout's own size. */
typedef struct muzero_rc_vpx_stats {
  const void *records;
  int num_frames;
} muzero_rc_vpx_stats;

static inline int muzero_rc_vpx_status(int error) {
  return error ? MUZERO_RC_VPX_ERROR : MUZERO_RC_VPX_OK;
}

#endif /* MUZERO_RC_VPX_ABI_COMMON_H_ */
