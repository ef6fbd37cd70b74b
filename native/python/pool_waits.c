/* Python's Pool: waiting and answering. */
#include <errno.h>

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
    if (event->kind != MUZERO_RC_EVENT_DECISION) pool_release_view(self, event->slot);
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

PyObject *pool_send(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *slots_object, *qindexes_object, *result = NULL;
  Py_buffer slots, qindexes;
  int32_t bad = 0;
  if (!PyArg_ParseTuple(args, "OO:send", &slots_object, &qindexes_object)) return NULL;
  if (glue_view(slots_object, "slots", GLUE_INT32, 4, false, &slots)) return NULL;
  if (glue_view(qindexes_object, "qindexes", GLUE_INT32, 4, false, &qindexes))
    goto release_slots;
  if (slots.len != qindexes.len) {
    PyErr_SetString(PyExc_ValueError, "slots and qindexes: as many of the one as of the other");
  } else if (pool_enter(self)) {
    const int error =
        muzero_rc_mailbox_answer(muzero_rc_pool_mailbox(self->pool), slots.buf, qindexes.buf,
                                 (int32_t)glue_count(&slots, 4), &bad);
    if (error)
      PyErr_Format(PyExc_ValueError, "slot %d waits for no decision", (int)bad);
    else
      result = Py_NewRef(Py_None);
    pool_leave(self);
  }
  PyBuffer_Release(&qindexes);
release_slots:
  PyBuffer_Release(&slots);
  return result;
}
