/* The libvpx whose headers the tests are compiled with; MUZERO_RC_LIBVPX names another. */
#ifndef MUZERO_RC_TESTS_SYSTEM_LIBVPX_H_
#define MUZERO_RC_TESTS_SYSTEM_LIBVPX_H_

#include <stdio.h>
#include <stdlib.h>

#include "vpx/library.h"

static inline const muzero_rc_libvpx *system_libvpx(void) {
  const char *const named = getenv("MUZERO_RC_LIBVPX");
  const muzero_rc_library *library = NULL;
  char error[512];
  if (muzero_rc_library_open(named ? named : "libvpx.so", &library, error, sizeof(error))) {
    fprintf(stderr, "%s\n", error);
    abort();
  }
  return &library->libvpx;
}

#endif /* MUZERO_RC_TESTS_SYSTEM_LIBVPX_H_ */
