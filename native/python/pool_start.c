/* Python's Pool: starting an encode. */
#include <errno.h>
#include <string.h>

#include "python/pool_object.h"

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
  PyErr_Format(PyExc_ValueError,
               "width, height: 1 to 65535, bit_depth: 8, 10 or 12, not %d x %d, %d",
               (int)settings->width, (int)settings->height, (int)settings->bit_depth);
  return -1;
}

static int read_mode(const char *name, PyObject *policy, muzero_rc_mode *mode) {
  static const char *const NAMES[] = {
      [MUZERO_RC_MODE_ASK] = "ask", [MUZERO_RC_MODE_POLICY] = "policy", [MUZERO_RC_MODE_LIBVPX] = "libvpx"};
  for (int i = 0; i <= MUZERO_RC_MODE_LIBVPX; ++i) {
    if (strcmp(name, NAMES[i]) != 0) continue;
    *mode = (muzero_rc_mode)i;
    if ((policy != NULL) == (*mode == MUZERO_RC_MODE_POLICY)) return 0;
    PyErr_SetString(PyExc_ValueError, "policy: goes with mode \"policy\", and only with it");
    return -1;
  }
  PyErr_Format(PyExc_ValueError, "mode: \"ask\", \"policy\" or \"libvpx\", not \"%s\"", name);
  return -1;
}

static bool may_shape(const muzero_rc_session_options *options) {
  return options->mode != MUZERO_RC_MODE_LIBVPX && options->stats;
}

/* i4[G, 4]; the view is to be released once the encode has started. */
static int read_shapes(PyObject *object, muzero_rc_session_options *options, Py_buffer *view) {
  if (glue_view(object, "shapes", GLUE_INT32, 4, false, view)) return -1;
  const size_t count = (size_t)view->len / sizeof(muzero_rc_gop_shape);
  if (count * sizeof(muzero_rc_gop_shape) != (size_t)view->len) {
    PyErr_SetString(PyExc_ValueError, "shapes: length, layers, strength and frames of each GOP");
    PyBuffer_Release(view);
    return -1;
  }
  if (!may_shape(options)) {
    PyErr_SetString(PyExc_ValueError,
                    "shapes: go with the second pass in mode \"ask\" or \"policy\"");
    PyBuffer_Release(view);
    return -1;
  }
  options->shapes = view->buf;
  options->shape_count = (int32_t)count;
  return 0;
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
                         : error == -EINVAL || error == -ERANGE ? PyExc_ValueError
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
  pool_held *const h = &self->held[slot];
  pool_release_view(self, slot);
  PyObject *const before = h->policy;
  h->has_view = has_view;
  if (has_view) h->view = view;
  h->policy = Py_XNewRef(policy);
  Py_XDECREF(before);
  return Py_NewRef(Py_None);
}

PyObject *pool_start(PyObject *object, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"slot",   "config", "source",       "stats",  "mode",
                          "policy", "guard",  "keep_packets", "shapes", "ask_shapes",
                          "film",   "film_first", "film_bits", NULL};
  pool_object *const self = (pool_object *)object;
  PyObject *config, *source, *policy = Py_None, *shapes = Py_None;
  const char *mode = "ask", *stats = NULL, *film = NULL;
  Py_ssize_t stats_size = 0, film_size = 0;
  int slot, guard = 1, keep_packets = 0, ask_shapes = 0;
  muzero_rc_session_options options = {.libvpx = &self->library->libvpx};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iOO|$z#sOppOpz#id:start", names, &slot, &config,
                                   &source, &stats, &stats_size, &mode, &policy, &guard,
                                   &keep_packets, &shapes, &ask_shapes, &film, &film_size,
                                   &options.film_first, &options.film_bits))
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
  options.ask_shapes = ask_shapes;
  options.film = film;
  options.film_size = (size_t)film_size;
  Py_buffer view;
  if (ask_shapes && (shapes != Py_None || !may_shape(&options))) {
    PyErr_SetString(PyExc_ValueError, "ask_shapes: goes with the second pass in mode \"ask\" or "
                                      "\"policy\", and without shapes");
    return NULL;
  }
  if (shapes != Py_None && read_shapes(shapes, &options, &view)) return NULL;
  PyObject *result = NULL;
  if (pool_enter(self)) {
    if (pool_slot_exists(self, slot)) result = start_in(self, slot, &options, source, policy);
    pool_leave(self);
  }
  if (shapes != Py_None) PyBuffer_Release(&view);
  return result;
}
