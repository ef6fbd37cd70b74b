/* A source of raw planar 4:2:0 frames, back to back: from memory, or read from a file descriptor
 * until its end. */
#ifndef MUZERO_RC_BRIDGE_SOURCE_H_
#define MUZERO_RC_BRIDGE_SOURCE_H_

#include <stddef.h>
#include <stdint.h>

typedef struct muzero_rc_source muzero_rc_source;

/* Borrows `data` for the source's life. */
int muzero_rc_source_open_memory(const uint8_t *data, size_t size, size_t frame_bytes,
                                 muzero_rc_source **source);

/* Duplicates `fd`; the caller closes its own. -EBADF when it is none. */
int muzero_rc_source_open_fd(int fd, size_t frame_bytes, muzero_rc_source **source);

/* Closes and sets *source to NULL; NULL is fine. */
void muzero_rc_source_close(muzero_rc_source **source);

/* The next frame, valid until the next call. Returns 1, 0 at the end, -EPROTO
 * for a partial last frame, -ECANCELED, or what reading failed with. */
int muzero_rc_source_next(muzero_rc_source *source, const uint8_t **frame);

/* Lets go of the descriptor, so that whoever writes into it hears of the end. */
void muzero_rc_source_finish(muzero_rc_source *source);

/* Makes a read that blocks, and any later one, return -ECANCELED. From any thread. */
void muzero_rc_source_cancel(muzero_rc_source *source);

#endif /* MUZERO_RC_BRIDGE_SOURCE_H_ */
