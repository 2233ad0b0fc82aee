"""An interrupt at every line of the package's Python code in turn, whatever a thread does.

A signal handler that raises may do so between any two lines of the main thread. The call that was
interrupted raises; all that was submitted before ends nevertheless, as does what others wait for,
and its executor can be shut down. Here no signal is needed: a trace function raises in its place.
"""

import concurrent.futures
import os
import sys

import pytest

import hpyx
import sizes
from helpers import Gate, wait_until
from skips import needs

PACKAGE = os.path.dirname(hpyx.__file__)
TASKS = 4


def interrupted(line, work, *args):
    """Call work(*args) and raise KeyboardInterrupt at that line of the package, counted from 1.

    Return whether it came so far.
    """
    left = line

    def trace(frame, event, _):
        nonlocal left
        if not frame.f_code.co_filename.startswith(PACKAGE) or is_dropped(frame):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        work(*args)
    except (KeyboardInterrupt, concurrent.futures.TimeoutError):
        pass
    finally:
        sys.settrace(None)
    return left <= 0


def is_dropped(frame):
    """Whether the interpreter, or native code, would drop what is raised there."""
    while frame is not None and frame.f_code.co_name not in ("__del__", "_set_call"):
        frame = frame.f_back
    return frame is not None


def submit(executor, futures):
    executor.submit(abs, -1)


def async_(executor, futures):
    hpyx.async_(abs, -1)


def map_(executor, futures):
    executor.map(abs, [-1, -2])


def cancel(executor, futures):
    futures[1].cancel()


def then(executor, futures):
    futures[1].then(lambda done: done.result())


def when_all(executor, futures):
    hpyx.when_all(*futures)


def add_done_callback(executor, futures):
    futures[1].add_done_callback(lambda done: None)


def wait_with_timeout(executor, futures):
    futures[1].result(0.001)


def look_of_the_stdlib(executor, futures):
    # concurrent.futures.wait begins with this, and is no deed itself: interrupted later on, it
    # leaves locks of its own locked.
    assert futures[1]._condition is not None


def as_completed(executor, futures):
    list(hpyx.as_completed(futures, timeout=0.001))


def shutdown(executor, futures):
    executor.shutdown(wait=False, cancel_futures=True)


DEEDS = [
    submit,
    async_,
    map_,
    cancel,
    then,
    when_all,
    add_done_callback,
    wait_with_timeout,
    look_of_the_stdlib,
    as_completed,
    shutdown,
]


def scene(deed, line):
    """Interrupt the deed, while tasks wait, at that line; return whether it came so far."""
    executor = hpyx.HPXExecutor()
    with Gate() as gate:
        holders = [hpyx.async_(gate) for _ in range(hpyx.debug.get_num_worker_threads())]
        gate.entered(len(holders))
        futures = [executor.submit(abs, -index) for index in range(TASKS)]
        told = []
        for future in futures:
            future.add_done_callback(told.append)
        dependent = hpyx.when_all(*futures[:2])
        came_so_far = interrupted(line, deed, executor, futures)
    for future in [*holders, *futures, dependent]:
        outcome = concurrent.futures.wait([future], sizes.PATIENCE)
        assert outcome.done, (deed.__name__, line, future)
        assert not future.running()
    for index, future in enumerate(futures):
        assert future.cancelled() or future.result() == index
    assert wait_until(lambda: len(told) == TASKS), (deed.__name__, line, told)
    executor.shutdown(wait=True)
    assert hpyx.async_(abs, -line).result(sizes.PATIENCE) == line
    assert wait_until(lambda: hpyx.debug.statistics().queued == 0)
    return came_so_far


@needs("trace_raises")
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_an_interrupt_at_any_line_leaves_all_that_waits_to_its_end(deed):
    line = 1
    while scene(deed, line):
        line += 1
