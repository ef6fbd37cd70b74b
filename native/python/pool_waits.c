/* Python's Pool: waiting and answering. */
#include <errno.h>
#include <stdlib.h>

#include "bridge/asker.h"
#include "common/clock.h"
#include "python/pool_object.h"

enum { SIGNAL_CHECK_NS = 100000000 };

static int read_deadline(double timeout_s, int64_t *deadline_ns) {
  if (!(timeout_s >= 0)) {
    PyErr_SetString(PyExc_ValueError, "timeout_s: 0 or more");
    return -1;
  }
  const double longest_s = 1e9; /* some thirty years; inf is fine */
  if (timeout_s > longest_s) timeout_s = longest_s;
  *deadline_ns = muzero_rc_now_ns() + (int64_t)(1e9 * timeout_s);
  return 0;
}

static int64_t next_stop(int64_t deadline_ns) {
  const int64_t stop_ns = muzero_rc_now_ns() + SIGNAL_CHECK_NS;
  return stop_ns < deadline_ns ? stop_ns : deadline_ns;
}

/* After a wait that timed out: 1 to wait on, 0 past the deadline, -1 with a Python error. */
static int wait_on(pool_object *self, int64_t deadline_ns) {
  if (PyErr_CheckSignals()) return -1;
  if (self->closed) {
    PyErr_SetString(PyExc_ValueError, "the pool was closed");
    return -1;
  }
  return muzero_rc_now_ns() < deadline_ns;
}

static PyObject *recv_into(pool_object *self, int n, int64_t deadline_ns, Py_buffer *out) {
  muzero_rc_mailbox *const mailbox = muzero_rc_pool_mailbox(self->pool);
  const size_t size = muzero_rc_event_size();
  const int32_t capacity = (int32_t)glue_count(out, size);
  int32_t count = 0;
  do {
    const int64_t stop_ns = next_stop(deadline_ns);
    Py_BEGIN_ALLOW_THREADS
    count = muzero_rc_mailbox_wait(mailbox, n, stop_ns, out->buf, capacity);
    Py_END_ALLOW_THREADS
    if (count != -ETIMEDOUT) break;
    const int on = wait_on(self, deadline_ns);
    if (on < 0) return NULL;
    if (!on) {
      PyErr_Format(glue_state_of((PyObject *)self)->wait_timeout,
                   "fewer than %d encodes were ready in time", n);
      return NULL;
    }
  } while (true);
  if (count == -EDEADLK) {
    PyErr_SetString(PyExc_ValueError, "every running encode waits for send()");
    return NULL;
  }
  for (int32_t i = 0; i < count && !self->closed; ++i) {
    const muzero_rc_event *const event = (const void *)((const char *)out->buf + (size_t)i * size);
    const bool has_ended =
        event->kind == MUZERO_RC_EVENT_DONE || event->kind == MUZERO_RC_EVENT_FAILED;
    if (has_ended) pool_release_view(self, event->slot);
  }
  return PyLong_FromLong(count);
}

PyObject *pool_recv(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *out_object, *result = NULL;
  Py_buffer out;
  int64_t deadline_ns = 0;
  double timeout_s = 0;
  int n = 0;
  if (!PyArg_ParseTuple(args, "idO:recv", &n, &timeout_s, &out_object)) return NULL;
  if (read_deadline(timeout_s, &deadline_ns)) return NULL;
  if (glue_view(out_object, "out", GLUE_ANY, muzero_rc_event_size(), true, &out)) return NULL;
  if (pool_enter(self)) {
    result = recv_into(self, n, deadline_ns, &out);
    pool_leave(self);
  }
  PyBuffer_Release(&out);
  return result;
}

PyObject *pool_wait(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *result = NULL;
  int64_t deadline_ns = 0;
  double timeout_s = 0;
  int slot = 0, error = 0, on = 1;
  if (!PyArg_ParseTuple(args, "id:wait", &slot, &timeout_s)) return NULL;
  if (read_deadline(timeout_s, &deadline_ns) || !pool_enter(self)) return NULL;
  if (!pool_find(self, slot, POOL_ANY)) goto out;
  do {
    const int64_t stop_ns = next_stop(deadline_ns);
    Py_BEGIN_ALLOW_THREADS
    error = muzero_rc_mailbox_join(muzero_rc_pool_mailbox(self->pool), slot, stop_ns);
    Py_END_ALLOW_THREADS
    if (error) on = wait_on(self, deadline_ns);
  } while (error && on > 0);
  if (!error && !self->closed) pool_release_view(self, slot);
  if (!error || on == 0) result = PyBool_FromLong(!error);
out:
  pool_leave(self);
  return result;
}

/* Whether none of the slots waits for an answer of another kind. */
static bool all_wait_for(pool_object *self, muzero_rc_event_kind kind, const int32_t *slots,
                         int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (slots[i] < 0 || slots[i] >= muzero_rc_pool_slots(self->pool)) continue; /* refused below */
    const muzero_rc_session *const session = muzero_rc_pool_session(self->pool, slots[i]);
    const int question = session ? muzero_rc_session_question(session) : 0;
    if (question == 0 || question == (int)kind) continue;
    PyErr_Format(PyExc_ValueError, "slot %d waits for a %s", (int)slots[i],
                 question == MUZERO_RC_EVENT_SHAPE ? "GOP's shape: send_shapes()"
                                                   : "frame's qindex: send()");
    return false;
  }
  return true;
}

static PyObject *answer(pool_object *self, muzero_rc_event_kind kind, const int32_t *slots,
                        const int32_t *answers, int32_t count) {
  int32_t bad = 0;
  if (!all_wait_for(self, kind, slots, count)) return NULL;
  if (!muzero_rc_mailbox_answer(muzero_rc_pool_mailbox(self->pool), slots, answers, count, &bad))
    return Py_NewRef(Py_None);
  PyErr_Format(PyExc_ValueError, "slot %d waits for no decision", (int)bad);
  return NULL;
}

PyObject *pool_send(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *slots_object, *qindexes_object, *result = NULL;
  Py_buffer slots, qindexes;
  if (!PyArg_ParseTuple(args, "OO:send", &slots_object, &qindexes_object)) return NULL;
  if (glue_view(slots_object, "slots", GLUE_INT32, 4, false, &slots)) return NULL;
  if (glue_view(qindexes_object, "qindexes", GLUE_INT32, 4, false, &qindexes))
    goto release_slots;
  if (slots.len != qindexes.len) {
    PyErr_SetString(PyExc_ValueError, "slots and qindexes: as many of the one as of the other");
  } else if (pool_enter(self)) {
    result = answer(self, MUZERO_RC_EVENT_DECISION, slots.buf, qindexes.buf,
                    (int32_t)glue_count(&slots, 4));
    pool_leave(self);
  }
  PyBuffer_Release(&qindexes);
release_slots:
  PyBuffer_Release(&slots);
  return result;
}

/* The mailbox's answers, in new memory; NULL with a Python error. */
static int32_t *read_shapes(pool_object *self, const int32_t *slots,
                            const muzero_rc_gop_shape *shapes, int32_t count) {
  int32_t *const answers = calloc((size_t)count + 1, sizeof(*answers));
  if (!answers) PyErr_NoMemory();
  for (int32_t i = 0; answers && i < count; ++i) {
    muzero_rc_session *const session = pool_find(self, slots[i], POOL_ANY);
    if (session && muzero_rc_session_takes(session, &shapes[i])) {
      answers[i] = muzero_rc_shape_to_answer(&shapes[i]);
      continue;
    }
    if (session)
      PyErr_Format(PyExc_ValueError, "slot %d: a GOP of length %d, layers %d, strength %d and "
                   "frames %d is out of range", (int)slots[i], (int)shapes[i].length,
                   (int)shapes[i].layers, (int)shapes[i].strength, (int)shapes[i].frames);
    free(answers);
    return NULL;
  }
  return answers;
}

PyObject *pool_send_shapes(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *slots_object, *shapes_object, *result = NULL;
  Py_buffer slots, shapes;
  if (!PyArg_ParseTuple(args, "OO:send_shapes", &slots_object, &shapes_object)) return NULL;
  if (glue_view(slots_object, "slots", GLUE_INT32, 4, false, &slots)) return NULL;
  if (glue_view(shapes_object, "shapes", GLUE_INT32, 4, false, &shapes)) goto release_slots;
  const int32_t count = (int32_t)glue_count(&slots, 4);
  if ((size_t)shapes.len != (size_t)count * sizeof(muzero_rc_gop_shape)) {
    PyErr_SetString(PyExc_ValueError, "shapes: length, layers, strength and frames of each slot");
  } else if (pool_enter(self)) {
    int32_t *const answers = read_shapes(self, slots.buf, shapes.buf, count);
    if (answers) result = answer(self, MUZERO_RC_EVENT_SHAPE, slots.buf, answers, count);
    free(answers);
    pool_leave(self);
  }
  PyBuffer_Release(&shapes);
release_slots:
  PyBuffer_Release(&slots);
  return result;
}
