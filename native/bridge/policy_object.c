/* Python's Policy: a muzero_rc_policy and what its file says of itself. */
#include "../policy/model.h"
#include "glue.h"

typedef struct policy_object {
  PyObject_HEAD
  muzero_rc_policy *policy;
  PyObject *info;
} policy_object;

static PyObject *read_info(const muzero_rc_policy *policy, PyObject *name) {
  PyObject *const json = PyImport_ImportModule("json");
  if (!json) return NULL;
  PyObject *info = PyObject_CallMethod(json, "loads", "s", muzero_rc_policy_metadata(policy));
  Py_DECREF(json);
  if (info && !PyDict_Check(info)) {
    PyErr_SetString(PyExc_ValueError, "the policy's metadata is no JSON object");
    Py_CLEAR(info);
  }
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

static PyObject *policy_info(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef(((policy_object *)self)->info);
}

const muzero_rc_policy *glue_policy(PyObject *self) { return ((policy_object *)self)->policy; }

static PyGetSetDef policy_attributes[] = {
    {"info", policy_info, NULL, "What the policy file says of itself.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot policy_slots[] = {
    {Py_tp_doc, "A policy file or \"controller\", shared by any number of encodes."},
    {Py_tp_new, policy_new},
    {Py_tp_dealloc, policy_dealloc},
    {Py_tp_getset, policy_attributes},
    {0, NULL},
};

PyType_Spec glue_policy_spec = {
    .name = "encoder_bridge._native.Policy",
    .basicsize = sizeof(policy_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = policy_slots,
};
