/* The lookahead and what it says of GOPs that might be. */
#include <errno.h>

#include "lookahead/candidate.h"
#include "lookahead/codes.h"
#include "rate_control/lookahead_notes.h"
#include "vpx/image.h"
#include "python/glue.h"

static PyObject *wrong_frames(Py_ssize_t bytes, int width, int height, size_t count) {
  return PyErr_Format(PyExc_ValueError,
                      "frames: %zd bytes are not %zu frames of %dx%d, neither luma nor 4:2:0",
                      bytes, count, width, height);
}

static int look_ahead_all(const Py_buffer *frames, size_t count, int width, int height, bool noted,
                          muzero_rc_lookahead_frame *out) {
  const size_t bytes = (size_t)frames->len / count;
  muzero_rc_lookahead *lookahead = NULL;
  const int error = muzero_rc_lookahead_open(width, height, &lookahead);
  for (size_t t = 0; !error && t < count; ++t)
    muzero_rc_lookahead_push(lookahead, (const uint8_t *)frames->buf + t * bytes, width, &out[t]);
  muzero_rc_lookahead_close(&lookahead);
  for (size_t t = 0; !error && noted && t < count; ++t) {
    const muzero_rc_lookahead_code code = muzero_rc_lookahead_encode(&out[t]);
    out[t] = muzero_rc_lookahead_decode(&code, (int32_t)t);
  }
  return error;
}

PyObject *glue_lookahead(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *frames_object, *out_object, *result = NULL;
  Py_buffer frames, out;
  int width, height, noted, error;
  if (!PyArg_ParseTuple(args, "OiipO:lookahead", &frames_object, &width, &height, &noted,
                        &out_object))
    return NULL;
  if (glue_view(frames_object, "frames", GLUE_ANY, 1, false, &frames)) return NULL;
  if (glue_view(out_object, "out", GLUE_ANY, sizeof(muzero_rc_lookahead_frame), true, &out))
    goto release_frames;
  const size_t count = glue_count(&out, sizeof(muzero_rc_lookahead_frame));
  const size_t luma = (size_t)(width > 0 ? width : 0) * (size_t)(height > 0 ? height : 0);
  const size_t given = (size_t)frames.len;
  if (!count || !luma ||
      (given != count * luma &&
       given != count * muzero_rc_image_bytes((unsigned)width, (unsigned)height, 8))) {
    wrong_frames(frames.len, width, height, count);
    goto release_out;
  }
  Py_BEGIN_ALLOW_THREADS error = look_ahead_all(&frames, count, width, height, noted != 0, out.buf);
  Py_END_ALLOW_THREADS if (error == -ENOMEM) PyErr_NoMemory();
  else if (error) PyErr_SetString(PyExc_ValueError, "width and height are at most 16384");
  else result = Py_NewRef(Py_None);
release_out:
  PyBuffer_Release(&out);
release_frames:
  PyBuffer_Release(&frames);
  return result;
}

PyObject *glue_lookahead_notes(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object, *out_object, *result = NULL;
  Py_buffer stats, out;
  if (!PyArg_ParseTuple(args, "OO:lookahead_notes", &stats_object, &out_object)) return NULL;
  if (glue_view(stats_object, "stats", GLUE_FLOAT64, sizeof(double), false, &stats)) return NULL;
  if (glue_view(out_object, "out", GLUE_ANY, sizeof(muzero_rc_lookahead_frame), true, &out))
    goto release_stats;
  const size_t count = glue_count(&out, sizeof(muzero_rc_lookahead_frame));
  if ((size_t)stats.len == count * sizeof(muzero_rc_frame_stats))
    result = PyBool_FromLong(muzero_rc_lookahead_notes_read(stats.buf, (int32_t)count, out.buf));
  else
    PyErr_SetString(PyExc_ValueError, "stats: one row of 25 doubles a frame of `out` is needed");
  PyBuffer_Release(&out);
release_stats:
  PyBuffer_Release(&stats);
  return result;
}

PyObject *glue_gop_candidates(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *frames_object, *lengths_object, *out_object, *result = NULL;
  Py_buffer frames, lengths, out;
  if (!PyArg_ParseTuple(args, "OOO:gop_candidates", &frames_object, &lengths_object, &out_object))
    return NULL;
  if (glue_view(frames_object, "frames", GLUE_ANY, sizeof(muzero_rc_lookahead_frame), false,
                &frames))
    return NULL;
  if (glue_view(lengths_object, "lengths", GLUE_INT32, sizeof(int32_t), false, &lengths))
    goto release_frames;
  if (glue_view(out_object, "out", GLUE_ANY, sizeof(muzero_rc_gop_candidate), true, &out))
    goto release_lengths;
  const int32_t count = (int32_t)glue_count(&frames, sizeof(muzero_rc_lookahead_frame));
  const size_t width = glue_count(&lengths, sizeof(int32_t));
  muzero_rc_gop_candidate *candidate = out.buf;
  if (glue_count(&out, sizeof(*candidate)) == (size_t)count * width) {
    for (int32_t start = 0; start < count; ++start)
      for (size_t i = 0; i < width; ++i, ++candidate)
        muzero_rc_gop_candidate_of(frames.buf, count, start, ((const int32_t *)lengths.buf)[i],
                                   candidate);
    result = Py_NewRef(Py_None);
  } else {
    PyErr_Format(PyExc_ValueError,
                 "out: one candidate for each of %d frames and %zu lengths is "
                 "needed",
                 (int)count, width);
  }
  PyBuffer_Release(&out);
release_lengths:
  PyBuffer_Release(&lengths);
release_frames:
  PyBuffer_Release(&frames);
  return result;
}
