#define _GNU_SOURCE /* dladdr */
#include "vpx/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that were opened, so that none is opened twice. */
typedef struct opened {
  struct opened *next;
  void *handle;
  muzero_rc_library library;
} opened;

static struct {
  pthread_mutex_t lock;
  opened *first;
} libraries = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *path_of(const muzero_rc_libvpx *libvpx, const char *name) {
  Dl_info info;
  void *function;
  memcpy(&function, &libvpx->encode, sizeof(function));
  const bool known = dladdr(function, &info) && info.dli_fname;
  return strdup(known ? info.dli_fname : name);
}

/* Why it is none for us; 0 when it is. */
static int check(const char *name, const char *missing, const muzero_rc_libvpx *libvpx,
                 char *error, size_t error_size) {
  char unknown[256];
  if (missing) {
    snprintf(error, error_size, "%s is no libvpx with an encoder: it has no %s", name, missing);
    return -ENOTSUP;
  }
  if (!libvpx->release) {
    muzero_rc_release_of(libvpx->version_str(), libvpx->encoder_abi, unknown, sizeof(unknown));
    snprintf(error, error_size, "%s is %s", name, unknown);
    return -ENOTSUP;
  }
  if (!libvpx->vp9_cx) {
    snprintf(error, error_size, "%s is a libvpx without VP9's encoder", name);
    return -ENOTSUP;
  }
  return 0;
}

static int open_new(const char *name, void *handle, opened **out, char *error,
                    size_t error_size) {
  opened *const entry = calloc(1, sizeof(*entry));
  if (!entry) {
    snprintf(error, error_size, "out of memory");
    return -ENOMEM;
  }
  muzero_rc_library *const library = &entry->library;
  const char *const missing = muzero_rc_libvpx_fill(handle, &library->libvpx);
  int failure = check(name, missing, &library->libvpx, error, error_size);
  if (!failure) {
    library->version = library->libvpx.release->version;
    library->path = path_of(&library->libvpx, name);
    if (!library->path) failure = -ENOMEM;
  }
  if (failure) {
    free(entry);
    return failure;
  }
  entry->handle = handle;
  *out = entry;
  return 0;
}

static int find_or_open(const char *name, void *handle, const muzero_rc_library **library,
                        char *error, size_t error_size) {
  opened *entry = libraries.first;
  while (entry && entry->handle != handle) entry = entry->next;
  if (entry) {
    dlclose(handle); /* it is held already */
  } else {
    const int failure = open_new(name, handle, &entry, error, error_size);
    if (failure) {
      dlclose(handle);
      return failure;
    }
    entry->next = libraries.first;
    libraries.first = entry;
  }
  *library = &entry->library;
  return 0;
}

int muzero_rc_library_open(const char *name, const muzero_rc_library **library, char *error,
                           size_t error_size) {
  *library = NULL;
  pthread_mutex_lock(&libraries.lock);
  void *const handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  int failure = -ENOENT;
  if (handle) {
    failure = find_or_open(name, handle, library, error, error_size);
  } else {
    const char *const reason = dlerror();
    snprintf(error, error_size, "%s", reason ? reason : name);
  }
  pthread_mutex_unlock(&libraries.lock);
  return failure;
}
