/* What Python must know of C's structs and tables, from C itself. */
#include "features/feature_table.h"
#include "features/shape_features.h"
#include "lookahead/candidate.h"
#include "policy/offset_moves.h"
#include "rate_control/gop_schedule.h"
#include "rate_control/quantizer.h"
#include "python/glue.h"
#include "bridge/session.h"

static PyObject *feature_list(muzero_rc_feature_table table) {
  PyObject *const list = PyList_New(table.count);
  for (int32_t i = 0; list && i < table.count; ++i) {
    PyObject *const pair =
        Py_BuildValue("(ss)", table.features[i].name, table.features[i].unit);
    if (!pair) {
      Py_DECREF(list);
      return NULL;
    }
    PyList_SetItem(list, i, pair);
  }
  return list;
}

PyObject *glue_feature_tables(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  PyObject *const tables = PyDict_New();
  if (!tables) return NULL;
  if (glue_put(tables, "clip", feature_list(muzero_rc_clip_features())) ||
      glue_put(tables, "frame", feature_list(muzero_rc_frame_features())) ||
      glue_put(tables, "step", feature_list(muzero_rc_step_features())) ||
      glue_put(tables, "shape", feature_list(muzero_rc_shape_features()))) {
    Py_DECREF(tables);
    return NULL;
  }
  return tables;
}

PyObject *glue_offset_constants(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  const char *name;
  float constant;
  PyObject *const constants = PyDict_New();
  for (int32_t i = 0; constants && muzero_rc_offset_constant(i, &name, &constant); ++i) {
    PyObject *const value = PyFloat_FromDouble((double)constant);
    const bool failed = !value || PyDict_SetItemString(constants, name, value);
    Py_XDECREF(value);
    if (failed) {
      Py_DECREF(constants);
      return NULL;
    }
  }
  return constants;
}

PyObject *glue_quantizer_steps(PyObject *module, PyObject *args) {
  int depth = 8;
  (void)module;
  if (!PyArg_ParseTuple(args, "|i:quantizer_steps", &depth)) return NULL;
  PyObject *const list = PyList_New(MUZERO_RC_QINDEX_MAX + 1);
  for (int32_t qindex = 0; list && qindex <= MUZERO_RC_QINDEX_MAX; ++qindex) {
    PyObject *const step = PyFloat_FromDouble((double)muzero_rc_qindex_to_step(qindex, depth));
    if (!step) {
      Py_DECREF(list);
      return NULL;
    }
    PyList_SetItem(list, qindex, step);
  }
  return list;
}

typedef struct layout_field {
  const char *name;
  const char *format; /* numpy's */
  size_t offset;
} layout_field;

static PyObject *layout(size_t size, const layout_field *fields, size_t count) {
  PyObject *const list = PyList_New((Py_ssize_t)count);
  for (size_t i = 0; list && i < count; ++i) {
    PyObject *const field = Py_BuildValue("(ssn)", fields[i].name, fields[i].format,
                                          (Py_ssize_t)fields[i].offset);
    if (!field) {
      Py_DECREF(list);
      return NULL;
    }
    PyList_SetItem(list, (Py_ssize_t)i, field);
  }
  return list ? Py_BuildValue("(nN)", (Py_ssize_t)size, list) : NULL;
}

#define FIELD(type, name, format) {#name, format, offsetof(type, name)}
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

PyObject *glue_event_layout(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  char step_format[32];
  PyOS_snprintf(step_format, sizeof(step_format), "(%d,)f4", (int)muzero_rc_step_features().count);
  const layout_field fields[] = {
      FIELD(muzero_rc_event, slot, "i4"),
      FIELD(muzero_rc_event, kind, "i4"),
      FIELD(muzero_rc_event, frame_type, "i4"),
      FIELD(muzero_rc_event, show_index, "i4"),
      FIELD(muzero_rc_event, coding_index, "i4"),
      FIELD(muzero_rc_event, gop_index, "i4"),
      FIELD(muzero_rc_event, ref_coding_index, "(3,)i4"),
      FIELD(muzero_rc_event, ref_valid, "(3,)i4"),
      FIELD(muzero_rc_event, layer, "i4"),
      FIELD(muzero_rc_event, q_ref, "i4"),
      FIELD(muzero_rc_event, frames_left, "i4"),
      FIELD(muzero_rc_event, flush, "i4"),
      FIELD(muzero_rc_event, step, step_format),
  };
  return layout(muzero_rc_event_size(), fields, COUNT(fields));
}

PyObject *glue_record_layout(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  static const layout_field FIELDS[] = {
      FIELD(muzero_rc_record, frame_type, "i4"),
      FIELD(muzero_rc_record, show_index, "i4"),
      FIELD(muzero_rc_record, coding_index, "i4"),
      FIELD(muzero_rc_record, gop_index, "i4"),
      FIELD(muzero_rc_record, ref_coding_index, "(3,)i4"),
      FIELD(muzero_rc_record, ref_valid, "(3,)i4"),
      FIELD(muzero_rc_record, layer, "i4"),
      FIELD(muzero_rc_record, q_ref, "i4"),
      FIELD(muzero_rc_record, asked, "i4"),
      FIELD(muzero_rc_record, qindex, "i4"),
      FIELD(muzero_rc_record, fallback, "i4"),
      FIELD(muzero_rc_record, planned, "i4"),
      FIELD(muzero_rc_record, sse, "i8"),
      FIELD(muzero_rc_record, bits, "i8"),
      FIELD(muzero_rc_record, pixels, "i4"),
      FIELD(muzero_rc_record, sse_after, "i4"),
  };
  return layout(sizeof(muzero_rc_record), FIELDS, COUNT(FIELDS));
}

PyObject *glue_shown_layout(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  static const layout_field FIELDS[] = {
      FIELD(muzero_rc_shown, pts, "i8"),   FIELD(muzero_rc_shown, bytes, "i8"),
      FIELD(muzero_rc_shown, key, "i4"),   FIELD(muzero_rc_shown, sse_y, "i8"),
      FIELD(muzero_rc_shown, sse_u, "i8"), FIELD(muzero_rc_shown, sse_v, "i8"),
  };
  return layout(sizeof(muzero_rc_shown), FIELDS, COUNT(FIELDS));
}

static PyObject *name_tuple(int32_t count, const char *(*name)(int32_t)) {
  PyObject *const names = PyTuple_New(count);
  for (int32_t i = 0; names && i < count; ++i) {
    PyObject *const text = PyUnicode_FromString(name(i));
    if (!text) {
      Py_DECREF(names);
      return NULL;
    }
    PyTuple_SetItem(names, i, text);
  }
  return names;
}

PyObject *glue_frame_types(void) {
  return name_tuple(MUZERO_RC_FRAME_TYPES, muzero_rc_frame_type_name);
}

PyObject *glue_layers(void) { return name_tuple(MUZERO_RC_LAYERS, muzero_rc_layer_name); }

PyObject *glue_config_fields(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  PyObject *const list = PyList_New(0);
  const muzero_rc_setting *field = muzero_rc_setting_table();
  for (; list && field->name; ++field) {
    PyObject *const pair = Py_BuildValue("(si)", field->name, (int)field->value);
    const int failed = !pair || PyList_Append(list, pair);
    Py_XDECREF(pair);
    if (failed) {
      Py_DECREF(list);
      return NULL;
    }
  }
  return list;
}

PyObject *glue_lookahead_layout(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  static const layout_field FIELDS[] = {
      FIELD(muzero_rc_lookahead_frame, luma, "i4"),
      FIELD(muzero_rc_lookahead_frame, intra, "i4"),
      FIELD(muzero_rc_lookahead_frame, inter, "(5,)i4"),
      FIELD(muzero_rc_lookahead_frame, still, "(5,)i4"),
      FIELD(muzero_rc_lookahead_frame, fresh, "(5,)i4"),
      FIELD(muzero_rc_lookahead_frame, both, "(4,)i4"),
      FIELD(muzero_rc_lookahead_frame, worth_far, "(4,)i4"),
      FIELD(muzero_rc_lookahead_frame, worth_near, "(4,)i4"),
      FIELD(muzero_rc_lookahead_frame, noise, "i4"),
  };
  _Static_assert(MUZERO_RC_DISTANCES == 5 && MUZERO_RC_PYRAMIDS == 4, "the formats above");
  return layout(sizeof(muzero_rc_lookahead_frame), FIELDS, COUNT(FIELDS));
}

PyObject *glue_gop_candidate_layout(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  static const layout_field FIELDS[] = {
      FIELD(muzero_rc_gop_candidate, far, "i4"),
      FIELD(muzero_rc_gop_candidate, far_intra, "i4"),
      FIELD(muzero_rc_gop_candidate, far_still, "i4"),
      FIELD(muzero_rc_gop_candidate, far_fresh, "i4"),
      FIELD(muzero_rc_gop_candidate, inside, "i4"),
      FIELD(muzero_rc_gop_candidate, inside_intra, "i4"),
      FIELD(muzero_rc_gop_candidate, leaves, "i4"),
      FIELD(muzero_rc_gop_candidate, worth_far, "i4"),
      FIELD(muzero_rc_gop_candidate, worth_near, "i4"),
      FIELD(muzero_rc_gop_candidate, noise, "i4"),
      FIELD(muzero_rc_gop_candidate, cut, "i4"),
      FIELD(muzero_rc_gop_candidate, flash, "i4"),
      FIELD(muzero_rc_gop_candidate, fade, "i4"),
  };
  return layout(sizeof(muzero_rc_gop_candidate), FIELDS, COUNT(FIELDS));
}
