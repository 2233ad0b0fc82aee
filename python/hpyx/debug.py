"""Looking into the runtime: worker threads and counters.

Called by: users. Threads: any. Errors: none.
"""

from collections import namedtuple

from . import _trace
from ._core_module import native

Statistics = namedtuple(
    "Statistics",
    "workers threads spares_started tasks_started tasks_finished tasks_stolen queued asleep",
)
Statistics.__doc__ = """Counters of the runtime, all zero before it starts.

workers: ordinary worker threads. threads: all threads alive, spares and the sentry included.
spares_started: threads ever started to stand in for waiting workers. tasks_started, tasks_finished,
tasks_stolen (taken by an idle worker from another's queue): tasks so far. queued: tasks that wait.
asleep: workers without work.
"""


def get_num_worker_threads():
    """Return the number of ordinary worker threads; 0 before the runtime starts."""
    return native.os_threads()


def get_worker_thread_id():
    """Return the index (from 0) of the worker that calls this, or -1 off the workers.

    A spare has the index of the worker that it stands in for.
    """
    return native.worker_index()


def statistics():
    """Return the counters of the runtime as a :class:`Statistics` tuple."""
    return Statistics(**native.statistics())


def enable_tracing(path):
    """Write one line of JSON per task into the file *path*, which is made or emptied.

    Traced are tasks that are submitted from now on; their lines are in the file within a second or
    two, and all of them after :func:`disable_tracing` or the end of the process. Each is an object
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
