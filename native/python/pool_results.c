/* Python's Pool: what became of an encode. */
#include "vpx/convert.h"
#include "python/pool_object.h"

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

static PyObject *make_shapes(muzero_rc_session *session) {
  return make_bytes(muzero_rc_session_shapes(session), sizeof(muzero_rc_gop_shape));
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
static PyObject *of_slot(PyObject *object, PyObject *slot_object, pool_need need,
                         PyObject *(*make)(muzero_rc_session *)) {
  pool_object *const self = (pool_object *)object;
  const long slot = PyLong_AsLong(slot_object);
  if ((slot == -1 && PyErr_Occurred()) || !pool_enter(self)) return NULL;
  muzero_rc_session *const session = pool_find(self, (int)slot, need);
  PyObject *const result = session ? make(session) : NULL;
  pool_leave(self);
  return result;
}

PyObject *pool_outcome(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_ENDED, make_outcome);
}
PyObject *pool_records(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_QUIET, make_records);
}
PyObject *pool_shapes(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_QUIET, make_shapes);
}
PyObject *pool_shown(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_QUIET, make_shown);
}
PyObject *pool_stats(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_ENDED, make_stats);
}
PyObject *pool_progress(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_ANY, make_progress);
}
PyObject *pool_take_packets(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_ANY, make_packets);
}
PyObject *pool_cancel(PyObject *self, PyObject *slot) {
  return of_slot(self, slot, POOL_ANY, cancel);
}

PyObject *pool_frame_stats(PyObject *self, PyObject *blob_object) {
  const int fields = ((pool_object *)self)->library->libvpx.release->stats_fields;
  Py_buffer blob;
  if (PyObject_GetBuffer(blob_object, &blob, PyBUF_SIMPLE)) return NULL;
  PyObject *result = NULL;
  const int32_t frames = muzero_rc_blob_frames(blob.buf, (size_t)blob.len, fields);
  if (frames < 0) {
    PyErr_SetString(PyExc_ValueError, "not the statistics of a first pass by this libvpx");
  } else {
    const size_t size = (size_t)frames * sizeof(muzero_rc_frame_stats);
    result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (result)
      muzero_rc_blob_stats(blob.buf, frames, fields, (void *)PyBytes_AsString(result));
  }
  PyBuffer_Release(&blob);
  return result;
}
