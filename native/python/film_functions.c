/* A film in parts: where it may be cut, what each part may take, its statistics. */
#include <errno.h>

#include "rate_control/film.h"
#include "vpx/first_pass_part.h"
#include "vpx/key_frames.h"
#include "python/glue.h"

/* A film's first-pass statistics, f8[T, 25], completing `clip`. */
static int film_view(PyObject *object, muzero_rc_clip *clip, Py_buffer *view) {
  if (glue_view(object, "stats", GLUE_FLOAT64, sizeof(double), false, view)) return -1;
  const size_t frames = glue_count(view, sizeof(muzero_rc_frame_stats));
  clip->frame_count = (int32_t)frames;
  if (frames > 0 && (size_t)view->len == frames * sizeof(muzero_rc_frame_stats)) return 0;
  PyErr_SetString(PyExc_ValueError, "stats: one row of 25 doubles a frame is needed");
  PyBuffer_Release(view);
  return -1;
}

PyObject *glue_key_frames(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object;
  Py_buffer stats;
  muzero_rc_clip clip = {0};
  muzero_rc_order_settings order = muzero_rc_order_settings_default();
  if (!PyArg_ParseTuple(args, "iiiO:key_frames", &clip.width, &clip.height, &order.kf_max_dist,
                        &stats_object))
    return NULL;
  if (film_view(stats_object, &clip, &stats)) return NULL;
  order.places_key_frames = order.kf_max_dist != 0; /* libvpx's kf_min_dist is 0 */
  order.min_gf_interval = muzero_rc_own_min_gf_interval(&clip, stats.buf);
  PyObject *const found = PyList_New(0);
  int32_t key = 0;
  while (found && key < clip.frame_count) {
    PyObject *const number = PyLong_FromLong(key);
    const int failed = !number || PyList_Append(found, number);
    Py_XDECREF(number);
    if (failed) {
      PyBuffer_Release(&stats);
      Py_DECREF(found);
      return NULL;
    }
    key = muzero_rc_next_key_frame(&order, stats.buf, clip.frame_count, key);
  }
  PyBuffer_Release(&stats);
  return found;
}

PyObject *glue_deal_film(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object, *starts_object, *bits_object, *result = NULL;
  Py_buffer stats, starts, bits;
  muzero_rc_clip clip = {0};
  if (!PyArg_ParseTuple(args, "iiiOOO:deal_film", &clip.width, &clip.height, &clip.target_kbps,
                        &stats_object, &starts_object, &bits_object))
    return NULL;
  if (film_view(stats_object, &clip, &stats)) return NULL;
  if (glue_view(starts_object, "starts", GLUE_INT32, sizeof(int32_t), false, &starts))
    goto release_stats;
  if (glue_view(bits_object, "bits_out", GLUE_FLOAT64, sizeof(double), true, &bits))
    goto release_starts;
  const int32_t count = (int32_t)glue_count(&starts, sizeof(int32_t));
  int error = -EINVAL;
  if (glue_count(&bits, sizeof(double)) == (size_t)count)
    error = muzero_rc_film_deal(&clip, stats.buf, starts.buf, count, bits.buf);
  if (error == -ENOMEM) PyErr_NoMemory();
  else if (error) PyErr_SetString(PyExc_ValueError, "starts: frames of the film, ascending from 0, "
                                                    "and as many bits_out");
  else result = Py_NewRef(Py_None);
  PyBuffer_Release(&bits);
release_starts:
  PyBuffer_Release(&starts);
release_stats:
  PyBuffer_Release(&stats);
  return result;
}

PyObject *glue_first_pass_part(PyObject *module, PyObject *args) {
  const muzero_rc_library *const library = glue_library(PyModule_GetState(module));
  const char *blob;
  Py_ssize_t size;
  int first, count;
  if (!library || !PyArg_ParseTuple(args, "y#ii:first_pass_part", &blob, &size, &first, &count))
    return NULL;
  const int fields = library->libvpx.release->stats_fields;
  const size_t bytes = muzero_rc_first_pass_part_bytes(count > 0 ? count : 0, fields);
  PyObject *part = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bytes);
  if (part && muzero_rc_first_pass_part(blob, (size_t)size, fields, first, count,
                                        PyBytes_AsString(part))) {
    PyErr_SetString(PyExc_ValueError, "no statistics of this libvpx, or not with these frames");
    Py_CLEAR(part);
  }
  return part;
}
