/* hpy-shim/c/context.c: the universal context, in which a handle is the object's address.
 *
 * Owns: hpyx_universal_context. Called by: everything that has a context, through it.
 * Threads: attached. Ownership as hpyx/hpy.h says: arguments borrowed, results new. */
#include "api.h"

PyObject *hpyx_type_from_spec(const HPyType_Spec *spec);
int hpyx_field_store(PyObject *owner, HPyField *field, PyObject *value);
PyObject *hpyx_field_load(PyObject *owner, const HPyField *field);

#define CTX const HPyContext *ctx
#define O(h) hpyx_object(h)
#define H(o) hpyx_handle(o)
#define UNUSED (void)ctx

/* Most functions only pass on: one line each. */
#define PASS(ret, name, params, call)                                                              \
    static ret ctx_##name params {                                                                 \
        UNUSED;                                                                                    \
        return call;                                                                               \
    }

static HPy ctx_Dup(CTX, HPy h) {
    UNUSED;
    hpyx_api.Py_IncRef(O(h));
    return h;
}

static void ctx_Close(CTX, HPy h) {
    UNUSED;
    if (!HPy_IsNull(h))
        hpyx_api.Py_DecRef(O(h));
}

PASS(HPy, Long_FromInt64_t, (CTX, int64_t v), H(hpyx_api.PyLong_FromLongLong(v)))
PASS(HPy, Long_FromUInt64_t, (CTX, uint64_t v), H(hpyx_api.PyLong_FromUnsignedLongLong(v)))
PASS(int64_t, Long_AsInt64_t, (CTX, HPy h), hpyx_api.PyLong_AsLongLong(O(h)))
PASS(HPy, Float_FromDouble, (CTX, double v), H(hpyx_api.PyFloat_FromDouble(v)))
PASS(double, Float_AsDouble, (CTX, HPy h), hpyx_api.PyFloat_AsDouble(O(h)))
PASS(HPy, Bool_FromBool, (CTX, int v), H(hpyx_api.PyBool_FromLong(v)))
PASS(HPy, Unicode_FromString, (CTX, const char *s), H(hpyx_api.PyUnicode_FromString(s)))
PASS(HPy, Unicode_FromStringAndSize, (CTX, const char *s, intptr_t n),
     H(hpyx_api.PyUnicode_FromStringAndSize(s, n)))
PASS(HPy, Unicode_InternFromString, (CTX, const char *s), H(hpyx_api.PyUnicode_InternFromString(s)))
PASS(const char *, Unicode_AsUTF8AndSize, (CTX, HPy h, intptr_t *n),
     hpyx_api.PyUnicode_AsUTF8AndSize(O(h), n))
PASS(HPy, Bytes_FromStringAndSize, (CTX, const char *s, intptr_t n),
     H(hpyx_api.PyBytes_FromStringAndSize(s, n)))

static HPy ctx_Tuple_FromArray(CTX, const HPy *items, intptr_t n) {
    UNUSED;
    PyObject *tuple = hpyx_api.PyTuple_New(n);
    for (intptr_t i = 0; tuple != NULL && i < n; i++) {
        hpyx_api.Py_IncRef(O(items[i]));
        hpyx_api.PyTuple_SetItem(tuple, i, O(items[i]));
    }
    return H(tuple);
}

PASS(HPy, List_New, (CTX), H(hpyx_api.PyList_New(0)))
PASS(int, List_Append, (CTX, HPy list, HPy item), hpyx_api.PyList_Append(O(list), O(item)))
PASS(HPy, Dict_New, (CTX), H(hpyx_api.PyDict_New()))
PASS(intptr_t, Length, (CTX, HPy h), hpyx_api.PyObject_Size(O(h)))
PASS(HPy, GetItem, (CTX, HPy h, HPy key), H(hpyx_api.PyObject_GetItem(O(h), O(key))))
PASS(int, SetItem, (CTX, HPy h, HPy key, HPy value),
     hpyx_api.PyObject_SetItem(O(h), O(key), O(value)))

static int ctx_SetItem_s(CTX, HPy h, const char *key, HPy value) {
    UNUSED;
    PyObject *name = hpyx_api.PyUnicode_FromString(key);
    if (name == NULL)
        return -1;
    int status = hpyx_api.PyObject_SetItem(O(h), name, O(value));
    hpyx_api.Py_DecRef(name);
    return status;
}

PASS(HPy, Iter_Next, (CTX, HPy h), H(hpyx_api.PyIter_Next(O(h))))
PASS(HPy, GetAttr, (CTX, HPy h, HPy name), H(hpyx_api.PyObject_GetAttr(O(h), O(name))))
PASS(HPy, GetAttr_s, (CTX, HPy h, const char *name), H(hpyx_api.PyObject_GetAttrString(O(h), name)))
PASS(int, SetAttr, (CTX, HPy h, HPy name, HPy value),
     hpyx_api.PyObject_SetAttr(O(h), O(name), O(value)))
PASS(int, SetAttr_s, (CTX, HPy h, const char *name, HPy value),
     hpyx_api.PyObject_SetAttrString(O(h), name, O(value)))
PASS(HPy, Type, (CTX, HPy h), H(hpyx_api.PyObject_Type(O(h))))
PASS(int, TypeCheck, (CTX, HPy h, HPy type), hpyx_api.PyObject_IsInstance(O(h), O(type)))
PASS(int, Is, (CTX, HPy a, HPy b), a._i == b._i)
PASS(int, IsTrue, (CTX, HPy h), hpyx_api.PyObject_IsTrue(O(h)))
PASS(HPy, Str, (CTX, HPy h), H(hpyx_api.PyObject_Str(O(h))))
PASS(HPy, Repr, (CTX, HPy h), H(hpyx_api.PyObject_Repr(O(h))))
PASS(int, Callable_Check, (CTX, HPy h), hpyx_api.PyCallable_Check(O(h)))

/* As hpyx_task_call, the result is a handle of the context in use, checked or not. */
static HPy ctx_Call(CTX, HPy callable, const HPy *args, size_t nargs, HPy kwnames) {
    UNUSED;
    if (hpyx_api.PyObject_Vectorcall != NULL)
        return hpyx_own((intptr_t)hpyx_api.PyObject_Vectorcall(O(callable), (PyObject *const *)args,
                                                               nargs, O(kwnames)));
    HPyxTask task;
    int shape =
        hpyx_task_pack(&task, callable._i, (const intptr_t *)args, (intptr_t)nargs, kwnames._i);
    if (shape < 0)
        return H(NULL);
    HPy result = hpyx_task_call(ctx, &task, shape);
    hpyx_release(task.callable);
    hpyx_release(task.args);
    hpyx_release(task.kwargs);
    return result;
}

PASS(HPy, CallTupleDict, (CTX, HPy callable, HPy args, HPy kwargs),
     H(hpyx_api.PyObject_Call(O(callable), O(args), O(kwargs))))
PASS(HPy, Import_ImportModule, (CTX, const char *name), H(hpyx_api.PyImport_ImportModule(name)))

static void ctx_Err_SetString(CTX, HPy type, const char *utf8) {
    UNUSED;
    hpyx_api.PyErr_SetString(O(type), utf8);
}

static void ctx_Err_SetObject(CTX, HPy type, HPy value) {
    UNUSED;
    hpyx_api.PyErr_SetObject(O(type), O(value));
}

PASS(int, Err_Occurred, (CTX), hpyx_api.PyErr_Occurred() != NULL)

static void ctx_Err_Clear(CTX) {
    UNUSED;
    hpyx_api.PyErr_Clear();
}

static void ctx_Err_NoMemory(CTX) {
    UNUSED;
    hpyx_api.PyErr_NoMemory();
}

static void ctx_Err_WriteUnraisable(CTX, HPy about) {
    UNUSED;
    hpyx_api.PyErr_WriteUnraisable(O(about));
}

static HPy ctx_Err_GetRaised(CTX) {
    UNUSED;
    if (hpyx_api.PyErr_GetRaisedException != NULL)
        return H(hpyx_api.PyErr_GetRaisedException());
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    hpyx_api.PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL)
        return H(NULL);
    hpyx_api.PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        if (value != NULL && hpyx_api.PyException_SetTraceback(value, traceback) < 0)
            hpyx_api.PyErr_Clear();
        hpyx_api.Py_DecRef(traceback);
    }
    hpyx_api.Py_DecRef(type);
    return H(value);
}

static void ctx_Err_Raise(CTX, HPy value) {
    UNUSED;
    PyObject *type = hpyx_api.PyObject_Type(O(value));
    hpyx_api.PyErr_SetObject(type, O(value));
    hpyx_api.Py_DecRef(type);
}

PASS(int, Err_CheckSignals, (CTX), hpyx_api.PyErr_CheckSignals())

/* A class can be called; None and NULL, which stand for "nothing is being handled", can not. */
static int is_exception_class(PyObject *type) {
    return type != NULL && hpyx_api.PyCallable_Check(type);
}

static void ctx_release_handled(HPyxHandled *saved) {
    hpyx_release(saved->type);
    hpyx_release(saved->value);
    hpyx_release(saved->traceback);
    saved->type = saved->value = saved->traceback = 0;
}

static HPyxHandled ctx_Err_SaveHandled(CTX) {
    UNUSED;
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    hpyx_api.PyErr_GetExcInfo(&type, &value, &traceback);
    HPyxHandled saved = {(intptr_t)type, (intptr_t)value, (intptr_t)traceback, 1};
    if (!is_exception_class(type))
        return saved;
    /* GraalPy 25.0 finds it in the frames below, whatever was set: sys.exc_info() of a task that
     * runs on top would show it. */
    if (hpyx_probed.family == HPYX_FAMILY_GRAALPY) {
        ctx_release_handled(&saved);
        return (HPyxHandled){0, 0, 0, 0};
    }
    hpyx_api.PyErr_SetExcInfo(NULL, NULL, NULL);
    /* Get finds the innermost exception of the whole stack, Set writes that of the running frame or
     * generator. If one is still there, it belongs to a frame further out: leave things as they
     * were. If it is another one, the first was the running generator's, and goes back there. */
    PyObject *other[3] = {NULL, NULL, NULL};
    hpyx_api.PyErr_GetExcInfo(&other[0], &other[1], &other[2]);
    if (is_exception_class(other[0])) {
        if (other[1] == value)
            ctx_release_handled(&saved);
        else
            hpyx_api.PyErr_SetExcInfo(type, value, traceback);
        saved = (HPyxHandled){0, 0, 0, 0};
    }
    for (int i = 0; i < 3; i++)
        hpyx_release((intptr_t)other[i]);
    return saved;
}

static void ctx_Err_RestoreHandled(CTX, HPyxHandled saved) {
    UNUSED;
    if (is_exception_class((PyObject *)saved.type))
        hpyx_api.PyErr_SetExcInfo((PyObject *)saved.type, (PyObject *)saved.value,
                                  (PyObject *)saved.traceback);
    else
        ctx_release_handled(&saved);
}

PASS(HPy, Type_FromSpec, (CTX, const HPyType_Spec *spec), H(hpyx_type_from_spec(spec)))
PASS(HPy, New, (CTX, HPy type), H(hpyx_api.PyType_GenericAlloc((PyTypeObject *)O(type), 0)))
PASS(int, Field_Store, (CTX, HPy owner, HPyField *field, HPy value),
     hpyx_field_store(O(owner), field, O(value)))
PASS(HPy, Field_Load, (CTX, HPy owner, const HPyField *field), H(hpyx_field_load(O(owner), field)))
PASS(HPy, ContextVars_New, (CTX), H(hpyx_api.PyContext_New()))
PASS(HPy, ContextVars_CopyCurrent, (CTX), H(hpyx_api.PyContext_CopyCurrent()))
PASS(int, ContextVars_Enter, (CTX, HPy context), hpyx_api.PyContext_Enter(O(context)))
PASS(int, ContextVars_Exit, (CTX, HPy context), hpyx_api.PyContext_Exit(O(context)))

const HPyContext hpyx_universal_context = {
    "HPy universal context of hpyx",
#define HPYX_CTX(ret, public_name, member, params, args) member,
#include "hpyx/ctx.def"
#undef HPYX_CTX
};

HPy hpyx_borrow(intptr_t raw) {
    return hpyx_probed.debug ? hpyx_debug_wrap((PyObject *)raw, 1) : H((PyObject *)raw);
}

void hpyx_unborrow(HPy h) {
    if (hpyx_probed.debug)
        hpyx_debug_unwrap_closing(h, "hpyx_unborrow");
}

HPy hpyx_own(intptr_t raw) {
    return hpyx_probed.debug ? hpyx_debug_wrap((PyObject *)raw, 0) : H((PyObject *)raw);
}

intptr_t hpyx_peek(HPy h) {
    return hpyx_probed.debug ? (intptr_t)hpyx_debug_object(h, "hpyx_peek") : h._i;
}

intptr_t hpyx_disown(HPy h) {
    return hpyx_probed.debug ? (intptr_t)hpyx_debug_unwrap_closing(h, "hpyx_disown") : h._i;
}

void hpyx_release(intptr_t raw) {
    if (raw != 0)
        hpyx_api.Py_DecRef((PyObject *)raw);
}
