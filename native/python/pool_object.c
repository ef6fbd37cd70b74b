/* Python's Pool: the type and its life. */
#include "python/pool_object.h"

#include <stdlib.h>

static PyObject *pool_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"slots", NULL};
  int slots = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i:Pool", names, &slots)) return NULL;
  if (slots < 1 || slots > 4096) {
    PyErr_Format(PyExc_ValueError, "slots: 1 to 4096, not %d", slots);
    return NULL;
  }
  const muzero_rc_library *const library = glue_library(PyType_GetModuleState(type));
  if (!library) return NULL;
  const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  pool_object *const self = (pool_object *)allocate(type, 0);
  if (!self) return NULL;
  self->library = library;
  self->held = calloc((size_t)slots, sizeof(*self->held));
  if (!self->held || muzero_rc_pool_open(slots, &self->pool)) {
    Py_DECREF(self);
    return PyErr_NoMemory();
  }
  return (PyObject *)self;
}

void pool_release_view(pool_object *self, int32_t slot) {
  pool_held *const h = &self->held[slot];
  if (h->has_view) PyBuffer_Release(&h->view);
  h->has_view = false;
}

bool pool_enter(pool_object *self) {
  if (self->closed) {
    PyErr_SetString(PyExc_ValueError, "the pool is closed");
    return false;
  }
  self->inside += 1;
  return true;
}

void pool_leave(pool_object *self) {
  self->inside -= 1;
  if (self->closed && self->inside == 0) muzero_rc_pool_close(&self->pool);
}

static void stop(pool_object *self) {
  const int32_t slots = muzero_rc_pool_slots(self->pool);
  Py_BEGIN_ALLOW_THREADS
  muzero_rc_pool_stop(self->pool);
  Py_END_ALLOW_THREADS
  for (int32_t i = 0; i < slots; ++i) {
    pool_release_view(self, i);
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
  pool_leave(self);
  return Py_NewRef(Py_None);
}

static void pool_dealloc(PyObject *object) {
  pool_object *const self = (pool_object *)object;
  if (self->pool) stop(self);
  muzero_rc_pool_close(&self->pool);
  free(self->held);
  glue_free(object);
}

bool pool_slot_exists(pool_object *self, int slot) {
  const int32_t slots = muzero_rc_pool_slots(self->pool);
  if (slot >= 0 && slot < slots) return true;
  PyErr_Format(PyExc_ValueError, "slot: 0 to %d, not %d", (int)slots - 1, slot);
  return false;
}

static bool meets(pool_object *self, int slot, pool_need need) {
  if (need == POOL_ENDED) return muzero_rc_pool_idle(self->pool, slot);
  return need == POOL_ANY || muzero_rc_pool_quiet(self->pool, slot);
}

muzero_rc_session *pool_find(pool_object *self, int slot, pool_need need) {
  if (!pool_slot_exists(self, slot)) return NULL;
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

static PyMethodDef pool_methods[] = {
    {"start", (PyCFunction)(void (*)(void))pool_start, METH_VARARGS | METH_KEYWORDS,
     "Starts an encode in a free slot."},
    {"recv", pool_recv, METH_VARARGS, "Waits for events; returns how many were written."},
    {"send", pool_send, METH_VARARGS, "Answers slots that wait for a decision."},
    {"send_shapes", pool_send_shapes, METH_VARARGS, "Answers slots that wait for a GOP's shape."},
    {"progress", pool_progress, METH_O, "Frames read, packets and packet bytes out, so far."},
    {"wait", pool_wait, METH_VARARGS, "True once the slot's encode has ended."},
    {"outcome", pool_outcome, METH_O, "What became of an ended encode."},
    {"records", pool_records, METH_O, "One record per libvpx result."},
    {"shapes", pool_shapes, METH_O, "The shapes asked for, one a GOP."},
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
