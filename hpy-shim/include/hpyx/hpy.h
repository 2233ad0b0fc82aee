/* hpyx/hpy.h: the public face of the handle layer, in HPy style.
 *
 * Owns: the types that cross between an extension and the layer, and HPyContext, the table of
 * functions through which every Python object is reached. ctx.def lists those functions once; it is
 * expanded here into the members of HPyContext and into the inline functions HPy_Dup(ctx, h), ...
 * Called by: the Rust API of this crate (through bindgen) and by C extensions that are built on it.
 * Rules: the context comes first; handles are opaque; nothing returns a borrowed reference; a
 * function that returns a handle returns a new one, or HPy_NULL with a Python error set; a function
 * that returns int gives -1 with an error set. Arguments are borrowed for the call.
 * Threads: attached to the interpreter, except where a function says otherwise. */
#ifndef HPYX_HPY_H
#define HPYX_HPY_H

#include <stddef.h>
#include <stdint.h>

/* A reference to a Python object. Close each one once. Never cast it to PyObject*. */
typedef struct _HPy_s {
    intptr_t _i;
} HPy;

/* A reference inside a native object's body. The garbage collector sees it (hpyx/hpy.h:
 * HPyType_Spec.traverse), so it may be part of a cycle. Zero-initialised means empty. */
typedef struct _HPyField_s {
    intptr_t _i;
} HPyField;

/* What HPy_LeavePythonExecution hands out, to be given back to HPy_ReenterPythonExecution. */
typedef struct _HPyThreadState_s {
    intptr_t _i;
} HPyThreadState;

/* The exception that the thread is handling now (sys.exc_info), set aside for a nested run. */
typedef struct _HPyxHandled_s {
    intptr_t type, value, traceback;
    int is_aside; /* 0: it belongs to a frame further out, and could not be set aside */
} HPyxHandled;

#define HPY_NULL_INIT {0}
#define HPy_IsNull(h) ((h)._i == 0)

typedef struct _HPyContext_s HPyContext;

/* The callback that a type's traverse function hands each of its fields to. */
typedef int (*HPyFunc_visitproc)(HPyField *field, void *arg);

/* How a method of a native type, or a function of a native module, is called: the interpreter's own
 * fast-call convention. Raw words: hpyx_arg turns one into a handle. */
typedef intptr_t (*HPyFunc_raw_keywords)(intptr_t self, const intptr_t *args, intptr_t nargs,
                                         intptr_t kwnames);

/* The same with exactly one argument, or with none (`arg` is 0 then). Interpreters that translate
 * calls (PyPy, GraalPy) make these without a tuple, in a fraction of the time. */
typedef intptr_t (*HPyFunc_raw_o)(intptr_t self, intptr_t arg);

enum { HPyFunc_KEYWORDS = 0, HPyFunc_NOARGS = 1, HPyFunc_O = 2 };

typedef struct _HPyMeth_s {
    const char *name;          /* NULL ends the array */
    HPyFunc_raw_keywords impl; /* where the signature is HPyFunc_KEYWORDS */
    const char *doc;
    unsigned signature;
    HPyFunc_raw_o impl_o; /* where it is not */
} HPyMeth;

/* A native type: `body_size` bytes of ours behind the interpreter's object header.
 * The functions get the object as a raw word; hpyx_body() finds the body. All may be NULL. */
typedef struct _HPyType_Spec_s {
    const char *name; /* dotted, static life time */
    const char *doc;
    size_t body_size;
    const HPyMeth *methods; /* static life time */
    intptr_t (*tp_new)(intptr_t type, intptr_t args, intptr_t kwargs);
    /* Closes all that the body owns; the memory is then freed by hpyx_object_free. */
    void (*tp_dealloc)(intptr_t self);
    int (*tp_traverse)(intptr_t self, void *visit, void *arg);
    int (*tp_clear)(intptr_t self);
} HPyType_Spec;

/* A native module: multi-phase, one state block of `state_size` zeroed bytes per interpreter. */
typedef struct _HPyModuleDef_s {
    const char *name;
    const char *doc;
    size_t state_size;
    const HPyMeth *methods;
    int (*exec)(intptr_t module);
} HPyModuleDef;

/* What the layer found out about the interpreter that loaded it. */
typedef enum _HPyxFamily_e {
    HPYX_FAMILY_CPYTHON = 0,
    HPYX_FAMILY_PYPY = 1,
    HPYX_FAMILY_GRAALPY = 2,
} HPyxFamily;

/* Module slots of the stable ABI; which of them the interpreter accepts is in the probe. */
enum { HPYX_MOD_EXEC = 2, HPYX_MOD_MULTIPLE_INTERPRETERS = 3, HPYX_MOD_GIL = 4 };

typedef struct _HPyxProbe_s {
    HPyxFamily family;
    int major, minor, micro; /* of the Python language version that the interpreter reports */
    int free_threaded;
    size_t header_size;             /* bytes before the body of an object */
    int slot_multiple_interpreters; /* the module slot is accepted */
    int slot_gil;                   /* the module slot is accepted */
    int native_context_vars;        /* PyContext_* is there */
    int fields_are_attributes;      /* the collector does not look into C fields */
    int debug;                      /* the checking context is in use */
    int counts_calls;               /* calls of the C API are counted */
    int refcounts_are_known;        /* hpyx_object_has_one_reference can say yes */
} HPyxProbe;

struct _HPyContext_s {
    const char *name;
#define HPYX_CTX(ret, public_name, member, params, args) ret(*member) params;
#include "ctx.def"
#undef HPYX_CTX
};

#ifndef HPYX_NO_INLINE
#define HPYX_CTX(ret, public_name, member, params, args)                                           \
    static inline ret public_name params {                                                         \
        return ctx->member args;                                                                   \
    }
#include "ctx.def"
#undef HPYX_CTX
#endif

/* The context of this process: the universal one, or the checking one (HPYX_DEBUG_HANDLES=1). */
const HPyContext *hpyx_context(void);
const HPyxProbe *hpyx_probe(void);

/* Resolves the C API if this was not done yet and makes the module. For PyInit_<name>: its result
 * is that function's result. NULL with ImportError set when the interpreter cannot be served. */
void *hpyx_module_init(const HPyModuleDef *def);
/* Why the last hpyx_module_init failed, for a loader in a process where not even an exception could
 * be raised. Empty when it did not fail. */
const char *hpyx_load_error(void);
/* The state block of a module, given the raw word that a module function receives as self. */
void *hpyx_module_state(intptr_t module);

/* The body of an object of a native type, given its raw word. */
void *hpyx_body(intptr_t object);
/* Last act of tp_dealloc; first act is hpyx_object_untrack. */
void hpyx_object_untrack(intptr_t object);
/* Shows an object of ours, untracked until now, to the collector. Only where bodies hold fields. */
void hpyx_object_track(intptr_t object);
/* Whether the collector looks into objects of this one's type. Only where bodies hold fields. */
int hpyx_object_is_collectable(intptr_t object);
void hpyx_object_free(intptr_t object);
/* In place of hpyx_object_free, where hpyx_class_is_revivable says yes: the memory stays, for
 * hpyx_object_revive to make another instance of the same class in it, untracked, with a body of
 * `body_size` zeroes. The raw word is then a reference. */
int hpyx_class_is_revivable(intptr_t type);
void hpyx_object_lay_aside(intptr_t object);
intptr_t hpyx_object_revive(intptr_t remains, intptr_t type, size_t body_size);
/* Whether the caller's reference is the only one, so that nobody else can reach the object. No may
 * also mean that it cannot be told here: only free-threaded interpreters are asked. */
int hpyx_object_has_one_reference(intptr_t object);
/* A tracked object of ours has got its first attribute, or may have. */
void hpyx_object_got_attributes(intptr_t object);
/* For tp_traverse: shows the object's own type, one field or one stored reference, or the
 * attributes that a subclass gave it, to the collector. Not zero means: stop and return this. */
int hpyx_visit_type(intptr_t object, void *visit, void *arg);
int hpyx_visit(intptr_t raw, void *visit, void *arg);
int hpyx_visit_attributes(intptr_t object, void *visit, void *arg);

/* Raw words (arguments as the interpreter passes them, references that outlive a call) and handles.
 * borrow: a handle for an argument, valid during the call; `unborrow` ends it.
 * own: a handle that takes over a reference. disown: the reference of a handle, which is closed.
 * peek: the raw word of a handle that stays open; to compare, or to find a native body. */
HPy hpyx_borrow(intptr_t raw);
void hpyx_unborrow(HPy h);
HPy hpyx_own(intptr_t raw);
intptr_t hpyx_disown(HPy h);
intptr_t hpyx_peek(HPy h);
/* Gives up a reference of which no handle exists. Attached. */
void hpyx_release(intptr_t raw);

/* Runs `callable` with the packed arguments of one task; see c/call.c. New handle or HPy_NULL. */
typedef struct _HPyxTask_s {
    intptr_t callable; /* owned references, 0 when absent */
    intptr_t args;     /* by shape: nothing, the one argument itself, or a tuple */
    intptr_t kwargs;   /* keyword names (a tuple; their values end `args`), or a dict */
} HPyxTask;
enum {
    HPYX_ARGS_NONE = 0,
    HPYX_ARGS_ONE = 1,
    HPYX_ARGS_TUPLE = 2,
    HPYX_ARGS_NAMED = 3,
    HPYX_ARGS_DICT = 4
};
/* Packs fast-call arguments args[first..] into `task`; returns the shape, or -1 with an error set.
 * */
int hpyx_task_pack(HPyxTask *task, intptr_t callable, const intptr_t *args, intptr_t nargs,
                   intptr_t kwnames);
HPy hpyx_task_call(const HPyContext *ctx, const HPyxTask *task, int shape);

/* Thread state. leave: detaches, so that other threads may run Python. reenter: attaches again; in
 * an interpreter that is being finalized it never returns (the thread sleeps for good). */
intptr_t hpyx_detach(void);
void hpyx_attach(intptr_t thread_state);
/* Whether the interpreter has begun to die. Any thread, attached or not. */
int hpyx_finalizing(void);

/* Handles open now; counts only in the checking context. */
size_t hpyx_open_handles(void);

/* Names of the C API functions that are optional and missing, or withheld because this
 * implementation only has a stub of them. NULL ends the walk (index from 0). */
const char *hpyx_missing_function(size_t index);
const char *hpyx_denied_function(size_t index);

/* Where calls are counted (HPYX_COUNT_CALLS=1): the name of a C API function, and how often it has
 * been called. NULL ends the walk (index from 0). Any thread. */
const char *hpyx_call_count(size_t index, uint64_t *count);

#endif
