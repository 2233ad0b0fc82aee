/* hpy-shim/c/debug.c: the checking context, in which a handle is a small record around the object.
 *
 * Owns: the records, how many are open, and the quarantine of closed ones. A record is reused only
 * after QUARANTINE others were closed, so that a use after close is caught while it is fresh.
 * Called by: everything that has a context, when HPYX_DEBUG_HANDLES=1 was set at import.
 * Threads: attached; the lists are under a spin lock, held for a few instructions and never across
 * a call into the interpreter. Errors: a misused handle means that memory is suspect: one clear
 * line on stderr, then abort. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPEN = 0x48507931, BORROWED = 0x48507932, CLOSED = 0x48507933, QUARANTINE = 4096 };

typedef struct DebugHandle {
    PyObject *object;
    int status;
} DebugHandle;

static char lock;
static size_t open_owned;
static DebugHandle *quarantine[QUARANTINE];
static size_t quarantine_next;

static void take_lock(void) {
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ; /* ORDER: acquire/release on lock guard the counters and the quarantine */
}

static void drop_lock(void) {
    __atomic_clear(&lock, __ATOMIC_RELEASE);
}

static void misused(const char *function, const DebugHandle *handle, const char *what) {
    fprintf(stderr, "hpyx: %s was given %s (handle %p). Fatal: a reference count is wrong.\n",
            function, what, (const void *)handle);
    abort();
}

HPy hpyx_debug_wrap(PyObject *o, int borrowed) {
    if (o == NULL)
        return hpyx_handle(NULL);
    DebugHandle *handle = malloc(sizeof *handle);
    if (handle == NULL)
        misused("malloc", handle, "no memory for a checked handle");
    handle->object = o;
    handle->status = borrowed ? BORROWED : OPEN;
    take_lock();
    open_owned += !borrowed;
    drop_lock();
    return hpyx_handle((PyObject *)handle);
}

PyObject *hpyx_debug_object(HPy h, const char *function) {
    const DebugHandle *handle = (const DebugHandle *)h._i;
    if (handle == NULL)
        return NULL;
    if (handle->status == CLOSED)
        misused(function, handle, "a handle that is closed already");
    if (handle->status != OPEN && handle->status != BORROWED)
        misused(function, handle, "something that is not a handle");
    return handle->object;
}

PyObject *hpyx_debug_unwrap_closing(HPy h, const char *function) {
    PyObject *object = hpyx_debug_object(h, function);
    DebugHandle *handle = (DebugHandle *)h._i, *expired;
    if (handle == NULL)
        return NULL;
    take_lock();
    open_owned -= handle->status == OPEN;
    handle->status = CLOSED;
    expired = quarantine[quarantine_next];
    quarantine[quarantine_next] = handle;
    quarantine_next = (quarantine_next + 1) % QUARANTINE;
    drop_lock();
    free(expired);
    return object;
}

size_t hpyx_open_handles(void) {
    take_lock();
    size_t n = open_owned;
    drop_lock();
    return n;
}

#define CTX const HPyContext *ctx
#define U (&hpyx_universal_context)
#define O(h) hpyx_handle(hpyx_debug_object(h, __func__))
#define W(h) hpyx_debug_wrap(hpyx_object(h), 0)

#define PASS(ret, name, params, call)                                                              \
    static ret checked_ctx_##name params {                                                         \
        (void)ctx;                                                                                 \
        return call;                                                                               \
    }

PASS(HPy, Dup, (CTX, HPy h), W(U->ctx_Dup(U, O(h))))

static void checked_ctx_Close(CTX, HPy h) {
    (void)ctx;
    const DebugHandle *handle = (const DebugHandle *)h._i;
    if (handle != NULL && handle->status == BORROWED)
        misused(__func__, handle, "a borrowed argument, which is not its to close");
    hpyx_release((intptr_t)hpyx_debug_unwrap_closing(h, __func__));
}

PASS(HPy, Long_FromInt64_t, (CTX, int64_t v), W(U->ctx_Long_FromInt64_t(U, v)))
PASS(HPy, Long_FromUInt64_t, (CTX, uint64_t v), W(U->ctx_Long_FromUInt64_t(U, v)))
PASS(int64_t, Long_AsInt64_t, (CTX, HPy h), U->ctx_Long_AsInt64_t(U, O(h)))
PASS(HPy, Float_FromDouble, (CTX, double v), W(U->ctx_Float_FromDouble(U, v)))
PASS(double, Float_AsDouble, (CTX, HPy h), U->ctx_Float_AsDouble(U, O(h)))
PASS(HPy, Bool_FromBool, (CTX, int v), W(U->ctx_Bool_FromBool(U, v)))
PASS(HPy, Unicode_FromString, (CTX, const char *s), W(U->ctx_Unicode_FromString(U, s)))
PASS(HPy, Unicode_FromStringAndSize, (CTX, const char *s, intptr_t n),
     W(U->ctx_Unicode_FromStringAndSize(U, s, n)))
PASS(HPy, Unicode_InternFromString, (CTX, const char *s), W(U->ctx_Unicode_InternFromString(U, s)))
PASS(const char *, Unicode_AsUTF8AndSize, (CTX, HPy h, intptr_t *n),
     U->ctx_Unicode_AsUTF8AndSize(U, O(h), n))
PASS(HPy, Bytes_FromStringAndSize, (CTX, const char *s, intptr_t n),
     W(U->ctx_Bytes_FromStringAndSize(U, s, n)))

/* Bare handles for an array of checked ones; freed by the caller. */
static HPy *bare_array(const HPy *items, intptr_t n, const char *function) {
    HPy *bare = calloc((size_t)n + 1, sizeof *bare);
    for (intptr_t i = 0; bare != NULL && i < n; i++)
        bare[i] = hpyx_handle(hpyx_debug_object(items[i], function));
    return bare;
}

static HPy checked_ctx_Tuple_FromArray(CTX, const HPy *items, intptr_t n) {
    (void)ctx;
    HPy *bare = bare_array(items, n, __func__);
    HPy tuple = W(U->ctx_Tuple_FromArray(U, bare, n));
    free(bare);
    return tuple;
}

PASS(HPy, List_New, (CTX), W(U->ctx_List_New(U)))
PASS(int, List_Append, (CTX, HPy list, HPy item), U->ctx_List_Append(U, O(list), O(item)))
PASS(HPy, Dict_New, (CTX), W(U->ctx_Dict_New(U)))
PASS(intptr_t, Length, (CTX, HPy h), U->ctx_Length(U, O(h)))
PASS(HPy, GetItem, (CTX, HPy h, HPy key), W(U->ctx_GetItem(U, O(h), O(key))))
PASS(int, SetItem, (CTX, HPy h, HPy key, HPy value), U->ctx_SetItem(U, O(h), O(key), O(value)))
PASS(int, SetItem_s, (CTX, HPy h, const char *key, HPy value),
     U->ctx_SetItem_s(U, O(h), key, O(value)))
PASS(HPy, Iter_Next, (CTX, HPy h), W(U->ctx_Iter_Next(U, O(h))))
PASS(HPy, GetAttr, (CTX, HPy h, HPy name), W(U->ctx_GetAttr(U, O(h), O(name))))
PASS(HPy, GetAttr_s, (CTX, HPy h, const char *name), W(U->ctx_GetAttr_s(U, O(h), name)))
PASS(int, SetAttr, (CTX, HPy h, HPy name, HPy value), U->ctx_SetAttr(U, O(h), O(name), O(value)))
PASS(int, SetAttr_s, (CTX, HPy h, const char *name, HPy value),
     U->ctx_SetAttr_s(U, O(h), name, O(value)))
PASS(HPy, Type, (CTX, HPy h), W(U->ctx_Type(U, O(h))))
PASS(int, TypeCheck, (CTX, HPy h, HPy type), U->ctx_TypeCheck(U, O(h), O(type)))
PASS(int, Is, (CTX, HPy a, HPy b), O(a)._i == O(b)._i)
PASS(int, IsTrue, (CTX, HPy h), U->ctx_IsTrue(U, O(h)))
PASS(HPy, Str, (CTX, HPy h), W(U->ctx_Str(U, O(h))))
PASS(HPy, Repr, (CTX, HPy h), W(U->ctx_Repr(U, O(h))))
PASS(int, Callable_Check, (CTX, HPy h), U->ctx_Callable_Check(U, O(h)))

/* hpyx_task_call wraps its result itself. */
static HPy checked_ctx_Call(CTX, HPy callable, const HPy *args, size_t nargs, HPy kwnames) {
    HPy names = O(kwnames);
    intptr_t n = (intptr_t)nargs + (HPy_IsNull(names) ? 0 : U->ctx_Length(U, names));
    HPy *bare = bare_array(args, n, __func__);
    (void)ctx;
    HPy result = U->ctx_Call(U, O(callable), bare, nargs, names);
    free(bare);
    return result;
}

PASS(HPy, CallTupleDict, (CTX, HPy callable, HPy args, HPy kwargs),
     W(U->ctx_CallTupleDict(U, O(callable), O(args), O(kwargs))))
PASS(HPy, Import_ImportModule, (CTX, const char *name), W(U->ctx_Import_ImportModule(U, name)))

static void checked_ctx_Err_SetString(CTX, HPy type, const char *utf8) {
    (void)ctx;
    U->ctx_Err_SetString(U, O(type), utf8);
}

static void checked_ctx_Err_SetObject(CTX, HPy type, HPy value) {
    (void)ctx;
    U->ctx_Err_SetObject(U, O(type), O(value));
}

PASS(int, Err_Occurred, (CTX), U->ctx_Err_Occurred(U))

static void checked_ctx_Err_Clear(CTX) {
    (void)ctx;
    U->ctx_Err_Clear(U);
}

static void checked_ctx_Err_NoMemory(CTX) {
    (void)ctx;
    U->ctx_Err_NoMemory(U);
}

static void checked_ctx_Err_WriteUnraisable(CTX, HPy about) {
    (void)ctx;
    U->ctx_Err_WriteUnraisable(U, O(about));
}

PASS(HPy, Err_GetRaised, (CTX), W(U->ctx_Err_GetRaised(U)))

static void checked_ctx_Err_Raise(CTX, HPy value) {
    (void)ctx;
    U->ctx_Err_Raise(U, O(value));
}

PASS(int, Err_CheckSignals, (CTX), U->ctx_Err_CheckSignals(U))
PASS(HPyxHandled, Err_SaveHandled, (CTX), U->ctx_Err_SaveHandled(U))

static void checked_ctx_Err_RestoreHandled(CTX, HPyxHandled saved) {
    (void)ctx;
    U->ctx_Err_RestoreHandled(U, saved);
}

PASS(HPy, Type_FromSpec, (CTX, const HPyType_Spec *spec), W(U->ctx_Type_FromSpec(U, spec)))
PASS(HPy, New, (CTX, HPy type), W(U->ctx_New(U, O(type))))
PASS(int, Field_Store, (CTX, HPy owner, HPyField *field, HPy value),
     U->ctx_Field_Store(U, O(owner), field, O(value)))
PASS(HPy, Field_Load, (CTX, HPy owner, const HPyField *field),
     W(U->ctx_Field_Load(U, O(owner), field)))
PASS(HPy, ContextVars_New, (CTX), W(U->ctx_ContextVars_New(U)))
PASS(HPy, ContextVars_CopyCurrent, (CTX), W(U->ctx_ContextVars_CopyCurrent(U)))
PASS(int, ContextVars_Enter, (CTX, HPy context), U->ctx_ContextVars_Enter(U, O(context)))
PASS(int, ContextVars_Exit, (CTX, HPy context), U->ctx_ContextVars_Exit(U, O(context)))

const HPyContext hpyx_debug_context = {
    "HPy checking context of hpyx",
#define HPYX_CTX(ret, public_name, member, params, args) checked_##member,
#include "hpyx/ctx.def"
#undef HPYX_CTX
};
