/* GOPs that might be: their features, and the best sequence of their lengths. */
#include <stdlib.h>

#include "features/shape_features.h"
#include "policy/shape_planner.h"
#include "python/glue.h"

PyObject *glue_shape_features(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *frames_object, *out_object, *result = NULL;
  Py_buffer frames, out;
  float step;
  if (!PyArg_ParseTuple(args, "OfO:shape_features", &frames_object, &step, &out_object))
    return NULL;
  if (glue_view(frames_object, "frames", GLUE_ANY, sizeof(muzero_rc_lookahead_frame), false,
                &frames))
    return NULL;
  if (glue_view(out_object, "out", GLUE_FLOAT32, sizeof(float), true, &out)) goto release_frames;
  const int32_t count = (int32_t)glue_count(&frames, sizeof(muzero_rc_lookahead_frame));
  const size_t row = MUZERO_RC_SHAPE_LENGTHS * (size_t)muzero_rc_shape_features().count;
  if (glue_count(&out, sizeof(float)) == (size_t)count * row) {
    for (int32_t start = 0; start < count; ++start)
      muzero_rc_observe_shapes(frames.buf, count, start, step,
                               (float *)out.buf + (size_t)start * row);
    result = Py_NewRef(Py_None);
  } else {
    PyErr_Format(PyExc_ValueError, "out: %zu floats for each of %d frames are needed", row,
                 (int)count);
  }
  PyBuffer_Release(&out);
release_frames:
  PyBuffer_Release(&frames);
  return result;
}

/* The lengths of a plan's GOPs, as a list. */
static PyObject *lengths_of(const muzero_rc_shape_plan *plan, int32_t *ends, int32_t most) {
  muzero_rc_shape_plan_length(plan);
  const int32_t count = muzero_rc_shape_plan_ends(plan, ends, most);
  PyObject *const list = PyList_New(count);
  for (int32_t i = 0; list && i < count; ++i) {
    PyObject *const length = PyLong_FromLong(ends[i] - (i ? ends[i - 1] : plan->start));
    if (!length) {
      Py_DECREF(list);
      return NULL;
    }
    PyList_SetItem(list, i, length);
  }
  return list;
}

PyObject *glue_plan_gops(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *worth_object, *result = NULL;
  Py_buffer worth;
  int start, end, longest, flush;
  if (!PyArg_ParseTuple(args, "Oiiii:plan_gops", &worth_object, &start, &end, &longest, &flush))
    return NULL;
  if (glue_view(worth_object, "worth", GLUE_FLOAT32, sizeof(float), false, &worth)) return NULL;
  const size_t row = MUZERO_RC_SHAPE_LENGTHS * sizeof(float);
  const size_t frames = (size_t)worth.len / row;
  if (worth.len % (Py_ssize_t)row || start < 0 || end < start || (size_t)end >= frames ||
      longest < MUZERO_RC_SHAPE_SHORTEST || longest > MUZERO_RC_SHAPE_LONGEST) {
    PyErr_Format(PyExc_ValueError,
                 "plan_gops: %zd bytes of worth, frames %d to %d, lengths up to %d do not go together",
                 worth.len, start, end, longest);
    PyBuffer_Release(&worth);
    return NULL;
  }
  float *const best = malloc(frames * sizeof(*best));
  int32_t *const lengths = malloc(frames * sizeof(*lengths));
  int32_t *const ends = malloc(frames * sizeof(*ends));
  if (best && lengths && ends) {
    const muzero_rc_shape_plan plan = {.worth = worth.buf,
                                       .longest = longest,
                                       .start = start,
                                       .end = end,
                                       .flush = flush,
                                       .best = best,
                                       .lengths = lengths};
    result = lengths_of(&plan, ends, (int32_t)frames);
  } else {
    PyErr_NoMemory();
  }
  free(best);
  free(lengths);
  free(ends);
  PyBuffer_Release(&worth);
  return result;
}
