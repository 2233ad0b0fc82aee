/* hpy-shim/c/api.h: the interpreter's C API, as function pointers found at load time.
 *
 * Owns: the raw types (opaque: no field of an object is ever read), the table `hpyx_api` that
 * slots.def describes, and the few numbers of the stable ABI that cannot be looked up.
 * Called by: the C files of this folder only. Rust and extensions use hpyx/hpy.h.
 * Threads: the table is written once, before the first module exists; read-only afterwards. */
#ifndef HPYX_API_H
#define HPYX_API_H

#include "hpyx/hpy.h"

typedef struct _object PyObject;
typedef struct _typeobject PyTypeObject;
typedef struct _ts PyThreadState;
typedef intptr_t Py_ssize_t;

/* Laid out as the stable ABI fixes PyType_Slot, PyType_Spec and PyMethodDef. */
typedef struct {
    int slot;
    void *pfunc;
} HPyxRawTypeSlot;

typedef struct {
    const char *name;
    int basicsize;
    int itemsize;
    unsigned int flags;
    HPyxRawTypeSlot *slots;
} HPyxRawTypeSpec;

typedef struct {
    const char *ml_name;
    void *ml_meth;
    int ml_flags;
    const char *ml_doc;
} HPyxRawMethodDef;

/* Built at run time behind the probed header size: see c/module.c. */
typedef struct _HPyxRawModuleDef HPyxRawModuleDef;

#define HPYX_SLOT(need, level, result, name, params) typedef result(*hpyx_##name##_t) params;
#include "slots.def"
#undef HPYX_SLOT

typedef struct {
#define HPYX_SLOT(need, level, result, name, params) hpyx_##name##_t name;
#include "slots.def"
#undef HPYX_SLOT
} HPyxApi;

extern HPyxApi hpyx_api;

/* Fills hpyx_api and the probe. 0, or -1 with the reason in hpyx_load_error(). */
int hpyx_api_load(void);
/* Raises ImportError with the text, if the interpreter offers enough to do so. */
void hpyx_api_raise_import_error(const char *text);
/* c/count.c: calls of the functions in the table are counted from now on. */
void hpyx_count_calls(void);
void hpyx_set_load_error(const char *format, ...);

/* Stable ABI numbers: typeslots.h, methodobject.h, object.h; module slots are in hpyx/hpy.h. */
enum {
    HPYX_TP_CLEAR = 51,
    HPYX_TP_DEALLOC = 52,
    HPYX_TP_DOC = 56,
    HPYX_TP_METHODS = 64,
    HPYX_TP_NEW = 65,
    HPYX_TP_TRAVERSE = 71,
    HPYX_TP_FREE = 74,
    HPYX_METH_FASTCALL_KEYWORDS = 0x0080 | 0x0002,
    HPYX_METH_NOARGS = 0x0004,
    HPYX_METH_O = 0x0008,
};
/* CPython >= 3.13: the values of attributes lie behind the body. */
#define HPYX_TPFLAGS_INLINE_VALUES (1u << 2)
#define HPYX_TPFLAGS_BASETYPE (1u << 10)
#define HPYX_TPFLAGS_HAVE_GC (1u << 14)
#define HPYX_TPFLAGS_DEFAULT (1u << 18)
#define HPYX_MOD_PER_INTERPRETER_GIL ((void *)2)
#define HPYX_MOD_GIL_NOT_USED ((void *)1)

/* Handles and raw objects in the universal context are the same word. */
static inline PyObject *hpyx_object(HPy h) {
    return (PyObject *)h._i;
}
static inline HPy hpyx_handle(PyObject *o) {
    HPy h = {(intptr_t)o};
    return h;
}

extern HPyxProbe hpyx_probed;
extern const HPyContext hpyx_universal_context;
extern const HPyContext hpyx_debug_context;

/* c/refcount.c. The probe says whether the counts lie where we look. */
void hpyx_refcount_set_immortal(char *header);
int hpyx_refcount_probe(void);

/* c/debug.c: one checking handle around a reference it takes over (or borrows), and back. */
HPy hpyx_debug_wrap(PyObject *o, int borrowed);
PyObject *hpyx_debug_object(HPy h, const char *function);
PyObject *hpyx_debug_unwrap_closing(HPy h, const char *function);

#endif
