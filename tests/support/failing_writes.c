/* A disk that fails: the n-th call that writes to files below some folders ends with ENOSPC. Preloaded into a
 * program and, through its environment, into every program that it starts. See failing_writes.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared by all processes of a run and by the test, as four u64. */
typedef struct {
  _Atomic uint64_t nth;    /* call to fail, from 1; 0 for none */
  _Atomic uint64_t full;   /* 1: the disk is full from then on */
  _Atomic uint64_t calls;  /* so far */
  _Atomic uint64_t faults; /* so far */
} fault_state;

static fault_state *state;

__attribute__((constructor)) static void open_state(void) {
  const char *path = getenv("MUZERO_RC_FAULT_STATE");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) state = mapped;
  close(fd);
}

static int below_folders(const char *path) {
  const char *folders = getenv("MUZERO_RC_FAULT_FOLDERS");
  while (folders && *folders) {
    const size_t length = strcspn(folders, ":");
    if (strncmp(path, folders, length) == 0 && (path[length] == '/' || path[length] == '\0')) return 1;
    folders += length + (folders[length] == ':');
  }
  return 0;
}

static int is_watched(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return below_folders(path);
}

/* 0: go on; 1: fail; 2: the last bytes that the disk takes, half of what is asked for. */
static int verdict(int is_write) {
  const uint64_t call = atomic_fetch_add(&state->calls, 1) + 1, nth = atomic_load(&state->nth);
  const int full = atomic_load(&state->full) != 0;
  if (nth == 0 || call < nth || (call > nth && !(full && is_write))) return 0;
  atomic_fetch_add(&state->faults, 1);
  if (full && is_write && call == nth) return 2;
  errno = ENOSPC;
  return 1;
}

static int verdict_on(int fd, int is_write) {
  return state && is_watched(fd) ? verdict(is_write) : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRAP_WRITE(name, parameters, arguments, halved)                                 \
  ssize_t name parameters {                                                             \
    const int fault = verdict_on(fd, 1);                                                \
    if (fault == 1) return -1;                                                          \
    if (fault == 2) return halved;                                                      \
    return REAL(name) arguments;                                                        \
  }

static ssize_t half(ssize_t done) {
  if (done == 0) errno = ENOSPC;
  return done == 0 ? -1 : done;
}

WRAP_WRITE(write, (int fd, const void *data, size_t size), (fd, data, size), half(REAL(write)(fd, data, size / 2)))
WRAP_WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at),
           half(REAL(pwrite)(fd, data, size / 2, at)))
WRAP_WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at),
           half(REAL(pwrite64)(fd, data, size / 2, at)))
WRAP_WRITE(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
           half(REAL(writev)(fd, parts, count / 2)))
WRAP_WRITE(pwritev, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at),
           half(REAL(pwritev)(fd, parts, count / 2, at)))
WRAP_WRITE(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at),
           half(REAL(pwritev64)(fd, parts, count / 2, at)))
WRAP_WRITE(sendfile, (int fd, int from, off_t *at, size_t size), (fd, from, at, size),
           half(REAL(sendfile)(fd, from, at, size / 2)))
WRAP_WRITE(sendfile64, (int fd, int from, off64_t *at, size_t size), (fd, from, at, size),
           half(REAL(sendfile64)(fd, from, at, size / 2)))

ssize_t copy_file_range(int from, off64_t *from_at, int fd, off64_t *at, size_t size, unsigned flags) {
  const int fault = verdict_on(fd, 1);
  if (fault == 1) return -1;
  const ssize_t done = REAL(copy_file_range)(from, from_at, fd, at, fault == 2 ? size / 2 : size, flags);
  return fault == 2 ? half(done) : done;
}

/* glibc's own write(2) behind it cannot be caught; NumPy's tofile comes this way. */
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
  const int fault = verdict_on(fileno(stream), 1);
  if (fault == 0) return REAL(fwrite)(data, size, count, stream);
  const size_t done = fault == 2 ? REAL(fwrite)(data, size, count / 2, stream) : 0;
  errno = ENOSPC;
  return done;
}

int fsync(int fd) { return verdict_on(fd, 0) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return verdict_on(fd, 0) ? -1 : REAL(fdatasync)(fd); }

static int verdict_on_name(int folder, const char *path) {
  char whole[PATH_MAX], link[64];
  if (!state) return 0;
  if (path[0] == '/') return below_folders(path) ? verdict(0) : 0;
  if (folder != AT_FDCWD) snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  const ssize_t length = readlink(folder == AT_FDCWD ? "/proc/self/cwd" : link, whole, sizeof whole - 1);
  if (length < 0 || (size_t)length + strlen(path) + 2 > sizeof whole) return 0;
  whole[length] = '/';
  strcpy(whole + length + 1, path);
  return below_folders(whole) ? verdict(0) : 0;
}

int rename(const char *old, const char *new) {
  return verdict_on_name(AT_FDCWD, new) ? -1 : REAL(rename)(old, new);
}
int renameat(int old_folder, const char *old, int folder, const char *new) {
  return verdict_on_name(folder, new) ? -1 : REAL(renameat)(old_folder, old, folder, new);
}
int renameat2(int old_folder, const char *old, int folder, const char *new, unsigned flags) {
  return verdict_on_name(folder, new) ? -1 : REAL(renameat2)(old_folder, old, folder, new, flags);
}
