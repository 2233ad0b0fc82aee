/* hpy-shim/c/call.c: packs the arguments of a task, and calls it later.
 *
 * Owns: nothing; the references live in the HPyxTask of whoever queues the task.
 * Called by: Rust (task.rs), at submit and at run. Threads: attached. Every call gives a new
 * handle, or HPY_NULL with the error set; pack takes its own references to what it is given. */
#include "api.h"

#include <stdlib.h>

enum { ON_STACK = 16 };
#define ARGUMENTS_OFFSET ((size_t)1 << (8 * sizeof(size_t) - 1))

static PyObject *own(PyObject *o) {
    hpyx_api.Py_IncRef(o);
    return o;
}

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t n) {
    PyObject *tuple = hpyx_api.PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple != NULL && i < n; i++)
        hpyx_api.PyTuple_SetItem(tuple, i, own(items[i]));
    return tuple;
}

static PyObject *dict_of(PyObject *names, PyObject *const *values) {
    PyObject *dict = hpyx_api.PyDict_New();
    Py_ssize_t n = hpyx_api.PyTuple_Size(names);
    for (Py_ssize_t i = 0; dict != NULL && i < n; i++) {
        if (hpyx_api.PyDict_SetItem(dict, hpyx_api.PyTuple_GetItem(names, i), values[i]) < 0) {
            hpyx_api.Py_DecRef(dict);
            return NULL;
        }
    }
    return dict;
}

static int pack_named(HPyxTask *task, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    int by_name = hpyx_api.PyObject_Vectorcall != NULL;
    Py_ssize_t n = by_name ? nargs + hpyx_api.PyTuple_Size(names) : nargs;
    task->args = (intptr_t)tuple_of(args, n);
    task->kwargs = (intptr_t)(by_name ? own(names) : dict_of(names, args + nargs));
    if (task->args != 0 && task->kwargs != 0)
        return by_name ? HPYX_ARGS_NAMED : HPYX_ARGS_DICT;
    hpyx_release(task->args);
    hpyx_release(task->kwargs);
    return -1;
}

int hpyx_task_pack(HPyxTask *task, intptr_t callable, const intptr_t *args, intptr_t nargs,
                   intptr_t kwnames) {
    PyObject *const *items = (PyObject *const *)args;
    int shape = HPYX_ARGS_NONE;
    task->args = task->kwargs = 0;
    if (kwnames != 0 && hpyx_api.PyTuple_Size((PyObject *)kwnames) > 0) {
        shape = pack_named(task, items, nargs, (PyObject *)kwnames);
    } else if (nargs == 1) {
        task->args = (intptr_t)own(items[0]);
        shape = HPYX_ARGS_ONE;
    } else if (nargs > 1) {
        task->args = (intptr_t)tuple_of(items, nargs);
        shape = task->args != 0 ? HPYX_ARGS_TUPLE : -1;
    }
    task->callable = shape < 0 ? 0 : (intptr_t)own((PyObject *)callable);
    return shape;
}

static PyObject *call_tuple(PyObject *callable, PyObject *const *items, Py_ssize_t n) {
    PyObject *tuple = tuple_of(items, n);
    if (tuple == NULL)
        return NULL;
    PyObject *result = hpyx_api.PyObject_Call(callable, tuple, NULL);
    hpyx_api.Py_DecRef(tuple);
    return result;
}

static PyObject *call_none(PyObject *callable) {
    if (hpyx_api.PyObject_CallNoArgs != NULL)
        return hpyx_api.PyObject_CallNoArgs(callable);
    return call_tuple(callable, NULL, 0);
}

static PyObject *call_one(PyObject *callable, PyObject *arg) {
    if (hpyx_api.PyObject_Vectorcall != NULL) {
        PyObject *stack[2] = {NULL, arg};
        return hpyx_api.PyObject_Vectorcall(callable, stack + 1, 1 | ARGUMENTS_OFFSET, NULL);
    }
    if (hpyx_api.PyObject_CallFunctionObjArgs != NULL)
        return hpyx_api.PyObject_CallFunctionObjArgs(callable, arg, (PyObject *)NULL);
    return call_tuple(callable, &arg, 1);
}

static PyObject *call_named(PyObject *callable, PyObject *values, PyObject *names) {
    Py_ssize_t n = hpyx_api.PyTuple_Size(values), n_names = hpyx_api.PyTuple_Size(names);
    PyObject *on_stack[ON_STACK + 1];
    PyObject **stack = n <= ON_STACK ? on_stack : malloc(((size_t)n + 1) * sizeof *stack);
    if (stack == NULL)
        return hpyx_api.PyErr_NoMemory();
    stack[0] = NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        stack[i + 1] = hpyx_api.PyTuple_GetItem(values, i);
    PyObject *result = hpyx_api.PyObject_Vectorcall(
        callable, stack + 1, (size_t)(n - n_names) | ARGUMENTS_OFFSET, names);
    if (stack != on_stack)
        free(stack);
    return result;
}

HPy hpyx_task_call(const HPyContext *ctx, const HPyxTask *task, int shape) {
    PyObject *callable = (PyObject *)task->callable, *args = (PyObject *)task->args;
    PyObject *result = NULL;
    (void)ctx;
    switch (shape) {
    case HPYX_ARGS_NONE:
        result = call_none(callable);
        break;
    case HPYX_ARGS_ONE:
        result = call_one(callable, args);
        break;
    case HPYX_ARGS_NAMED:
        result = call_named(callable, args, (PyObject *)task->kwargs);
        break;
    default:
        result = hpyx_api.PyObject_Call(callable, args, (PyObject *)task->kwargs);
    }
    return hpyx_own((intptr_t)result);
}
