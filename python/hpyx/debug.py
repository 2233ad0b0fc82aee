"""Looking into the runtime: worker threads, counters, configuration, tracing.

Called by: users. Threads: any.
"""

from collections import namedtuple

from . import _runtime, _trace
from ._core_module import native
from ._settings import Configuration as Configuration
from ._task_front import has_lane

if has_lane:
    from . import _lane


class Statistics(
    namedtuple(
        "Statistics",
        "workers threads busy searching asleep queued tasks_started tasks_finished tasks_stolen"
        " spares_started",
    )
):
    """Counters of the runtime at one moment, all zero before it starts.

    Attributes:
        workers: ordinary worker threads.
        threads: all threads alive, spares and the sentry included.
        busy: threads of the pool that may run tasks now and are not looking for one.
        searching: threads that look for a task; they fall asleep within a millisecond.
        asleep: threads that found none, and wait for one.
        queued: tasks that wait for a thread. Dependents whose sources are not done do not count.
        tasks_started, tasks_finished: tasks so far. Those between the two run, or wait in a task.
        tasks_stolen: tasks that an idle thread took from another one's queue.
        spares_started: threads ever started to stand in for workers that wait.
    """

    __slots__ = ()


def get_num_worker_threads():
    """Return the number of ordinary worker threads; 0 before the runtime starts."""
    return native.os_threads()


def get_worker_thread_id():
    """Return the index (from 0) of the worker that calls this, or -1 off the workers.

    A spare has the index of the worker that it stands in for.
    """
    return native.worker_index()


def statistics():
    """Return the counters of the runtime as a frozen ``Statistics`` object."""
    counters = native.statistics()
    if has_lane:
        counters["queued"] = max(0, counters["queued"] + _lane.waiting())
    return Statistics(**counters)


def configuration():
    """Return what the runtime runs with, or would start with now, as a frozen object.

    Its attributes: ``os_threads`` and ``os_threads_from`` (why so many), ``cfg`` and ``options``
    (all entries, honoured or not), ``max_spare_workers``, ``stack_size`` (bytes, None: the
    system's), ``autoinit``, ``async_mode``, ``trace_path``. See docs/configuration.md.

    Raises: ValueError if the environment cannot be read.
    """
    return _runtime.settings()


def enable_tracing(path):
    """Write one line of JSON per task into the file *path*, which is made or emptied.

    Traced are tasks that are submitted from now on; their lines are in the file within a second or
    two, and all of them after ``disable_tracing`` or the end of the process. Each is an object
    with the keys ``id``, ``parent``, ``name``, ``submitter``, ``worker``, ``thread``,
    ``submit_ns``, ``start_ns``, ``end_ns`` (nanoseconds of ``time.monotonic_ns()``), ``outcome``
    ("value", "error" or "cancelled") and ``exception``. ``python -m hpyx trace`` converts the file.

    Args: path: str, bytes or os.PathLike.
    Raises:
        OSError: the file cannot be opened for writing.
        RuntimeError: tracing into another file is on. Into the same one: nothing happens.

    Threads: any. A forked child does not trace until it calls this itself.
    """
    _trace.enable(path)


def disable_tracing():
    """End tracing: when this returns, each traced task that has ended is in the file.

    Tasks that have not ended are left out. Nothing happens when tracing is off.

    Raises: OSError: something could not be written (the disk is full, say).
    """
    _trace.disable()
