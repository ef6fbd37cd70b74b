#include "python/glue.h"

#include <string.h>

glue_state *glue_state_of(PyObject *self) { return PyType_GetModuleState(Py_TYPE(self)); }

const muzero_rc_library *glue_library(glue_state *state) {
  if (state->library) return state->library;
  PyObject *const finder = PyImport_ImportModule("encoder_bridge.libvpx");
  if (!finder) return NULL;
  PyObject *const loaded = PyObject_CallMethod(finder, "load", NULL);
  Py_DECREF(finder);
  Py_XDECREF(loaded);
  if (loaded && !state->library)
    PyErr_SetString(PyExc_RuntimeError, "encoder_bridge.libvpx.load() opened no libvpx");
  return loaded ? state->library : NULL;
}

static bool is_kind(const char *format, glue_kind kind) {
  static const char *const LETTERS[] = {[GLUE_INT32] = "il", [GLUE_FLOAT32] = "f",
                                        [GLUE_FLOAT64] = "d"};
  if (kind == GLUE_ANY) return true;
  if (!format) return false;
  if (*format && strchr("@=<", *format)) ++format;
  return format[0] && !format[1] && strchr(LETTERS[kind], format[0]);
}

int glue_view(PyObject *object, const char *name, glue_kind kind, size_t item_size,
              bool writable, Py_buffer *view) {
  static const char *const NAMES[] = {[GLUE_ANY] = "records", [GLUE_INT32] = "int32",
                                      [GLUE_FLOAT32] = "float32", [GLUE_FLOAT64] = "float64"};
  const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
  if (PyObject_GetBuffer(object, view, flags)) return -1;
  const size_t found = view->itemsize == 1 && kind == GLUE_ANY ? item_size : (size_t)view->itemsize;
  if (is_kind(view->format, kind) && found == item_size && (size_t)view->len % item_size == 0)
    return 0;
  PyErr_Format(PyExc_ValueError, "%s: an array of %s, %zu bytes each, is needed", name,
               NAMES[kind], item_size);
  PyBuffer_Release(view);
  return -1;
}

size_t glue_count(const Py_buffer *view, size_t item_size) {
  return (size_t)view->len / item_size;
}

int glue_put(PyObject *dict, const char *name, PyObject *value) {
  const int failed = !value || PyDict_SetItemString(dict, name, value);
  Py_XDECREF(value);
  return failed ? -1 : 0;
}

void glue_free(PyObject *self) {
  PyTypeObject *const type = Py_TYPE(self);
  const freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}
