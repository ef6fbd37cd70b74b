/* Python's Pool, between the files that make it up.
 *
 * Waits give up the GIL and come back every tenth of a second for signals; the
 * last call that leaves a closed pool frees its memory. */
#ifndef MUZERO_RC_PYTHON_POOL_OBJECT_H_
#define MUZERO_RC_PYTHON_POOL_OBJECT_H_

#include "python/glue.h"
#include "bridge/pool.h"

/* What a slot keeps alive. */
typedef struct pool_held {
  bool has_view;
  Py_buffer view;   /* the source, while the encode runs */
  PyObject *policy; /* until the slot's next start */
} pool_held;

typedef struct pool_object {
  PyObject_HEAD
  const muzero_rc_library *library;
  muzero_rc_pool *pool;
  pool_held *held;   /* [slots] */
  Py_ssize_t inside; /* calls at work, under the GIL */
  bool closed;
} pool_object;

/* Every method runs between these two; `enter` fails, with a Python error, on
 * a closed pool. */
bool pool_enter(pool_object *self);
void pool_leave(pool_object *self);

void pool_release_view(pool_object *self, int32_t slot);

/* With a Python error when it is none. */
bool pool_slot_exists(pool_object *self, int slot);

/* In what state a slot's encode must be. */
typedef enum pool_need { POOL_ANY, POOL_QUIET, POOL_ENDED } pool_need;

/* The slot's encode; NULL with a Python error when there is none, or not in
 * the state needed. */
muzero_rc_session *pool_find(pool_object *self, int slot, pool_need need);

/* The methods: pool_start.c, pool_waits.c, pool_results.c. */
PyObject *pool_start(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *pool_recv(PyObject *self, PyObject *args);
PyObject *pool_send(PyObject *self, PyObject *args);
PyObject *pool_send_shapes(PyObject *self, PyObject *args);
PyObject *pool_progress(PyObject *self, PyObject *arg);
PyObject *pool_wait(PyObject *self, PyObject *args);
PyObject *pool_outcome(PyObject *self, PyObject *arg);
PyObject *pool_records(PyObject *self, PyObject *arg);
PyObject *pool_shapes(PyObject *self, PyObject *arg);
PyObject *pool_shown(PyObject *self, PyObject *arg);
PyObject *pool_stats(PyObject *self, PyObject *arg);
PyObject *pool_frame_stats(PyObject *self, PyObject *arg);
PyObject *pool_take_packets(PyObject *self, PyObject *arg);
PyObject *pool_cancel(PyObject *self, PyObject *arg);

#endif /* MUZERO_RC_PYTHON_POOL_OBJECT_H_ */
