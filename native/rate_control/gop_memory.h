/* What the GOPs before took and gave. */
#ifndef MUZERO_RC_RATE_CONTROL_GOP_MEMORY_H_
#define MUZERO_RC_RATE_CONTROL_GOP_MEMORY_H_

#include "rate_control/gop_schedule.h"

enum { MUZERO_RC_GOPS_REMEMBERED = 2 };

typedef struct muzero_rc_gop_result {
  int32_t length; /* shown frames; 0: none yet */
  int32_t hidden; /* most alt-refs that waited at once */
  int32_t coded;  /* frames */
  double bits;
  float quality; /* sum of the coded frames' PSNR of Y+U+V, in dB */
} muzero_rc_gop_result;

typedef struct muzero_rc_gop_memory {
  int32_t begun; /* GOPs */
  muzero_rc_gop_result present;
  muzero_rc_gop_result before[MUZERO_RC_GOPS_REMEMBERED]; /* latest first */
} muzero_rc_gop_memory;

/* A frame is asked for that the schedule has placed. */
void muzero_rc_gop_memory_begin(muzero_rc_gop_memory *memory,
                                const muzero_rc_gop_schedule *schedule);

/* Something took bits; quality: in dB, 0 of what was not coded. */
void muzero_rc_gop_memory_add(muzero_rc_gop_memory *memory, int64_t bits, float quality);

#endif /* MUZERO_RC_RATE_CONTROL_GOP_MEMORY_H_ */
