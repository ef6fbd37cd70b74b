#define _GNU_SOURCE /* dladdr, RTLD_NEXT */
#include "plugin/resolve.h"

#include <dlfcn.h>
#include <pthread.h>

enum { KNOWN_MAX = 8 }; /* interfaces in use: VP8 and VP9, of one or two libraries */

static struct {
  pthread_mutex_t lock;
  int count;
  const vpx_codec_iface_t *iface[KNOWN_MAX];
  muzero_rc_libvpx libvpx[KNOWN_MAX];
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The library that holds `iface`: found even when a plugin of the program
 * loaded it for itself, and the right one when there are two. */
static bool fill_from_owner(const vpx_codec_iface_t *iface, muzero_rc_libvpx *libvpx) {
  Dl_info owner;
  if (!iface || !dladdr(iface, &owner) || !owner.dli_fname) return false;
  void *const library = dlopen(owner.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (!library) return false;
  const bool found = !muzero_rc_libvpx_fill(library, libvpx);
  dlclose(library);
  return found;
}

static bool resolve(const vpx_codec_iface_t *iface, muzero_rc_libvpx *libvpx) {
  for (int i = 0; i < known.count; ++i) {
    if (known.iface[i] != iface) continue;
    *libvpx = known.libvpx[i];
    return true;
  }
  if (!fill_from_owner(iface, libvpx) && muzero_rc_libvpx_fill(RTLD_NEXT, libvpx)) return false;
  if (known.count < KNOWN_MAX) {
    known.iface[known.count] = iface;
    known.libvpx[known.count++] = *libvpx;
  }
  return true;
}

bool muzero_rc_libvpx_of(const vpx_codec_iface_t *iface, muzero_rc_libvpx *libvpx) {
  pthread_mutex_lock(&known.lock);
  const bool found = resolve(iface, libvpx);
  pthread_mutex_unlock(&known.lock);
  return found;
}

bool muzero_rc_libvpx_is_there(void) { return dlsym(RTLD_NEXT, "vpx_codec_version") != NULL; }
