/* Python's Pool. Waits give up the GIL and come back every tenth of a second
 * for signals; the last call that leaves a closed pool frees its memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../vpx/convert.h"
#include "glue.h"
#include "pool.h"

enum { SIGNAL_CHECK_NS = 100000000 };

typedef struct held {
  bool has_view;
  Py_buffer view;   /* the source, while the encode runs */
  PyObject *policy; /* until the slot's next start */
} held;

typedef struct pool_object {
  PyObject_HEAD
  muzero_rc_pool *pool;
  held *held;        /* [slots] */
  Py_ssize_t inside; /* calls at work, under the GIL */
  bool closed;
} pool_object;

static PyObject *pool_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"slots", NULL};
  int slots = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i:Pool", names, &slots)) return NULL;
  if (slots < 1 || slots > 4096) {
    PyErr_Format(PyExc_ValueError, "slots: 1 to 4096, not %d", slots);
    return NULL;
  }
  const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  pool_object *const self = (pool_object *)allocate(type, 0);
  if (!self) return NULL;
  self->held = calloc((size_t)slots, sizeof(*self->held));
  if (!self->held || muzero_rc_pool_open(slots, &self->pool)) {
    Py_DECREF(self);
    return PyErr_NoMemory();
  }
  return (PyObject *)self;
}

static void release_view(pool_object *self, int32_t slot) {
  held *const h = &self->held[slot];
  if (h->has_view) PyBuffer_Release(&h->view);
  h->has_view = false;
}

static bool enter(pool_object *self) {
  if (self->closed) {
    PyErr_SetString(PyExc_ValueError, "the pool is closed");
    return false;
  }
  self->inside += 1;
  return true;
}

static void leave(pool_object *self) {
  self->inside -= 1;
  if (self->closed && self->inside == 0) muzero_rc_pool_close(&self->pool);
}

static void stop(pool_object *self) {
  const int32_t slots = muzero_rc_pool_slots(self->pool);
  Py_BEGIN_ALLOW_THREADS
  muzero_rc_pool_stop(self->pool);
  Py_END_ALLOW_THREADS
  for (int32_t i = 0; i < slots; ++i) {
    release_view(self, i);
    Py_CLEAR(self->held[i].policy);
  }
}

static PyObject *pool_close(PyObject *object, PyObject *unused) {
  (void)unused;
  pool_object *const self = (pool_object *)object;
  if (self->closed) return Py_NewRef(Py_None);
  self->closed = true;
  self->inside += 1;
  stop(self);
  leave(self);
  return Py_NewRef(Py_None);
}

static void pool_dealloc(PyObject *object) {
  pool_object *const self = (pool_object *)object;
  if (self->pool) stop(self);
  muzero_rc_pool_close(&self->pool);
  free(self->held);
  glue_free(object);
}

static bool slot_exists(pool_object *self, int slot) {
  const int32_t slots = muzero_rc_pool_slots(self->pool);
  if (slot >= 0 && slot < slots) return true;
  PyErr_Format(PyExc_ValueError, "slot: 0 to %d, not %d", (int)slots - 1, slot);
  return false;
}

/* In what state a slot's encode must be. */
typedef enum need { ANY, QUIET, ENDED } need;

static bool meets(pool_object *self, int slot, need need) {
  if (need == ENDED) return muzero_rc_pool_idle(self->pool, slot);
  return need == ANY || muzero_rc_pool_quiet(self->pool, slot);
}

/* The slot's encode; NULL with a Python error when there is none, or not in
 * the state needed. */
static muzero_rc_session *find(pool_object *self, int slot, need need) {
  if (!slot_exists(self, slot)) return NULL;
  muzero_rc_session *const session = muzero_rc_pool_session(self->pool, slot);
  if (!session) {
    PyErr_Format(PyExc_ValueError, "slot %d has had no encode", slot);
    return NULL;
  }
  if (!meets(self, slot, need)) {
    PyErr_Format(glue_state_of((PyObject *)self)->native_error, "slot %d still runs", slot);
    return NULL;
  }
  return session;
}

/* -- start -- */

static const muzero_rc_setting *find_setting(const char *name) {
  const muzero_rc_setting *field = muzero_rc_setting_table();
  while (field->name && strcmp(field->name, name) != 0) ++field;
  return field->name ? field : NULL;
}

static int read_settings(PyObject *config, muzero_rc_settings *settings) {
  PyObject *key, *value;
  Py_ssize_t position = 0;
  *settings = muzero_rc_settings_default();
  while (PyDict_Next(config, &position, &key, &value)) {
    const char *const name = PyUnicode_AsUTF8AndSize(key, NULL);
    if (!name) return -1;
    const muzero_rc_setting *const field = find_setting(name);
    if (!field) {
      PyErr_Format(PyExc_ValueError, "unknown encoder setting %R; config_fields() has them", key);
      return -1;
    }
    PyObject *const index = PyNumber_Index(value);
    if (!index) return -1;
    const long number = PyLong_AsLong(index);
    Py_DECREF(index);
    if (number == -1 && PyErr_Occurred()) return -1;
    if (number < INT32_MIN || number > INT32_MAX) {
      PyErr_Format(PyExc_ValueError, "%s: %ld is out of range", name, number);
      return -1;
    }
    *(int32_t *)(void *)((char *)settings + field->offset) = (int32_t)number;
  }
  if (muzero_rc_frame_bytes(settings)) return 0;
  PyErr_Format(PyExc_ValueError, "width, height: 1 to 65535, not %d x %d", (int)settings->width,
               (int)settings->height);
  return -1;
}

static int read_mode(const char *name, PyObject *policy, muzero_rc_mode *mode) {
  static const char *const NAMES[] = {
      [MUZERO_RC_ASK] = "ask", [MUZERO_RC_POLICY] = "policy", [MUZERO_RC_LIBVPX] = "libvpx"};
  for (int i = 0; i <= MUZERO_RC_LIBVPX; ++i) {
    if (strcmp(name, NAMES[i]) != 0) continue;
    *mode = (muzero_rc_mode)i;
    if ((policy != NULL) == (*mode == MUZERO_RC_POLICY)) return 0;
    PyErr_SetString(PyExc_ValueError, "policy: goes with mode \"policy\", and only with it");
    return -1;
  }
  PyErr_Format(PyExc_ValueError, "mode: \"ask\", \"policy\" or \"libvpx\", not \"%s\"", name);
  return -1;
}

/* A buffer's view is in *view when *has_view. */
static muzero_rc_source *open_source(PyObject *object, size_t frame_bytes, Py_buffer *view,
                                     bool *has_view) {
  muzero_rc_source *source = NULL;
  int error = 0;
  *has_view = false;
  if (PyLong_Check(object)) {
    const int fd = (int)PyLong_AsLong(object);
    if (fd == -1 && PyErr_Occurred()) return NULL;
    error = muzero_rc_source_open_fd(fd, frame_bytes, &source);
  } else {
    if (PyObject_GetBuffer(object, view, PyBUF_C_CONTIGUOUS)) return NULL;
    *has_view = true;
    error = muzero_rc_source_open_memory(view->buf, (size_t)view->len, frame_bytes, &source);
  }
  if (error) {
    if (*has_view) PyBuffer_Release(view);
    *has_view = false;
    errno = -error;
    PyErr_SetFromErrno(PyExc_OSError);
  }
  return source;
}

static PyObject *start_error(pool_object *self, int error, const char *message) {
  PyObject *const kind = error == -ENOMEM   ? PyExc_MemoryError
                         : error == -EINVAL ? PyExc_ValueError
                                            : glue_state_of((PyObject *)self)->native_error;
  PyErr_SetString(kind, message);
  return NULL;
}

static PyObject *start_in(pool_object *self, int slot, muzero_rc_session_options *options,
                          PyObject *source_object, PyObject *policy) {
  Py_buffer view;
  bool has_view = false;
  char message[MUZERO_RC_ERROR_SIZE] = "";
  muzero_rc_source *source = open_source(
      source_object, muzero_rc_frame_bytes(&options->settings), &view, &has_view);
  if (!source) return NULL;
  const int error =
      muzero_rc_pool_start(self->pool, slot, options, &source, message, sizeof(message));
  if (error) {
    muzero_rc_source_close(&source);
    if (has_view) PyBuffer_Release(&view);
    return start_error(self, error, message);
  }
  held *const h = &self->held[slot];
  release_view(self, slot);
  PyObject *const before = h->policy;
  h->has_view = has_view;
  if (has_view) h->view = view;
  h->policy = Py_XNewRef(policy);
  Py_XDECREF(before);
  return Py_NewRef(Py_None);
}

static PyObject *pool_start(PyObject *object, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"slot",   "config", "source",       "stats", "mode",
                          "policy", "guard",  "keep_packets", NULL};
  pool_object *const self = (pool_object *)object;
  PyObject *config, *source, *policy = Py_None;
  const char *mode = "ask", *stats = NULL;
  Py_ssize_t stats_size = 0;
  int slot, guard = 1, keep_packets = 0;
  muzero_rc_session_options options = {0};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iOO|$z#sOpp:start", names, &slot, &config,
                                   &source, &stats, &stats_size, &mode, &policy, &guard,
                                   &keep_packets))
    return NULL;
  if (policy == Py_None) policy = NULL;
  PyObject *const policy_type = glue_state_of(object)->policy_type;
  if (!PyDict_Check(config) || (policy && Py_TYPE(policy) != (PyTypeObject *)policy_type)) {
    PyErr_SetString(PyExc_TypeError, "config: a dict; policy: a Policy");
    return NULL;
  }
  if (read_settings(config, &options.settings) || read_mode(mode, policy, &options.mode))
    return NULL;
  options.stats = stats;
  options.stats_size = (size_t)stats_size;
  options.policy = policy ? glue_policy(policy) : NULL;
  options.guard = guard;
  options.keep_packets = keep_packets;
  if (!enter(self)) return NULL;
  PyObject *const result =
      slot_exists(self, slot) ? start_in(self, slot, &options, source, policy) : NULL;
  leave(self);
  return result;
}

/* -- waits -- */

static int read_deadline(double timeout_s, int64_t *deadline_ns) {
  if (!(timeout_s >= 0)) {
    PyErr_SetString(PyExc_ValueError, "timeout_s: 0 or more");
    return -1;
  }
  const double longest_s = 1e9; /* some thirty years; inf is fine */
  *deadline_ns = muzero_rc_now_ns() + (int64_t)(1e9 * (timeout_s < longest_s ? timeout_s : longest_s));
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
    if (event->kind != MUZERO_RC_EVENT_DECISION) release_view(self, event->slot);
  }
  return PyLong_FromLong(count);
}

static PyObject *pool_recv(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *out_object, *result = NULL;
  Py_buffer out;
  int64_t deadline_ns = 0;
  double timeout_s = 0;
  int n = 0;
  if (!PyArg_ParseTuple(args, "idO:recv", &n, &timeout_s, &out_object)) return NULL;
  if (read_deadline(timeout_s, &deadline_ns)) return NULL;
  if (glue_view(out_object, "out", GLUE_ANY, muzero_rc_event_size(), true, &out)) return NULL;
  if (enter(self)) {
    result = recv_into(self, n, deadline_ns, &out);
    leave(self);
  }
  PyBuffer_Release(&out);
  return result;
}

static PyObject *pool_wait(PyObject *object, PyObject *args) {
  pool_object *const self = (pool_object *)object;
  PyObject *result = NULL;
  int64_t deadline_ns = 0;
  double timeout_s = 0;
  int slot = 0, error = 0, on = 1;
  if (!PyArg_ParseTuple(args, "id:wait", &slot, &timeout_s)) return NULL;
  if (read_deadline(timeout_s, &deadline_ns) || !enter(self)) return NULL;
  if (!find(self, slot, ANY)) goto out;
  do {
    const int64_t stop_ns = next_stop(deadline_ns);
    Py_BEGIN_ALLOW_THREADS
    error = muzero_rc_mailbox_join(muzero_rc_pool_mailbox(self->pool), slot, stop_ns);
    Py_END_ALLOW_THREADS
    if (error) on = wait_on(self, deadline_ns);
  } while (error && on > 0);
  if (!error && !self->closed) release_view(self, slot);
  if (!error || on == 0) result = PyBool_FromLong(!error);
out:
  leave(self);
  return result;
}

static PyObject *pool_send(PyObject *object, PyObject *args) {
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
  } else if (enter(self)) {
    const int error =
        muzero_rc_mailbox_answer(muzero_rc_pool_mailbox(self->pool), slots.buf, qindexes.buf,
                                 (int32_t)glue_count(&slots, 4), &bad);
    if (error)
      PyErr_Format(PyExc_ValueError, "slot %d waits for no decision", (int)bad);
    else
      result = Py_NewRef(Py_None);
    leave(self);
  }
  PyBuffer_Release(&qindexes);
release_slots:
  PyBuffer_Release(&slots);
  return result;
}

/* -- what became of it -- */

static PyObject *make_outcome(muzero_rc_session *session) {
  const muzero_rc_outcome o = muzero_rc_session_outcome(session);
  return Py_BuildValue("{s:O,s:s,s:i,s:i,s:i,s:i,s:L,s:d,s:d}", "ok", o.ok ? Py_True : Py_False,
                       "error", o.error, "frames", (int)o.frames, "decisions", (int)o.decisions,
                       "guarded", (int)o.guarded, "fallbacks", (int)o.fallbacks, "packet_bytes",
                       (long long)o.packet_bytes, "encode_seconds", o.encode_seconds,
                       "wait_seconds", o.wait_seconds);
}

static PyObject *make_progress(muzero_rc_session *session) {
  const muzero_rc_progress p = muzero_rc_session_progress(session);
  return Py_BuildValue("(iiL)", (int)p.frames, (int)p.packets, (long long)p.packet_bytes);
}

static PyObject *make_bytes(const muzero_rc_array *array, size_t item_size) {
  return PyBytes_FromStringAndSize(array->data, (Py_ssize_t)(array->count * item_size));
}

static PyObject *make_records(muzero_rc_session *session) {
  return make_bytes(muzero_rc_session_records(session), sizeof(muzero_rc_record));
}

static PyObject *make_shown(muzero_rc_session *session) {
  return make_bytes(muzero_rc_session_shown(session), sizeof(muzero_rc_shown));
}

static PyObject *make_stats(muzero_rc_session *session) {
  return make_bytes(muzero_rc_session_stats(session), 1);
}

static PyObject *make_packets(muzero_rc_session *session) {
  muzero_rc_array packets = muzero_rc_session_take_packets(session);
  const muzero_rc_packet *const packet = packets.data;
  PyObject *list = PyList_New((Py_ssize_t)packets.count);
  for (size_t i = 0; list && i < packets.count; ++i) {
    PyObject *const item =
        Py_BuildValue("(Liy#)", (long long)packet[i].pts, (int)packet[i].key,
                      (const char *)packet[i].data, (Py_ssize_t)packet[i].size);
    if (item)
      PyList_SetItem(list, (Py_ssize_t)i, item);
    else
      Py_CLEAR(list);
  }
  muzero_rc_packets_close(&packets);
  return list;
}

static PyObject *cancel(muzero_rc_session *session) {
  muzero_rc_session_cancel(session);
  return Py_NewRef(Py_None);
}

/* The methods that take a slot and nothing else. */
static PyObject *of_slot(PyObject *object, PyObject *slot_object, need need,
                         PyObject *(*make)(muzero_rc_session *)) {
  pool_object *const self = (pool_object *)object;
  const long slot = PyLong_AsLong(slot_object);
  if ((slot == -1 && PyErr_Occurred()) || !enter(self)) return NULL;
  muzero_rc_session *const session = find(self, (int)slot, need);
  PyObject *const result = session ? make(session) : NULL;
  leave(self);
  return result;
}

static PyObject *pool_outcome(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ENDED, make_outcome);
}
static PyObject *pool_records(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, QUIET, make_records);
}
static PyObject *pool_shown(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ENDED, make_shown);
}
static PyObject *pool_stats(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ENDED, make_stats);
}
static PyObject *pool_progress(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ANY, make_progress);
}
static PyObject *pool_take_packets(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ANY, make_packets);
}
static PyObject *pool_cancel(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, ANY, cancel);
}

static PyObject *pool_frame_stats(PyObject *self, PyObject *blob_object) {
  (void)self;
  Py_buffer blob;
  if (PyObject_GetBuffer(blob_object, &blob, PyBUF_SIMPLE)) return NULL;
  PyObject *result = NULL;
  const int32_t frames = muzero_rc_blob_frames((size_t)blob.len);
  if (frames < 0) {
    PyErr_SetString(PyExc_ValueError, "not a first pass's statistics");
  } else {
    const size_t size = (size_t)frames * sizeof(muzero_rc_frame_stats);
    result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (result)
      muzero_rc_blob_stats(blob.buf, frames, (void *)PyBytes_AsString(result));
  }
  PyBuffer_Release(&blob);
  return result;
}

static PyMethodDef pool_methods[] = {
    {"start", (PyCFunction)(void (*)(void))pool_start, METH_VARARGS | METH_KEYWORDS,
     "Starts an encode in a free slot."},
    {"recv", pool_recv, METH_VARARGS, "Waits for events; returns how many were written."},
    {"send", pool_send, METH_VARARGS, "Answers slots that wait for a decision."},
    {"progress", pool_progress, METH_O, "Frames read, packets and packet bytes out, so far."},
    {"wait", pool_wait, METH_VARARGS, "True once the slot's encode has ended."},
    {"outcome", pool_outcome, METH_O, "What became of an ended encode."},
    {"records", pool_records, METH_O, "One record per libvpx result."},
    {"shown", pool_shown, METH_O, "One line per packet."},
    {"stats", pool_stats, METH_O, "The first pass's blob."},
    {"frame_stats", pool_frame_stats, METH_O, "f8[T, 25] from a first pass's blob."},
    {"take_packets", pool_take_packets, METH_O, "Packets made since the last call."},
    {"cancel", pool_cancel, METH_O, "Ends the slot's encode soon."},
    {"close", pool_close, METH_NOARGS, "Cancels everything and frees it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pool_slots[] = {
    {Py_tp_doc, "`slots` encoders, each in a thread of its own while it runs."},
    {Py_tp_new, pool_new},
    {Py_tp_dealloc, pool_dealloc},
    {Py_tp_methods, pool_methods},
    {0, NULL},
};

PyType_Spec glue_pool_spec = {
    .name = "encoder_bridge._native.Pool",
    .basicsize = sizeof(pool_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pool_slots,
};
