/* hpy-shim/c/refcount.c: what the reference counts of a free-threaded interpreter tell.
 *
 * There an object has two counts: one that only its owner's thread writes, and one for all others.
 * Owns: where they lie, which no function of the API says; so it is tried out once. Called by:
 * c/api.c (the probe), c/module.c, Rust (stored.rs). Threads: any, attached. */
#include "api.h"

#include <string.h>

#define LOCAL_COUNT 12
#define SHARED_COUNT 16
#define IMMORTAL UINT32_MAX

static uint32_t local_count(const char *object) {
    /* ORDER: Acquire: whoever sees that the owner gave a reference up sees all that was done with
     * it. The owner's store is Relaxed; see hpyx_refcount_probe. */
    return __atomic_load_n((const uint32_t *)(object + LOCAL_COUNT), __ATOMIC_ACQUIRE);
}

static intptr_t shared_count(const char *object) {
    /* ORDER: Acquire: as in local_count, of references that other threads gave up. */
    return __atomic_load_n((const intptr_t *)(object + SHARED_COUNT), __ATOMIC_ACQUIRE);
}

void hpyx_refcount_set_immortal(char *header) {
    const uint32_t immortal = IMMORTAL;
    memcpy(header + LOCAL_COUNT, &immortal, sizeof immortal);
}

/* Owners write their count with a plain store. It tells another thread something only where all
 * processors see the stores of one in the order in which it made them. */
int hpyx_refcount_probe(void) {
#if defined(__x86_64__) || defined(_M_X64)
    PyObject *object = hpyx_probed.free_threaded ? hpyx_api.PyList_New(0) : NULL;
    if (object == NULL) {
        hpyx_api.PyErr_Clear();
        return 0;
    }
    const char *header = (const char *)object;
    int fits = local_count(header) == 1 && shared_count(header) == 0;
    hpyx_api.Py_IncRef(object);
    fits = fits && local_count(header) == 2 && shared_count(header) == 0;
    hpyx_api.Py_DecRef(object);
    hpyx_api.Py_DecRef(object);
    return fits;
#else
    return 0;
#endif
}

/* The owner's count first. A reference that leaves it for another thread has been counted among the
 * shared ones before. Where that count is zero, and not even marked, no other thread can make a
 * reference of its own from what it finds in a container or a weak reference: it would have to mark
 * the object first, which takes a reference. */
int hpyx_object_has_one_reference(intptr_t object) {
    const char *header = (const char *)object;
    return hpyx_probed.refcounts_are_known && local_count(header) == 1 && shared_count(header) == 0;
}
