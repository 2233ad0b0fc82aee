"""``hpyx.HPXExecutor``: a ``concurrent.futures.Executor`` on the process-wide pool.

Owns: the public class. Called by: users, asyncio, dask. Invariant: an executor is a handle;
shutting it down stops neither the pool nor other executors. Threads: any.
"""

import concurrent.futures
import logging
import time
import warnings
from collections import deque
from itertools import islice

from . import _runtime
from ._core_module import native

if not native.probe()["runs_tasks_natively"]:
    from ._python_tasks import submit as _submit

_logger = logging.getLogger("hpyx.executor")


class HPXExecutor(native.ExecutorBase, concurrent.futures.Executor):
    """Runs calls on the workers of hpyx; a drop-in for ``ThreadPoolExecutor``.

    Args:
        max_workers: seeds the size of the pool if this is what starts it; otherwise advisory.
        thread_name_prefix: accepted; the threads are shared and keep their names.
        initializer: called with *initargs* once on each worker thread, before the first task of
            this executor there. If it fails, this executor is broken.

    Raises:
        ValueError: *max_workers* is not positive. TypeError: *initializer* is not callable.
        RuntimeError: the runtime was shut down, or may not start by itself.

    Warns: UserWarning if *max_workers* differs from the size of the pool that runs already.
    """

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=()):
        if max_workers is not None and not isinstance(max_workers, int):
            raise TypeError(f"max_workers must be an int or None, not {max_workers!r}")
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        was_running = _runtime.is_running()
        _runtime.ensure_running(max_workers)
        workers = native.os_threads()
        if was_running and max_workers is not None and max_workers != workers:
            warnings.warn(
                f"HPXExecutor(max_workers={max_workers}) differs from the running HPX runtime's "
                f"os_threads={workers}; using the runtime pool as-is (HPX cannot be "
                "reconfigured after start).",
                UserWarning,
                stacklevel=2,
            )
        native.set_up_executor(
            self, None if initializer is None else (initializer, tuple(initargs))
        )

    # No attribute is set on executors: it would bring their __dict__ to life, in which every call
    # of submit() would look first.

    @property
    def _max_workers(self):
        return native.os_threads()

    if not native.probe()["runs_tasks_natively"]:

        def submit(self, fn, /, *args, **kwargs):
            """Queue fn(*args, **kwargs) and return its hpyx.Future.

            Raises:
                RuntimeError: the executor, or the runtime, was shut down.
                concurrent.futures.BrokenExecutor: an initializer failed.

            Threads and cancellation: any thread. The task sees the caller's context variables.
            """
            return _submit(self, fn, args, kwargs)

        def __del__(self):
            self._abandon()

    def map(self, fn, *iterables, timeout=None, chunksize=1, buffersize=None):
        """Return an iterator of ``fn(*items)`` for the items of *iterables*, in order.

        Args:
            timeout: seconds, counted from this call, after which the iterator raises TimeoutError.
            chunksize: how many calls one task makes.
            buffersize: how many results may be under way or waiting; None submits all at once.

        Raises:
            ValueError: *chunksize* or *buffersize* is below 1. TypeError: *buffersize* is no int.
            Whatever a call raised, where its result would have come; the rest is cancelled.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        end = None if timeout is None else timeout + time.monotonic()
        if chunksize == 1:
            calls = (self.submit(fn, *items) for items in zip(*iterables))
            return _results(calls, buffersize, end)
        chunks = (
            self.submit(_call_each, fn, chunk) for chunk in _chunks(zip(*iterables), chunksize)
        )
        buffered_chunks = None if buffersize is None else max(1, buffersize // chunksize)
        return _flattened(_results(chunks, buffered_chunks, end))

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Accept no more calls through this handle; the pool goes on.

        Args:
            wait: return only when all calls of this executor have ended.
            cancel_futures: cancel those that have not started.

        Raises: RuntimeError if *wait* is true inside a task of this executor.
        """
        self._close(cancel_futures)
        if wait:
            self._wait()


def _results(submissions, buffersize, end):
    """Submit now, up to *buffersize*; return a generator of results that submits the rest."""
    futures = deque(submissions if buffersize is None else islice(submissions, buffersize))

    def iterate():
        try:
            while futures:
                # No name for the result: the generator must not keep it alive while it waits.
                yield _next_result(futures, submissions, buffersize, end)
        finally:
            for future in futures:
                future.cancel()

    return iterate()


def _next_result(futures, submissions, buffersize, end):
    future = futures.popleft()
    try:
        result = future.result(None if end is None else end - time.monotonic())
    finally:
        future.cancel()
        del future  # it is in the traceback of its own exception
    if buffersize is not None:
        futures.extend(islice(submissions, 1))
    return result


def _chunks(items, size):
    while True:
        chunk = list(islice(items, size))
        if not chunk:
            return
        yield chunk


def _flattened(chunks):
    for chunk in chunks:
        chunk.reverse()
        while chunk:
            yield chunk.pop()


def _call_each(fn, chunk):
    return [fn(*items) for items in chunk]


def _run_initializer(pair):
    """Call an initializer on a worker; say whether it succeeded."""
    initializer, initargs = pair
    try:
        initializer(*initargs)
    except BaseException:
        _logger.critical("Exception in initializer:", exc_info=True)
        return False
    return True


native.register("run_initializer", _run_initializer)
