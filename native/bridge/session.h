/* One encode: one pass of libvpx in a thread of its own.
 *
 * The thread reads frames, codes them and keeps what came of it. In ASK mode
 * it posts each frame's question to the mailbox, in POLICY mode a policy
 * answers in place, in LIBVPX mode libvpx's own rate control rules. */
#ifndef MUZERO_RC_BRIDGE_SESSION_H_
#define MUZERO_RC_BRIDGE_SESSION_H_

#include <muzero_rc/policy.h>

#include "bridge/rendezvous.h"
#include "bridge/results.h"
#include "bridge/settings.h"
#include "bridge/source.h"
#include "rate_control/gop_shape.h"
#include "vpx/libvpx_calls.h"

enum { MUZERO_RC_ERROR_SIZE = 256 };

typedef enum muzero_rc_event_kind {
  MUZERO_RC_EVENT_DECISION = 1,
  MUZERO_RC_EVENT_DONE = 2,
  MUZERO_RC_EVENT_FAILED = 3,
  MUZERO_RC_EVENT_SHAPE = 4
} muzero_rc_event_kind;

/* What the mailbox carries; `step` has as many floats as there are step features. Of a SHAPE,
 * gop_index counts GOPs, show_index is of the frame that begins it, and frame_type is -1. */
typedef struct muzero_rc_event {
  int32_t slot;
  int32_t kind; /* muzero_rc_event_kind */
  int32_t frame_type;
  int32_t show_index;
  int32_t coding_index;
  int32_t gop_index;
  int32_t ref_coding_index[MUZERO_RC_REFERENCES];
  int32_t ref_valid[MUZERO_RC_REFERENCES];
  int32_t layer;
  int32_t q_ref;
  int32_t frames_left; /* SHAPE: as in muzero_rc_shape_question, as the next */
  int32_t flush;
  float step[];
} muzero_rc_event;

size_t muzero_rc_event_size(void);

typedef enum muzero_rc_mode { MUZERO_RC_MODE_ASK, MUZERO_RC_MODE_POLICY, MUZERO_RC_MODE_LIBVPX } muzero_rc_mode;

typedef struct muzero_rc_session_options {
  const muzero_rc_libvpx *libvpx; /* encodes; outlives the session, and is known */
  muzero_rc_settings settings;
  const void *stats; /* the first pass's blob, copied; NULL runs the first pass */
  size_t stats_size;
  muzero_rc_mode mode;
  const muzero_rc_policy *policy; /* POLICY mode: outlives the session */
  bool guard;                     /* ASK mode: raise answers that break the budget */
  bool keep_packets;
  const muzero_rc_gop_shape *shapes; /* of the first GOPs in order, copied; NULL: the policy's */
  int32_t shape_count;
  bool ask_shapes; /* hand the question of each GOP's shape to the mailbox; without `shapes` */
  const void *film; /* the blob of the film that `stats` are a part of, read at once; NULL: none */
  size_t film_size;
  int32_t film_first; /* frame of the film that the part begins with */
  double film_bits;   /* that the part may take */
} muzero_rc_session_options;

typedef struct muzero_rc_outcome {
  bool ok;
  const char *error; /* one line, or empty; lives as long as the session */
  int32_t frames;    /* read from the source */
  int32_t decisions;
  int32_t guarded;   /* decisions that the guard raised */
  int32_t fallbacks; /* decisions where the network answered no number */
  int64_t packet_bytes;
  double encode_seconds; /* CPU time of the thread */
  double wait_seconds;   /* spent waiting for decisions */
} muzero_rc_outcome;

typedef struct muzero_rc_progress {
  int32_t frames;
  int32_t packets;
  int64_t packet_bytes;
} muzero_rc_progress;

typedef struct muzero_rc_session muzero_rc_session;

/* Starts the thread, in a slot of the mailbox that `muzero_rc_mailbox_begin`
 * has opened; its end event comes in any case. Takes *source, and sets it to
 * NULL, on success. On failure one line is in `error`. */
int muzero_rc_session_open(muzero_rc_mailbox *mailbox, int32_t slot,
                           const muzero_rc_session_options *options, muzero_rc_source **source,
                           muzero_rc_session **session, char *error, size_t error_size);

/* Ends the encode soon, wherever it waits. */
void muzero_rc_session_cancel(muzero_rc_session *session);

/* Joins the thread (cancel first, unless it has ended), frees everything and
 * sets *session to NULL; NULL is fine. */
void muzero_rc_session_close(muzero_rc_session **session);

muzero_rc_progress muzero_rc_session_progress(muzero_rc_session *session);

/* The records so far: of a session that has ended, or that waits for a decision. */
const muzero_rc_array *muzero_rc_session_records(const muzero_rc_session *session);

/* Shapes that were asked for so far, one a GOP, by the same rule. */
const muzero_rc_array *muzero_rc_session_shapes(const muzero_rc_session *session);

/* EVENT_DECISION or EVENT_SHAPE while the encode waits for that, else 0. */
int muzero_rc_session_question(const muzero_rc_session *session);

/* Whether libvpx takes the shape with the session's look-ahead. */
bool muzero_rc_session_takes(const muzero_rc_session *session, const muzero_rc_gop_shape *shape);

/* As the records: while nobody writes them. */
const muzero_rc_array *muzero_rc_session_shown(const muzero_rc_session *session);

/* The next two are for a session that has ended. */
muzero_rc_outcome muzero_rc_session_outcome(const muzero_rc_session *session);
/* Of a first pass: bytes. */
const muzero_rc_array *muzero_rc_session_stats(const muzero_rc_session *session);

/* Hands over the packets so far, at any time; free each one's data, then the
 * array's. */
muzero_rc_array muzero_rc_session_take_packets(muzero_rc_session *session);

#endif /* MUZERO_RC_BRIDGE_SESSION_H_ */
