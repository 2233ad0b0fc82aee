"""What a done callback costs: by itself, on a pending future, and with the task that it is for."""

import threading

import common
import hpyx

CALLBACKS = 30_000
TASKS = 10_000


def callbacks(submit):
    """Return a function that adds CALLBACKS callbacks to one future and has them called."""

    def run():
        release, all_called = threading.Event(), threading.Event()
        future = submit(release.wait)
        called = []
        for _ in range(CALLBACKS):
            future.add_done_callback(called.append)
        future.add_done_callback(lambda _: all_called.set())
        release.set()
        all_called.wait()
        if len(called) != CALLBACKS:
            raise AssertionError(f"{len(called)} of {CALLBACKS} callbacks were called")

    return run


def tasks_with_callbacks(submit):
    """Return a function that submits TASKS tasks with a callback each, and waits for the last."""

    def run():
        all_called, called = threading.Event(), []

        def callback(future):
            called.append(future.result())
            if len(called) == TASKS:
                all_called.set()

        for index in range(TASKS):
            submit(common.increment, index).add_done_callback(callback)
        all_called.wait()

    return run


def measure():
    """Return the figures."""
    with common.thread_pool() as threads, hpyx.HPXExecutor() as executor:
        alone = common.best(callbacks(threads.submit), callbacks(hpyx.async_))
        tasks = common.best(
            tasks_with_callbacks(threads.submit), tasks_with_callbacks(executor.submit)
        )
    title = "callback, added and called"
    theirs, ours = (seconds * 1e6 / CALLBACKS for seconds in alone)
    their_task, our_task = (seconds * 1e6 / TASKS for seconds in tasks)
    return [
        common.cost("callback", title, "µs", ours, theirs),
        common.cost("callback_task", "task with a callback", "µs", our_task, their_task),
    ]


if __name__ == "__main__":
    common.main(measure)
