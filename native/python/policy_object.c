/* Python's Policy: a muzero_rc_policy and what its file says of itself. */
#include "python/glue.h"

#include <stdlib.h>

#include "features/shape_features.h"
#include "policy/model.h"

typedef struct policy_object {
  PyObject_HEAD
  muzero_rc_policy *policy;
  PyObject *info;
} policy_object;

static PyObject *read_info(const muzero_rc_policy *policy, PyObject *name) {
  char *text = NULL;
  if (muzero_rc_policy_info(policy, &text)) return PyErr_NoMemory();
  PyObject *const json = PyImport_ImportModule("json");
  PyObject *info = json ? PyObject_CallMethod(json, "loads", "s", text) : NULL;
  Py_XDECREF(json);
  free(text);
  if (info && PyDict_SetItemString(info, "name", name)) Py_CLEAR(info);
  return info;
}

static PyObject *policy_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"name", NULL};
  PyObject *name = NULL;
  char error[512] = "";
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:Policy", names, &name)) return NULL;
  const char *const text = PyUnicode_AsUTF8AndSize(name, NULL);
  if (!text) return NULL;
  const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  policy_object *const self = (policy_object *)allocate(type, 0);
  if (!self) return NULL;
  if (muzero_rc_policy_open(text, &self->policy, error, sizeof(error))) {
    PyErr_SetString(glue_state_of((PyObject *)self)->native_error, error);
    Py_DECREF(self);
    return NULL;
  }
  self->info = read_info(self->policy, name);
  if (!self->info) {
    Py_DECREF(self);
    return NULL;
  }
  return (PyObject *)self;
}

static void policy_dealloc(PyObject *object) {
  policy_object *const self = (policy_object *)object;
  muzero_rc_policy_close(&self->policy);
  Py_CLEAR(self->info);
  glue_free(object);
}

const muzero_rc_policy *glue_policy(PyObject *self) { return ((policy_object *)self)->policy; }

static PyObject *policy_info(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef(((policy_object *)self)->info);
}

/* forward's buffers, in the order of its arguments. */
enum { CLIP, FRAMES, STEPS, SHOW_INDEX, LOGITS, FORWARD_BUFFERS };

/* Checks that the buffers' sizes fit one another and the network, then runs it. */
static int run_forward(const muzero_rc_policy *policy, Py_buffer views[FORWARD_BUFFERS]) {
  const muzero_rc_sizes *const sizes = muzero_rc_policy_sizes(policy);
  const size_t count = glue_count(&views[SHOW_INDEX], sizeof(int32_t));
  const size_t frame = (size_t)sizes->frame_features * sizeof(float);
  const size_t frames = glue_count(&views[FRAMES], frame);
  if (views[CLIP].len != sizes->clip_features * (Py_ssize_t)sizeof(float) || frames < 1 ||
      frames > INT32_MAX || views[FRAMES].len != (Py_ssize_t)(frames * frame) || count < 1 ||
      count > INT32_MAX ||
      views[STEPS].len != (Py_ssize_t)(count * (size_t)sizes->step_features * sizeof(float)) ||
      views[LOGITS].len != (Py_ssize_t)(count * (size_t)sizes->actions * sizeof(float))) {
    PyErr_SetString(PyExc_ValueError, "forward: the buffers' sizes fit neither one another nor "
                                      "the network");
    return -1;
  }
  int error;
  Py_BEGIN_ALLOW_THREADS
  error = muzero_rc_policy_forward(policy, views[CLIP].buf, views[FRAMES].buf, (int32_t)frames,
                                   views[STEPS].buf, views[SHOW_INDEX].buf, (int32_t)count,
                                   views[LOGITS].buf);
  Py_END_ALLOW_THREADS
  if (error) PyErr_NoMemory();
  return error;
}

static PyObject *policy_forward(PyObject *self, PyObject *args) {
  static const char *const names[] = {"clip", "frames", "steps", "show_index", "logits_out"};
  const muzero_rc_policy *const policy = glue_policy(self);
  PyObject *objects[FORWARD_BUFFERS];
  Py_buffer views[FORWARD_BUFFERS];
  int open = 0, error = -1;
  if (!PyArg_ParseTuple(args, "OOOOO:forward", &objects[0], &objects[1], &objects[2],
                        &objects[3], &objects[4]))
    return NULL;
  if (!muzero_rc_policy_sizes(policy)) {
    PyErr_SetString(PyExc_ValueError, "forward: the controller has no network");
    return NULL;
  }
  for (; open < FORWARD_BUFFERS; open++) {
    const glue_kind kind = open == SHOW_INDEX ? GLUE_INT32 : GLUE_FLOAT32;
    if (glue_view(objects[open], names[open], kind, 4, open == LOGITS, &views[open])) break;
  }
  if (open == FORWARD_BUFFERS) error = run_forward(policy, views);
  while (open > 0) PyBuffer_Release(&views[--open]);
  if (error) return NULL;
  Py_RETURN_NONE;
}

static PyObject *policy_shape_worth(PyObject *self, PyObject *args) {
  const size_t row = (size_t)muzero_rc_shape_features().count * sizeof(float);
  PyObject *features_object, *out_object;
  Py_buffer features, out;
  if (!PyArg_ParseTuple(args, "OO:shape_worth", &features_object, &out_object)) return NULL;
  if (glue_view(features_object, "features", GLUE_FLOAT32, 4, false, &features)) return NULL;
  if (glue_view(out_object, "worth_out", GLUE_FLOAT32, 4, true, &out)) {
    PyBuffer_Release(&features);
    return NULL;
  }
  const size_t count = glue_count(&out, sizeof(float));
  if ((size_t)features.len != count * row)
    PyErr_SetString(PyExc_ValueError, "shape_worth: a row of features for each output is needed");
  else if (muzero_rc_policy_shape_worth(glue_policy(self), features.buf, (int32_t)count, out.buf))
    PyErr_SetString(PyExc_ValueError, "shape_worth: the policy decides no GOP shapes");
  PyBuffer_Release(&out);
  PyBuffer_Release(&features);
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

static PyMethodDef policy_methods[] = {
    {"forward", policy_forward, METH_VARARGS,
     "forward(clip, frames, steps, show_index, logits_out): the network alone, for tests."},
    {"shape_worth", policy_shape_worth, METH_VARARGS,
     "shape_worth(features, worth_out): what GOPs are worth to a policy of shapes, for tests."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef policy_attributes[] = {
    {"info", policy_info, NULL, "What the policy file says of itself.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot policy_slots[] = {
    {Py_tp_doc, "A policy file or \"controller\", shared by any number of encodes."},
    {Py_tp_new, policy_new},
    {Py_tp_dealloc, policy_dealloc},
    {Py_tp_methods, policy_methods},
    {Py_tp_getset, policy_attributes},
    {0, NULL},
};

PyType_Spec glue_policy_spec = {
    .name = "encoder_bridge._native.Policy",
    .basicsize = sizeof(policy_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = policy_slots,
};
