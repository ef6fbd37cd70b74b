/* A libvpx that is found at run time. */
#ifndef MUZERO_RC_VPX_LIBRARY_H_
#define MUZERO_RC_VPX_LIBRARY_H_

#include "vpx/libvpx_calls.h"

typedef struct muzero_rc_library {
  muzero_rc_libvpx libvpx;
  char *path;          /* of the file, as the loader found it */
  const char *version; /* as "1.12.0" */
} muzero_rc_library;

/* Loads the library `name`: a path, or a name that the loader looks for, such as "libvpx.so.7".
 * -ENOENT when it cannot be loaded, -ENOTSUP when it is no libvpx, has no VP9 encoder, or is one
 * that we do not know, -ENOMEM; `error` then has one line, and *library is NULL. It is never
 * unloaded: what it lent may be in use anywhere until the process ends. */
int muzero_rc_library_open(const char *name, const muzero_rc_library **library, char *error,
                           size_t error_size);

#endif /* MUZERO_RC_VPX_LIBRARY_H_ */
