"""What a done callback costs: added while the future is pending, called when it is done."""

import threading

import common
import hpyx

CALLBACKS = 30_000


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


def measure():
    """Return the figure."""
    with common.thread_pool() as threads:
        times = common.best(callbacks(threads.submit), callbacks(hpyx.async_))
    theirs, ours = (seconds * 1e6 / CALLBACKS for seconds in times)
    return [common.cost("callback", "callback, added and called", "µs", ours, theirs)]


if __name__ == "__main__":
    common.main(measure)
