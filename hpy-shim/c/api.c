/* hpy-shim/c/api.c: finds the interpreter and its functions; fills the table and the probe.
 *
 * Owns: hpyx_api, hpyx_probed, the load error. Called by: c/module.c, at every import.
 * Invariant: either every REQUIRED function is in the table, or the load has failed with a text
 * that says what was asked for, what was found and what to do.
 * Threads: any importing thread; the first one does the work (they are attached to interpreters
 * that may run at once, hence the lock). Errors: -1 and hpyx_load_error(). */
#include "api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

HPyxApi hpyx_api;
HPyxProbe hpyx_probed;

static char load_error[2048];
static int loaded;     /* 0 not tried or failed, 1 done */
static char load_lock; /* spin lock: two interpreters may import at once */

#define MAX_NAMES 64
static const char *missing_names[MAX_NAMES];
static const char *denied_names[MAX_NAMES];

/* What the tests pretend: HPYX_TEST_FORGE="missing=NAME,family=unknown,private". */
typedef struct {
    char missing[512]; /* ",NAME,NAME," */
    int unknown_family;
    int private_interpreter;
} Forge;

typedef struct {
    const char *name;
    int required;
    void **slot;
} Wanted;

static const Wanted wanted_functions[] = {
#define REQUIRED 1
#define OPTIONAL 0
#define HPYX_SLOT(need, level, result, name, params) {#name, need, (void **)&hpyx_api.name},
#include "slots.def"
#undef HPYX_SLOT
#undef REQUIRED
#undef OPTIONAL
};
enum { WANTED_COUNT = sizeof wanted_functions / sizeof wanted_functions[0] };

/* Functions that exist as symbols but do not work, per implementation. GraalPy's stubs print and
 * exit the process; its SaveThread pair works, its context variables are reached in Python. */
static const char *const denied_on_graalpy[] = {"PyContext_New",
                                                "PyContext_CopyCurrent",
                                                "PyContext_Enter",
                                                "PyContext_Exit",
                                                "Py_IsFinalizing",
                                                "_Py_IsFinalizing",
                                                NULL};
static const char *const denied_nowhere[] = {NULL};

void hpyx_set_load_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(load_error, sizeof load_error, format, args);
    va_end(args);
}

const char *hpyx_load_error(void) {
    return load_error;
}

const HPyxProbe *hpyx_probe(void) {
    return &hpyx_probed;
}

const char *hpyx_missing_function(size_t index) {
    return index < MAX_NAMES ? missing_names[index] : NULL;
}

const char *hpyx_denied_function(size_t index) {
    return index < MAX_NAMES ? denied_names[index] : NULL;
}

/* Appends `text` and `end` to the string in `buffer`, as far as there is room. */
static void append(char *buffer, size_t size, const char *text, const char *end) {
    size_t used = strlen(buffer);
    snprintf(buffer + used, size - used, "%s%s", text, end);
}

static int is_forged_missing(const Forge *forge, const char *name) {
    char with_commas[96];
    snprintf(with_commas, sizeof with_commas, ",%s,", name);
    return strstr(forge->missing, with_commas) != NULL;
}

static void read_forge(Forge *forge) {
    memset(forge, 0, sizeof *forge);
    const char *text = getenv("HPYX_TEST_FORGE");
    if (text == NULL)
        return;
    strcpy(forge->missing, ",");
    for (const char *at = text; (at = strstr(at, "missing=")) != NULL; at++) {
        char name[64] = "";
        sscanf(at, "missing=%63[^,]", name);
        append(forge->missing, sizeof forge->missing, name, ",");
    }
    forge->unknown_family = strstr(text, "family=unknown") != NULL;
    forge->private_interpreter = strstr(text, "private") != NULL;
}

/* PyX is PyX on CPython and GraalPy; PyPyX on PyPy, where a leading underscore stays in front.
 * PyPy for 3.12 drops the prefix for the limited API, so both spellings are tried there. */
static void *find_function(const char *name) {
    void *address = NULL;
    if (hpyx_probed.family == HPYX_FAMILY_PYPY) {
        char prefixed[96];
        if (name[0] == '_')
            snprintf(prefixed, sizeof prefixed, "_PyPy%s", name + 3);
        else
            snprintf(prefixed, sizeof prefixed, "PyPy%s", name + 2);
        address = hpyx_symbols_find(prefixed);
    }
    return address != NULL ? address : hpyx_symbols_find(name);
}

static int is_listed(const char *const *names, const char *name) {
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return 1;
    return 0;
}

static const char *family_name(void) {
    switch (hpyx_probed.family) {
    case HPYX_FAMILY_PYPY:
        return "PyPy";
    case HPYX_FAMILY_GRAALPY:
        return "GraalPy";
    default:
        return hpyx_probed.free_threaded ? "free-threaded CPython" : "CPython";
    }
}

static int probe_interpreter(const Forge *forge) {
    memset(&hpyx_probed, 0, sizeof hpyx_probed);
    hpyx_Py_GetVersion_t get_version = (hpyx_Py_GetVersion_t)hpyx_symbols_find("PyPy_GetVersion");
    if (hpyx_symbols_find("PyPyLong_FromLongLong") != NULL)
        hpyx_probed.family = HPYX_FAMILY_PYPY;
    if (get_version == NULL)
        get_version = (hpyx_Py_GetVersion_t)find_function("Py_GetVersion");
    const char *version = get_version != NULL ? get_version() : "";
    /* GraalPy exports what CPython does; only it has functions in the place of CPython's macros. */
    if (hpyx_probed.family == HPYX_FAMILY_CPYTHON &&
        (hpyx_symbols_find("GraalPy_TYPE") != NULL ||
         hpyx_symbols_find("GraalPyTuple_ITEMS") != NULL || strstr(version, "Graal") != NULL))
        hpyx_probed.family = HPYX_FAMILY_GRAALPY;
    if (sscanf(version, "%d.%d.%d", &hpyx_probed.major, &hpyx_probed.minor, &hpyx_probed.micro) <
            2 ||
        hpyx_probed.major != 3 || hpyx_probed.minor < 9 || forge->unknown_family) {
        hpyx_set_load_error(
            "hpyx: cannot serve this Python: expected CPython 3.9 or newer, PyPy 3.9 or newer, or "
            "GraalPy 25 or newer; found an implementation that calls itself \"%.100s\". Run hpyx "
            "under one of the supported interpreters (the table is in its README).",
            forge->unknown_family ? "unknown" : version);
        return -1;
    }
    int cpython = hpyx_probed.family == HPYX_FAMILY_CPYTHON;
    hpyx_probed.free_threaded = cpython && hpyx_symbols_find("PyUnstable_Module_SetGIL") != NULL;
    hpyx_probed.header_size = hpyx_probed.free_threaded                ? 32
                              : hpyx_probed.family == HPYX_FAMILY_PYPY ? 24
                                                                       : 16;
    hpyx_probed.slot_multiple_interpreters = cpython && hpyx_probed.minor >= 12;
    hpyx_probed.slot_gil = cpython && hpyx_probed.minor >= 13;
    hpyx_probed.fields_are_attributes = hpyx_probed.family == HPYX_FAMILY_PYPY;
    const char *debug = getenv("HPYX_DEBUG_HANDLES");
    hpyx_probed.debug = debug != NULL && strcmp(debug, "1") == 0;
    return 0;
}

/* Fills the table. -1 when REQUIRED functions are missing, all of which the error names. */
static int fill_table(const Forge *forge) {
    char required[512] = "";
    const char *const *denied =
        hpyx_probed.family == HPYX_FAMILY_GRAALPY ? denied_on_graalpy : denied_nowhere;
    size_t n_missing = 0, n_denied = 0;
    for (int i = 0; i < WANTED_COUNT; i++) {
        const Wanted *wanted = &wanted_functions[i];
        void *address = is_forged_missing(forge, wanted->name) ? NULL : find_function(wanted->name);
        if (address != NULL && is_listed(denied, wanted->name)) {
            address = NULL;
            if (n_denied < MAX_NAMES - 1)
                denied_names[n_denied++] = wanted->name;
        } else if (address == NULL && n_missing < MAX_NAMES - 1) {
            missing_names[n_missing++] = wanted->name;
        }
        if (address == NULL && wanted->required)
            append(required, sizeof required, required[0] == '\0' ? "" : ", ", wanted->name);
        memcpy(wanted->slot, &address, sizeof address);
    }
    if (required[0] == '\0')
        return 0;
    hpyx_set_load_error(
        "hpyx: this interpreter lacks C API functions that hpyx cannot do without: asked for %s; "
        "found %s %d.%d.%d, whose other functions are there. Use a release of it that exports the "
        "full stable ABI, or report its name and version.",
        required, family_name(), hpyx_probed.major, hpyx_probed.minor, hpyx_probed.micro);
    return -1;
}

static int load_once(void) {
    Forge forge;
    read_forge(&forge);
    hpyx_symbols_stay();
    if (hpyx_symbols_open("PyLong_FromLongLong", "PyPyLong_FromLongLong", forge.private_interpreter,
                          forge.private_interpreter) < 0) {
        hpyx_set_load_error(
            "hpyx: no Python C API in this process: looked for PyLong_FromLongLong (CPython, "
            "GraalPy) and PyPyLong_FromLongLong (PyPy) in the program's global symbols and in %d "
            "loaded libraries, and found neither. If the interpreter is embedded, load its shared "
            "library with RTLD_GLOBAL, or build it with an exported C API.",
            hpyx_symbols_walked());
        return -1;
    }
    if (probe_interpreter(&forge) < 0 || fill_table(&forge) < 0)
        return -1;
    hpyx_probed.native_context_vars =
        hpyx_api.PyContext_New != NULL && hpyx_api.PyContext_CopyCurrent != NULL &&
        hpyx_api.PyContext_Enter != NULL && hpyx_api.PyContext_Exit != NULL;
    hpyx_probed.refcounts_are_known = hpyx_refcount_probe();
    const char *counts = getenv("HPYX_COUNT_CALLS");
    if (counts != NULL && strcmp(counts, "1") == 0)
        hpyx_count_calls();
    return 0;
}

int hpyx_api_load(void) {
    while (__atomic_test_and_set(&load_lock, __ATOMIC_ACQUIRE))
        ; /* ORDER: acquire/release on load_lock publish the table to the next importer */
    if (!loaded) {
        load_error[0] = '\0';
        loaded = load_once() == 0;
    }
    int result = loaded ? 0 : -1;
    __atomic_clear(&load_lock, __ATOMIC_RELEASE);
    return result;
}

/* Works with a half-filled table: looks up the four functions that it needs itself. */
void hpyx_api_raise_import_error(const char *text) {
    hpyx_PyImport_ImportModule_t import =
        (hpyx_PyImport_ImportModule_t)find_function("PyImport_ImportModule");
    hpyx_PyObject_GetAttrString_t get_attr =
        (hpyx_PyObject_GetAttrString_t)find_function("PyObject_GetAttrString");
    hpyx_PyErr_SetString_t set_string = (hpyx_PyErr_SetString_t)find_function("PyErr_SetString");
    hpyx_Py_DecRef_t release = (hpyx_Py_DecRef_t)find_function("Py_DecRef");
    if (import == NULL || get_attr == NULL || set_string == NULL || release == NULL)
        return;
    PyObject *builtins = import("builtins");
    if (builtins == NULL)
        return;
    PyObject *import_error = get_attr(builtins, "ImportError");
    if (import_error != NULL) {
        set_string(import_error, text);
        release(import_error);
    }
    release(builtins);
}
