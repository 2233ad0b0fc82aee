/* hpy-shim/c/count.c: counts calls of the C API, function by function.
 *
 * Owns: the counters. Called by: c/api.c, once, if HPYX_COUNT_CALLS=1; Rust reads them. Where a
 * call between Python and native code is dear, their number per task is what matters, and a test
 * states it. When nothing is counted, the table holds the interpreter's own functions, and nothing
 * is paid. Threads: any; counters only. */
#include "api.h"

static HPyxApi uncounted;

enum {
#define HPYX_SLOT(need, level, result, name, params) INDEX_##name,
#include "slots.def"
#undef HPYX_SLOT
    SLOTS
};

static const char *const names[SLOTS] = {
#define HPYX_SLOT(need, level, result, name, params) #name,
#include "slots.def"
#undef HPYX_SLOT
};

static uint64_t counts[SLOTS];

#define COUNT(name) __atomic_fetch_add(&counts[INDEX_##name], 1, __ATOMIC_RELAXED)
#define COUNT_FROM_NOW_ON(name)                                                                    \
    do {                                                                                           \
        if (hpyx_api.name != NULL)                                                                 \
            hpyx_api.name = counted_##name;                                                        \
    } while (0)

/* Written by build.rs from slots.def. */
#include "counted.h"

void hpyx_count_calls(void) {
    uncounted = hpyx_api;
    count_all();
    hpyx_probed.counts_calls = 1;
}

const char *hpyx_call_count(size_t index, uint64_t *count) {
    if (index >= SLOTS)
        return NULL;
    *count = __atomic_load_n(&counts[index], __ATOMIC_RELAXED);
    return names[index];
}
