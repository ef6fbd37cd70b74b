/* A part of a film's first-pass statistics, as if a first pass had seen nothing else. */
#ifndef MUZERO_RC_VPX_FIRST_PASS_PART_H_
#define MUZERO_RC_VPX_FIRST_PASS_PART_H_

#include <stddef.h>
#include <stdint.h>

/* Bytes of the statistics of `count` frames with `fields` doubles each, the closing total included. */
size_t muzero_rc_first_pass_part_bytes(int32_t count, int fields);

/* Writes those of frames first..first + count - 1 of a film: their notes become notes of frames 0 and
 * on, and the total is theirs. `blob` is the film's, `fields` as in muzero_rc_release. -EINVAL where
 * it is no such blob, or the frames do not lie in it. */
int muzero_rc_first_pass_part(const void *blob, size_t size, int fields, int32_t first,
                              int32_t count, void *out);

#endif /* MUZERO_RC_VPX_FIRST_PASS_PART_H_ */
