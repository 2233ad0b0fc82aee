/* hpy-shim/c/module.c: makes a module whose definition is laid out for the interpreter at hand.
 *
 * Owns: the module definitions it builds (one per HPyModuleDef and process, never freed, since the
 * interpreter keeps pointers into them). Called by: PyInit_<name> of an extension.
 * Threads: attached; guarded by the import lock of each interpreter and by a spin lock here. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

/* What follows the object header in a PyModuleDef, on every interpreter. */
typedef struct {
    void *m_init;
    intptr_t m_index;
    void *m_copy;
    const char *m_name;
    const char *m_doc;
    intptr_t m_size;
    HPyxRawMethodDef *m_methods;
    HPyxRawTypeSlot *m_slots;
    void *m_traverse;
    void *m_clear;
    void *m_free;
} ModuleDefBody;

#define MAX_MODULES 8
static const HPyModuleDef *built_for[MAX_MODULES];
static HPyxRawModuleDef *built[MAX_MODULES];
static char build_lock;

const HPyContext *hpyx_context(void) {
    return hpyx_probed.debug ? &hpyx_debug_context : &hpyx_universal_context;
}

static void set_function(HPyxRawMethodDef *raw, const HPyMeth *method) {
    if (method->signature == HPyFunc_KEYWORDS) {
        memcpy(&raw->ml_meth, &method->impl, sizeof raw->ml_meth);
        raw->ml_flags = HPYX_METH_FASTCALL_KEYWORDS;
        return;
    }
    memcpy(&raw->ml_meth, &method->impl_o, sizeof raw->ml_meth);
    raw->ml_flags = method->signature == HPyFunc_O ? HPYX_METH_O : HPYX_METH_NOARGS;
}

HPyxRawMethodDef *hpyx_raw_methods(const HPyMeth *methods) {
    size_t n = 0;
    while (methods != NULL && methods[n].name != NULL)
        n++;
    HPyxRawMethodDef *raw = calloc(n + 1, sizeof *raw);
    for (size_t i = 0; raw != NULL && i < n; i++) {
        raw[i].ml_name = methods[i].name;
        set_function(&raw[i], &methods[i]);
        raw[i].ml_doc = methods[i].doc;
    }
    return raw;
}

static HPyxRawTypeSlot *module_slots(const HPyModuleDef *def) {
    HPyxRawTypeSlot *slots = calloc(4, sizeof *slots);
    if (slots == NULL)
        return NULL;
    size_t n = 0;
    slots[n].slot = HPYX_MOD_EXEC;
    memcpy(&slots[n++].pfunc, &def->exec, sizeof(void *));
    if (hpyx_probed.slot_multiple_interpreters) {
        slots[n].slot = HPYX_MOD_MULTIPLE_INTERPRETERS;
        slots[n++].pfunc = HPYX_MOD_PER_INTERPRETER_GIL;
    }
    if (hpyx_probed.slot_gil) {
        slots[n].slot = HPYX_MOD_GIL;
        slots[n++].pfunc = HPYX_MOD_GIL_NOT_USED;
    }
    return slots;
}

/* A definition is an object that is never freed: an immortal reference count where there is one. */
static void set_reference_count(char *header) {
    if (hpyx_probed.free_threaded) {
        hpyx_refcount_set_immortal(header);
    } else {
        const intptr_t one = 1;
        memcpy(header, &one, sizeof one);
    }
}

static HPyxRawModuleDef *build(const HPyModuleDef *def) {
    char *memory = calloc(1, hpyx_probed.header_size + sizeof(ModuleDefBody));
    if (memory == NULL)
        return NULL;
    set_reference_count(memory);
    ModuleDefBody body;
    memset(&body, 0, sizeof body);
    body.m_name = def->name;
    body.m_doc = def->doc;
    body.m_size = (intptr_t)def->state_size;
    body.m_methods = hpyx_raw_methods(def->methods);
    body.m_slots = module_slots(def);
    memcpy(memory + hpyx_probed.header_size, &body, sizeof body);
    return (HPyxRawModuleDef *)memory;
}

static HPyxRawModuleDef *definition_for(const HPyModuleDef *def) {
    HPyxRawModuleDef *result = NULL;
    while (__atomic_test_and_set(&build_lock, __ATOMIC_ACQUIRE))
        ; /* ORDER: acquire/release on build_lock guard built_for and built */
    for (int i = 0; i < MAX_MODULES && result == NULL; i++) {
        if (built_for[i] == NULL) {
            built[i] = build(def);
            built_for[i] = built[i] != NULL ? def : NULL;
        }
        if (built_for[i] == def)
            result = built[i];
    }
    __atomic_clear(&build_lock, __ATOMIC_RELEASE);
    return result;
}

void *hpyx_module_init(const HPyModuleDef *def) {
    if (hpyx_api_load() < 0) {
        hpyx_api_raise_import_error(hpyx_load_error());
        return NULL;
    }
    HPyxRawModuleDef *raw = definition_for(def);
    if (raw == NULL) {
        hpyx_set_load_error("hpyx: no memory for the module definition of %s", def->name);
        hpyx_api_raise_import_error(hpyx_load_error());
        return NULL;
    }
    return hpyx_api.PyModuleDef_Init(raw);
}

/* GraalPy takes microseconds to answer, and its threads have a GIL: there the first module that
 * asks is kept for good, with its state. */
static intptr_t kept_module;
static void *kept_state;

void *hpyx_module_state(intptr_t module) {
    if (module == kept_module)
        return kept_state;
    void *state = hpyx_api.PyModule_GetState((PyObject *)module);
    if (hpyx_probed.family == HPYX_FAMILY_GRAALPY && kept_module == 0 && state != NULL) {
        hpyx_api.Py_IncRef((PyObject *)module);
        kept_state = state;
        kept_module = module;
    }
    return state;
}
