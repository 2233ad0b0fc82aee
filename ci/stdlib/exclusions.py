"""The tests of the standard library that are not run, and why: the one table of them.

Called by: ``stdlib_tests.py``, which complains about an entry that no version's tests know.
"""

from __future__ import annotations

THREADS = "reads executor._threads: the threads belong to the pool that all executors share"
OWNED = "completes a future by hand: only the runtime completes its futures"
INSIDE = "reads executor._broken, a private attribute of ThreadPoolExecutor"
STDLIB = "makes a concurrent.futures.Future and completes it by hand: no code of hpyx runs"

EXCLUDED = {
    "ThreadPoolExecutorTest.test_saturation": THREADS,
    "ThreadPoolExecutorTest.test_idle_thread_reuse": THREADS,
    "ThreadPoolExecutorTest.test_default_workers": (
        "expects min(32, CPUs + 4) threads: the pool has one per usable CPU and grows when blocked"
    ),
    "ThreadPoolExecutorTest.test_executor_map_current_future_cancel": (
        "expects max_workers=1 to be a limit: it seeds the pool that all executors share"
    ),
    "ThreadPoolShutdownTest.test_threads_terminate": THREADS,
    "ThreadPoolShutdownTest.test_context_manager_shutdown": THREADS,
    "ThreadPoolShutdownTest.test_del_shutdown": THREADS,
    "ThreadPoolShutdownTest.test_shutdown_no_wait": THREADS,
    "ThreadPoolShutdownTest.test_thread_names_assigned": THREADS,
    "ThreadPoolShutdownTest.test_thread_names_default": THREADS,
    "ThreadPoolShutdownTest.test_cancel_futures": (
        "expects a task to have started by the time 50 were submitted: hpyx submits them sooner"
    ),
    "ThreadPoolFailingInitializerTest.test_initializer": INSIDE,
    "FutureTests.test_cancel": (
        "reads future._state: a cancelled future of hpyx has told its waiters at once, so it is"
        " never CANCELLED without being CANCELLED_AND_NOTIFIED"
    ),
    "FutureTests.test_result_with_success": OWNED,
    "FutureTests.test_exception_with_success": OWNED,
    "FutureTests.test_multiple_set_result": OWNED,
    "FutureTests.test_multiple_set_exception": OWNED,
    "FutureTests.test_done_callback_with_result": STDLIB,
    "FutureTests.test_done_callback_with_exception": STDLIB,
    "FutureTests.test_done_callback_with_cancel": STDLIB,
    "FutureTests.test_done_callback_raises": STDLIB,
    "FutureTests.test_done_callback_already_successful": STDLIB,
    "FutureTests.test_done_callback_already_failed": STDLIB,
    "FutureTests.test_done_callback_already_cancelled": STDLIB,
    "FutureTests.test_done_callback_raises_already_succeeded": STDLIB,
}

# The tests of 3.13 no longer count on this, and run.
EXCLUDED_BEFORE_313 = {
    "ThreadPoolShutdownTest.test_cancel_futures_wait_false": (
        "expects the one task to have started by the time of the next statement"
    ),
}


def excluded(column: str) -> list[str]:
    """Return the names of the tests that are left out on *column*."""
    minor = int(column.rstrip("t").removeprefix("cp").removeprefix("pypy")[1:])
    return [*EXCLUDED, *(EXCLUDED_BEFORE_313 if minor < 13 else ())]
