/* hpy-shim/c/thread.c: letting go of the interpreter, and coming back.
 *
 * Owns: the one place where a thread re-attaches. Called by: Rust (thread.rs) around every native
 * wait. Invariant: a thread that comes back while the interpreter dies never gets past here.
 * CPython up to 3.13 ends such a thread with pthread_exit, which unwinds through the frames of
 * whoever called; ours must not be unwound (values would be skipped, half-done state left). So the
 * thread is put to sleep for good instead, as CPython does itself from 3.14 on. */
#include "api.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
static void sleep_for_good(void *unused) {
    (void)unused;
    for (;;)
        Sleep(INFINITE);
}
#else
#include <pthread.h>
#include <unistd.h>
static void sleep_for_good(void *unused) {
    (void)unused;
    for (;;)
        pause();
}
#endif

int hpyx_finalizing(void) {
    if (hpyx_api.Py_IsFinalizing != NULL)
        return hpyx_api.Py_IsFinalizing();
    if (hpyx_api._Py_IsFinalizing != NULL)
        return hpyx_api._Py_IsFinalizing();
    return 0;
}

static int exits_threads_at_finalization(void) {
#if defined(_WIN32)
    return 0;
#else
    return hpyx_probed.family == HPYX_FAMILY_CPYTHON && hpyx_probed.minor < 14;
#endif
}

/* Who is attached while the interpreter dies is the thread that ends it: finalizers that it runs
 * may wait, and it must come back. (On free-threaded builds another one may be attached for a
 * moment still; the clean-up handler below stops that one.) */
static _Thread_local int ends_the_interpreter;

intptr_t hpyx_detach(void) {
    if (exits_threads_at_finalization() && hpyx_finalizing())
        ends_the_interpreter = 1;
    return (intptr_t)hpyx_api.PyEval_SaveThread();
}

void hpyx_attach(intptr_t thread_state) {
    PyThreadState *state = (PyThreadState *)thread_state;
    if (!exits_threads_at_finalization()) {
        hpyx_api.PyEval_RestoreThread(state);
        return;
    }
    if (hpyx_finalizing() && !ends_the_interpreter)
        sleep_for_good(NULL);
#if !defined(_WIN32)
    /* Finalization may begin while this thread queues for the GIL: then pthread_exit runs the
     * clean-up handler below, which does not return. This file is compiled without -fexceptions, so
     * that the handler is found through glibc's jump buffer and needs no unwind table. */
    pthread_cleanup_push(sleep_for_good, NULL);
    hpyx_api.PyEval_RestoreThread(state);
    pthread_cleanup_pop(0);
#endif
}
