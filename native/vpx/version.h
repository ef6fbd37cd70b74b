/* Version check: whether the libvpx that the process loaded is the one we were built for. */
#ifndef MUZERO_RC_VPX_VERSION_H_
#define MUZERO_RC_VPX_VERSION_H_

#include <stddef.h>

/* As "1.12.0": of the headers, and of the library loaded. */
const char *muzero_rc_vpx_built(void);
const char *muzero_rc_vpx_loaded(void);

/* -ENOTSUP, with both versions in `error`, when they differ by more than a
 * patch release or the library refuses our encoder ABI. */
int muzero_rc_vpx_check(char *error, size_t error_size);

#endif /* MUZERO_RC_VPX_VERSION_H_ */
