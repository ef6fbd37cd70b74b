/* The module: functions, layouts and constants. */
#include <errno.h>
#include <string.h>

#include "rate_control/bits_model.h"
#include "features/feature_table.h"
#include "vpx/libvpx_types.h"
#include "python/glue.h"
#include "bridge/pool.h"
#include "bridge/replay_features.h"

static PyObject *open_libvpx(PyObject *module, PyObject *args) {
  glue_state *const state = PyModule_GetState(module);
  const muzero_rc_library *library = NULL;
  char error[512] = "";
  PyObject *name = NULL; /* bytes */
  if (!PyArg_ParseTuple(args, "O&:open_libvpx", PyUnicode_FSConverter, &name)) return NULL;
  const int failure =
      muzero_rc_library_open(PyBytes_AsString(name), &library, error, sizeof(error));
  Py_DECREF(name);
  if (failure == -ENOMEM) return PyErr_NoMemory();
  if (failure) {
    PyErr_SetString(state->native_error, error);
    return NULL;
  }
  state->library = library;
  return Py_NewRef(Py_None);
}

static PyObject *versions(PyObject *module, PyObject *unused) {
  (void)unused;
  const muzero_rc_library *const library = glue_library(PyModule_GetState(module));
  if (!library) return NULL;
  const muzero_rc_release *const release = library->libvpx.release;
  const bool high_bit_depth = muzero_rc_libvpx_has_high_bit_depth(&library->libvpx);
  return Py_BuildValue("{s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i}", "libvpx_runtime", library->version,
                       "libvpx_path", library->path, "encoder_abi", release->encoder_abi,
                       "ext_rc_abi", release->ext_abi, "feature_version",
                       (int)muzero_rc_feature_version(), "high_bit_depth", (int)high_bit_depth,
                       "key_frame_filtering", (int)(release->key_frame_filter != 0),
                       "filter_strength", release->filter_strength);
}

/* A clip's first-pass statistics, f8[T, 25], completing `clip`. */
static int stats_view(PyObject *object, muzero_rc_clip *clip, Py_buffer *view) {
  if (glue_view(object, "stats", GLUE_FLOAT64, sizeof(double), false, view)) return -1;
  const size_t frames = glue_count(view, sizeof(muzero_rc_frame_stats));
  clip->frame_count = (int32_t)frames;
  if ((size_t)view->len == frames * sizeof(muzero_rc_frame_stats) && frames > 0) return 0;
  PyErr_SetString(PyExc_ValueError, "stats: one row of 25 doubles a frame is needed");
  PyBuffer_Release(view);
  return -1;
}

/* A float32 or int32 output of exactly `count` items. */
static int output_view(PyObject *object, const char *name, glue_kind kind, size_t count,
                       Py_buffer *view) {
  if (glue_view(object, name, kind, 4, true, view)) return -1;
  if (glue_count(view, 4) == count) return 0;
  PyErr_Format(PyExc_ValueError, "%s: %zu items are needed, not %zu", name, count,
               glue_count(view, 4));
  PyBuffer_Release(view);
  return -1;
}

static PyObject *check_clip(int error) {
  if (error == -ENOMEM) return PyErr_NoMemory();
  if (error) {
    PyErr_SetString(PyExc_ValueError, "width, height and target_kbps must be 1 or more");
    return NULL;
  }
  return Py_NewRef(Py_None);
}

static PyObject *observe_clip(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object, *clip_object, *frames_object, *result = NULL;
  Py_buffer stats, clip_out, frames_out;
  muzero_rc_clip clip = {0};
  muzero_rc_clip_state *state = NULL;
  if (!PyArg_ParseTuple(args, "iiiOOO:observe_clip", &clip.width, &clip.height,
                        &clip.target_kbps, &stats_object, &clip_object, &frames_object))
    return NULL;
  if (stats_view(stats_object, &clip, &stats)) return NULL;
  const size_t clip_count = (size_t)muzero_rc_clip_features().count;
  const size_t frames_count =
      (size_t)muzero_rc_frame_features().count * (size_t)clip.frame_count;
  if (output_view(clip_object, "clip_out", GLUE_FLOAT32, clip_count, &clip_out))
    goto release_stats;
  if (output_view(frames_object, "frames_out", GLUE_FLOAT32, frames_count, &frames_out))
    goto release_clip;
  const int error = muzero_rc_clip_state_open(&clip, stats.buf, &state);
  if (!error) {
    muzero_rc_observe_clip(state, muzero_rc_feature_version(), clip_out.buf);
    muzero_rc_observe_frames(state, muzero_rc_feature_version(), frames_out.buf);
    muzero_rc_clip_state_close(&state);
  }
  result = check_clip(error);
  PyBuffer_Release(&frames_out);
release_clip:
  PyBuffer_Release(&clip_out);
release_stats:
  PyBuffer_Release(&stats);
  return result;
}

static PyObject *replay_features(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object, *records_object, *step_object, *q_ref_object, *result = NULL;
  Py_buffer stats, records, step, q_ref;
  muzero_rc_clip clip = {0};
  if (!PyArg_ParseTuple(args, "iiiOOOO:replay_features", &clip.width, &clip.height,
                        &clip.target_kbps, &stats_object, &records_object, &step_object,
                        &q_ref_object))
    return NULL;
  if (stats_view(stats_object, &clip, &stats)) return NULL;
  if (glue_view(records_object, "records", GLUE_ANY, sizeof(muzero_rc_record), false, &records))
    goto release_stats;
  const size_t count = glue_count(&records, sizeof(muzero_rc_record));
  const size_t width = (size_t)muzero_rc_step_features().count;
  if (output_view(step_object, "step_out", GLUE_FLOAT32, count * width, &step))
    goto release_records;
  if (output_view(q_ref_object, "q_ref_out", GLUE_INT32, count, &q_ref))
    goto release_step;
  int error = 0;
  Py_BEGIN_ALLOW_THREADS error =
      muzero_rc_replay_features(&clip, stats.buf, records.buf, count, step.buf, q_ref.buf);
  Py_END_ALLOW_THREADS
  result = check_clip(error);
  PyBuffer_Release(&q_ref);
release_step:
  PyBuffer_Release(&step);
release_records:
  PyBuffer_Release(&records);
release_stats:
  PyBuffer_Release(&stats);
  return result;
}

static PyObject *bits_inputs(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *stats_object, *records_object, *inputs_object, *result = NULL;
  Py_buffer stats, records, inputs;
  muzero_rc_clip clip = {0};
  if (!PyArg_ParseTuple(args, "iiiOOO:bits_inputs", &clip.width, &clip.height,
                        &clip.target_kbps, &stats_object, &records_object, &inputs_object))
    return NULL;
  if (stats_view(stats_object, &clip, &stats)) return NULL;
  if (glue_view(records_object, "records", GLUE_ANY, sizeof(muzero_rc_record), false, &records))
    goto release_stats;
  const size_t count = glue_count(&records, sizeof(muzero_rc_record));
  if (output_view(inputs_object, "inputs_out", GLUE_FLOAT32, count * MUZERO_RC_BITS_INPUTS,
                  &inputs))
    goto release_records;
  result =
      check_clip(muzero_rc_replay_bits_inputs(&clip, stats.buf, records.buf, count, inputs.buf));
  PyBuffer_Release(&inputs);
release_records:
  PyBuffer_Release(&records);
release_stats:
  PyBuffer_Release(&stats);
  return result;
}

static PyMethodDef functions[] = {
    {"open_libvpx", open_libvpx, METH_VARARGS, "Opens the libvpx that encodes from now on."},
    {"versions", versions, METH_NOARGS, "Versions of libvpx, its interfaces, our features."},
    {"feature_tables", glue_feature_tables, METH_NOARGS, "(name, unit) of each feature, by table."},
    {"quantizer_steps", glue_quantizer_steps, METH_VARARGS, "log2 of each qindex's luma AC step."},
    {"offset_constants", glue_offset_constants, METH_NOARGS,
     "The controller's constants that a policy may move, by name."},
    {"event_layout", glue_event_layout, METH_NOARGS, "Item size and fields of an event."},
    {"record_layout", glue_record_layout, METH_NOARGS, "Item size and fields of a record."},
    {"shown_layout", glue_shown_layout, METH_NOARGS, "Item size and fields of a shown frame."},
    {"config_fields", glue_config_fields, METH_NOARGS, "(name, default) of each encoder setting."},
    {"lookahead_layout", glue_lookahead_layout, METH_NOARGS,
     "Item size and fields of what the lookahead says of a frame."},
    {"gop_candidate_layout", glue_gop_candidate_layout, METH_NOARGS,
     "Item size and fields of what it says of a GOP."},
    {"lookahead", glue_lookahead, METH_VARARGS, "Fills what the lookahead says of each frame."},
    {"lookahead_notes", glue_lookahead_notes, METH_VARARGS,
     "Fills what statistics say of it; whether they do."},
    {"gop_candidates", glue_gop_candidates, METH_VARARGS,
     "Fills what it says of GOPs from every frame on."},
    {"shape_features", glue_shape_features, METH_VARARGS,
     "Fills the features of GOPs from every frame on."},
    {"plan_gops", glue_plan_gops, METH_VARARGS, "The best lengths of a stretch's GOPs."},
    {"key_frames", glue_key_frames, METH_VARARGS, "Where libvpx will put key frames."},
    {"deal_film", glue_deal_film, METH_VARARGS, "Fills what each part of a film may take."},
    {"first_pass_part", glue_first_pass_part, METH_VARARGS, "A part of a film's statistics."},
    {"observe_clip", observe_clip, METH_VARARGS, "Fills a clip's features."},
    {"replay_features", replay_features, METH_VARARGS,
     "Fills the step features of an episode's records."},
    {"bits_inputs", bits_inputs, METH_VARARGS, "Fills the bits model's inputs of records."},
    {NULL, NULL, 0, NULL},
};

static int add_error(PyObject *module, const char *name, const char *doc, PyObject *base,
                     PyObject **error) {
  *error = PyErr_NewExceptionWithDoc(name, doc, base, NULL);
  return *error ? PyModule_AddObjectRef(module, strrchr(name, '.') + 1, *error) : -1;
}

static int add_type(PyObject *module, PyType_Spec *spec, PyObject **type) {
  *type = PyType_FromModuleAndSpec(module, spec, NULL);
  return *type ? PyModule_AddType(module, (PyTypeObject *)*type) : -1;
}

/* Takes `value`, which is NULL after a failure. */
static int add_object(PyObject *module, const char *name, PyObject *value) {
  const int failed = PyModule_AddObjectRef(module, name, value);
  Py_XDECREF(value);
  return failed;
}

static int module_exec(PyObject *module) {
  glue_state *const state = PyModule_GetState(module);
  if (add_error(module, "encoder_bridge._native.NativeError", "libvpx or the bridge failed.",
                PyExc_RuntimeError, &state->native_error) ||
      add_error(module, "encoder_bridge._native.WaitTimeout", "A wait passed its deadline.",
                PyExc_TimeoutError, &state->wait_timeout) ||
      add_type(module, &glue_policy_spec, &state->policy_type) ||
      add_type(module, &glue_pool_spec, &state->pool_type) ||
      PyModule_AddIntConstant(module, "EVENT_DECISION", MUZERO_RC_EVENT_DECISION) ||
      PyModule_AddIntConstant(module, "EVENT_DONE", MUZERO_RC_EVENT_DONE) ||
      PyModule_AddIntConstant(module, "EVENT_FAILED", MUZERO_RC_EVENT_FAILED) ||
      PyModule_AddIntConstant(module, "EVENT_SHAPE", MUZERO_RC_EVENT_SHAPE) ||
      add_object(module, "FRAME_TYPES", glue_frame_types()) ||
      add_object(module, "LAYERS", glue_layers()) ||
      PyModule_AddIntConstant(module, "BITS_PLAIN", MUZERO_RC_BITS_PLAIN) ||
      PyModule_AddIntConstant(module, "BITS_INPUTS", MUZERO_RC_BITS_INPUTS))
    return -1;
  return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
  const glue_state *const state = PyModule_GetState(module);
  Py_VISIT(state->native_error);
  Py_VISIT(state->wait_timeout);
  Py_VISIT(state->pool_type);
  Py_VISIT(state->policy_type);
  return 0;
}

static int module_clear(PyObject *module) {
  glue_state *const state = PyModule_GetState(module);
  Py_CLEAR(state->native_error);
  Py_CLEAR(state->wait_timeout);
  Py_CLEAR(state->pool_type);
  Py_CLEAR(state->policy_type);
  return 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "libvpx encoders in threads, and the feature table.",
    .m_size = sizeof(glue_state),
    .m_methods = functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
