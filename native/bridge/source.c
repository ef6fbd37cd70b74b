#include "bridge/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct muzero_rc_source {
  size_t frame_bytes;
  const uint8_t *data; /* memory: the next frame */
  size_t left;         /* memory: bytes from there */
  uint8_t *frame;      /* descriptor: the frame last read */
  int fd;              /* -1: memory */
  int cancel[2];       /* descriptor: a pipe whose writing end, once closed, wakes poll() */
};

int muzero_rc_source_open_memory(const uint8_t *data, size_t size, size_t frame_bytes,
                                 muzero_rc_source **source) {
  muzero_rc_source *const s = calloc(1, sizeof(*s));
  *source = s;
  if (!s) return -ENOMEM;
  s->frame_bytes = frame_bytes;
  s->data = data;
  s->left = size;
  s->fd = s->cancel[0] = s->cancel[1] = -1;
  return 0;
}

int muzero_rc_source_open_fd(int fd, size_t frame_bytes, muzero_rc_source **source) {
  int error = muzero_rc_source_open_memory(NULL, 0, frame_bytes, source);
  if (error) return error;
  muzero_rc_source *const s = *source;
  s->frame = malloc(frame_bytes);
  if (!s->frame) {
    error = -ENOMEM;
    goto fail;
  }
  s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (s->fd < 0 || pipe(s->cancel)) {
    error = -errno;
    goto fail;
  }
  for (int i = 0; i < 2; ++i) {
    fcntl(s->cancel[i], F_SETFD, FD_CLOEXEC);
    fcntl(s->cancel[i], F_SETFL, O_NONBLOCK);
  }
  return 0;

fail:
  muzero_rc_source_close(source);
  return error;
}

void muzero_rc_source_close(muzero_rc_source **source) {
  muzero_rc_source *const s = *source;
  if (!s) return;
  *source = NULL;
  muzero_rc_source_finish(s);
  for (int i = 0; i < 2; ++i)
    if (s->cancel[i] >= 0) close(s->cancel[i]);
  free(s->frame);
  free(s);
}

void muzero_rc_source_finish(muzero_rc_source *source) {
  if (source->fd >= 0) close(source->fd);
  source->fd = -1;
  source->left = 0;
}

void muzero_rc_source_cancel(muzero_rc_source *source) {
  if (source->cancel[1] < 0) return;
  /* A pipe that is full has woken the reader already. */
  const ssize_t written = write(source->cancel[1], "", 1);
  (void)written;
}

/* Sleeps until the descriptor has something, or its end. */
static int wait_readable(const muzero_rc_source *s) {
  struct pollfd fds[] = {{.fd = s->fd, .events = POLLIN}, {.fd = s->cancel[0], .events = POLLIN}};
  for (;;) {
    const int ready = poll(fds, 2, -1);
    if (ready < 0 && errno != EINTR) return -errno;
    if (ready <= 0) continue;
    return fds[1].revents ? -ECANCELED : 0;
  }
}

static int next_from_fd(muzero_rc_source *s) {
  size_t filled = 0;
  while (filled < s->frame_bytes) {
    const int error = wait_readable(s);
    if (error) return error;
    const ssize_t got = read(s->fd, s->frame + filled, s->frame_bytes - filled);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return -errno;
    if (got == 0) return filled ? -EPROTO : 0;
    filled += (size_t)got;
  }
  return 1;
}

int muzero_rc_source_next(muzero_rc_source *s, const uint8_t **frame) {
  if (s->fd >= 0) {
    *frame = s->frame;
    return next_from_fd(s);
  }
  if (s->left == 0) return 0;
  if (s->left < s->frame_bytes) return -EPROTO;
  *frame = s->data;
  s->data += s->frame_bytes;
  s->left -= s->frame_bytes;
  return 1;
}
