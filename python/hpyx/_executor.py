"""``hpyx.HPXExecutor``: a ``concurrent.futures.Executor`` on the process-wide pool.

Owns: the public class. Called by: users, asyncio, dask. Invariant: an executor is a handle;
shutting it down stops neither the pool nor other executors. Threads: any.
"""

import concurrent.futures
import logging
import time
import warnings

from . import _map, _runtime
from ._core_module import native
from ._python_tasks import no_callable
from ._task_front import has_lane

_logger = logging.getLogger("hpyx.executor")


_BASES = (
    (concurrent.futures.Executor,)
    if has_lane
    else (native.ExecutorBase, concurrent.futures.Executor)
)


class HPXExecutor(*_BASES):
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
        self._set_up(None if initializer is None else (initializer, tuple(initargs)))

    # No attribute is set on executors: it would bring their __dict__ to life, in which every call
    # of submit() would look first.

    def __reduce__(self):
        raise TypeError(
            f"cannot pickle or copy {type(self).__name__!r} object: it runs tasks in this process; "
            "make another one where it is needed"
        )

    @property
    def _max_workers(self):
        return native.os_threads()

    if has_lane:
        from ._lane import submit
        from ._lane_executor import _close, _hpyx_core, _hpyx_group, _hpyx_native, _set_up, _wait

    else:

        def _set_up(self, initializer):
            native.set_up_executor(self, initializer)

    if not has_lane and not native.probe()["runs_tasks_natively"]:
        from ._python_tasks import submit

        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            # What is kept there may refer to the executor: GraalPy's collector has to know.
            self._show_to_collector()

        def __del__(self):
            self._abandon()

    def map(
        self,
        fn,
        *iterables,
        timeout=None,
        chunksize=1,
        buffersize=None,
        ordered=True,
        progress=None,
    ):
        """Return an iterator of ``fn(*items)`` for the items of *iterables*, in order.

        Args:
            timeout: seconds, counted from this call, after which the iterator raises TimeoutError.
            chunksize: how many calls one task makes.
            buffersize: how many items may be taken and not yielded yet; None takes and submits all
                before this returns.
            ordered: False yields results as they come.
            progress: called with the number of items that are done since the last time, by the
                thread that asks for results, when it does; such as the ``update`` of a tqdm bar.

        Raises:
            ValueError: *chunksize* or *buffersize* is below 1. TypeError: one of them is no int,
            *fn* or *progress* cannot be called.
            Whatever a call raised, where its result would have come; the rest is cancelled.
        """
        _check_map(fn, chunksize, buffersize, progress)
        end = None if timeout is None else timeout + time.monotonic()
        if chunksize == 1 and buffersize is None and ordered and progress is None:
            return _map.results_of(_map.submit_all(self, fn, iterables), end)
        watched = not ordered or progress is not None
        calls = _map.Calls(self, fn, iterables, chunksize, buffersize, watched)
        calls.submit()
        if not ordered:
            return _map.as_they_end(calls, end, progress)
        if progress is not None:
            return _map.in_order_with_progress(calls, end, progress)
        return _map.in_order(calls, end)

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


def _check_map(fn, chunksize, buffersize, progress):
    if not callable(fn):
        raise no_callable("map(fn, *iterables)", fn)
    if not isinstance(chunksize, int):
        raise TypeError(f"chunksize must be an int, not {chunksize!r}")
    if chunksize < 1:
        raise ValueError("chunksize must be >= 1.")
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError("buffersize must be an integer or None")
    if buffersize is not None and buffersize < 1:
        raise ValueError("buffersize must be None or > 0")
    if progress is not None and not callable(progress):
        raise TypeError(
            f"progress must be callable, not {progress!r}: write progress=bar.update, or "
            "progress=lambda n: ..."
        )


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
