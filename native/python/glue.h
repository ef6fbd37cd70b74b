/* Helpers of the Python extension: buffers, exceptions, module state. */
#ifndef MUZERO_RC_PYTHON_GLUE_H_
#define MUZERO_RC_PYTHON_GLUE_H_

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <muzero_rc/policy.h>
#include <stdbool.h>

#include "vpx/library.h"

typedef struct glue_state {
  PyObject *native_error;
  PyObject *wait_timeout;
  PyObject *pool_type;
  PyObject *policy_type;
  const muzero_rc_library *library; /* NULL until it is needed */
} glue_state;

/* The libvpx that encodes: looked for at the first call, by encoder_bridge.libvpx. NULL with a
 * Python error when there is none. */
const muzero_rc_library *glue_library(glue_state *state);

/* Of the module that defines the object's type. */
glue_state *glue_state_of(PyObject *self);

typedef enum glue_kind { GLUE_ANY, GLUE_INT32, GLUE_FLOAT32, GLUE_FLOAT64 } glue_kind;

/* A C-contiguous buffer of items of `item_size`; with a kind, of that number
 * type too. -1 with a Python error that names the argument. */
int glue_view(PyObject *object, const char *name, glue_kind kind, size_t item_size,
              bool writable, Py_buffer *view);
size_t glue_count(const Py_buffer *view, size_t item_size);

/* Adds name: value to a dict and drops the reference to `value` (NULL: an
 * error is set already). */
int glue_put(PyObject *dict, const char *name, PyObject *value);

/* Frees a heap type's instance. */
void glue_free(PyObject *self);

extern PyType_Spec glue_pool_spec;
extern PyType_Spec glue_policy_spec;

/* Module functions without arguments: struct_layouts.c. */
PyObject *glue_feature_tables(PyObject *module, PyObject *unused);
PyObject *glue_quantizer_steps(PyObject *module, PyObject *args);
PyObject *glue_offset_constants(PyObject *module, PyObject *unused);
PyObject *glue_event_layout(PyObject *module, PyObject *unused);
PyObject *glue_record_layout(PyObject *module, PyObject *unused);
PyObject *glue_shown_layout(PyObject *module, PyObject *unused);
PyObject *glue_config_fields(PyObject *module, PyObject *unused);
PyObject *glue_lookahead_layout(PyObject *module, PyObject *unused);
PyObject *glue_gop_candidate_layout(PyObject *module, PyObject *unused);

/* Module functions with arguments: lookahead_functions.c. */
PyObject *glue_lookahead(PyObject *module, PyObject *args);
PyObject *glue_lookahead_notes(PyObject *module, PyObject *args);
PyObject *glue_gop_candidates(PyObject *module, PyObject *args);

/* Module functions with arguments: shape_functions.c. */
PyObject *glue_shape_features(PyObject *module, PyObject *args);
PyObject *glue_plan_gops(PyObject *module, PyObject *args);

/* Module functions with arguments: film_functions.c. */
PyObject *glue_key_frames(PyObject *module, PyObject *args);
PyObject *glue_deal_film(PyObject *module, PyObject *args);
PyObject *glue_first_pass_part(PyObject *module, PyObject *args);

/* Names of the frame types and of the layers, tuples of str. */
PyObject *glue_frame_types(void);
PyObject *glue_layers(void);

/* The policy within a Policy object. */
const muzero_rc_policy *glue_policy(PyObject *self);

#endif /* MUZERO_RC_PYTHON_GLUE_H_ */
