"""Small tools that several test files share: gates, collection, waiting for a condition.

Used in the pytest process and inside child interpreters alike, so importing this imports neither
pytest nor hpyx.
Threads: a Gate may be entered by any number of tasks at once.
"""

import gc
import threading
import time

import sizes


class Gate:
    """A task body that tells when it is running and goes on only once the gate is opened.

    Call it inside a task; ``entered(n)`` returns when *n* tasks are inside. Opening is final.
    """

    def __init__(self):
        self._opened = threading.Event()
        self._arrivals = threading.Semaphore(0)

    def __call__(self, value=None):
        self._arrivals.release()
        if not self._opened.wait(sizes.PATIENCE):
            raise TimeoutError("nobody opened the gate")
        return value

    def entered(self, count=1):
        for _ in range(count):
            if not self._arrivals.acquire(timeout=sizes.PATIENCE):
                raise TimeoutError("no task reached the gate")

    def open(self):
        self._opened.set()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.open()


class Thing:
    """An object that can be referred to weakly."""


def wait_until(condition, seconds=None):
    """Return True as soon as *condition()* holds, False if it does not within *seconds*."""
    deadline = time.monotonic() + (sizes.PATIENCE if seconds is None else seconds)
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.002)
    return True


def all_dead(references, seconds=10.0):
    """Collect garbage until none of the weak *references* is alive; tell whether that happened."""

    def collected():
        gc.collect()
        return not any(reference() is not None for reference in references)

    return wait_until(collected, seconds)


def task_threads():
    """Return the names of the threads that run tasks (a pool may keep others, to watch it)."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("hpyx-worker-", "hpyx-spare-"))]


def spares_are_gone():
    """Wait until the pool is back to its own threads; return whether that happened."""
    import hpyx

    return wait_until(lambda: len(task_threads()) == hpyx.debug.get_num_worker_threads())


def parallel(function, count):
    """Run ``function(index)`` in *count* threads that start at one instant; return the results.

    The first exception of any thread is raised here.
    """
    start = threading.Barrier(count)
    results, errors = [None] * count, []

    def body(index):
        try:
            start.wait(sizes.PATIENCE)
            results[index] = function(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=body, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(sizes.PATIENCE)
    if errors:
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError("a thread did not end")
    return results
