"""Looking into the runtime: worker threads and counters.

Called by: users. Threads: any. Errors: none.
"""

from collections import namedtuple

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
