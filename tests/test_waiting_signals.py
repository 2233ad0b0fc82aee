"""Ctrl-C and other signals while the main thread waits: handlers run at once, waits go on or end.

The signals are real ones, sent to the process or to a worker's thread by a helper thread as soon as
it sees the main thread in the function that waits. Promised: within 0.1 s; asserted:
SIGNAL_SECONDS.
"""

import concurrent.futures
import os
import signal
import statistics
import sys
import threading
import time

import pytest

import hpyx
import sizes
from helpers import Gate, wait_until
from skips import needs

pytestmark = [needs("posix_signals"), needs("frames_of_threads")]


def wait_for_result(future):
    return future.result()


def wait_with_timeout(future):
    return future.result(4 * sizes.PATIENCE)


def wait_for_exception(future):
    return future.exception()


def wait_for_shutdown(future):
    return future.executor.shutdown(wait=True)


WAITS = {
    f.__name__: f
    for f in (wait_for_result, wait_with_timeout, wait_for_exception, wait_for_shutdown)
}


def send_once_main_is_in(name, send):
    """Call *send* when the main thread is in function *name*; return (thread, times)."""
    main, sent = threading.main_thread().ident, []

    def watch():
        def waiting():
            frame = sys._current_frames()[main]
            while frame is not None and frame.f_code.co_name != name:
                frame = frame.f_back
            return frame is not None

        wait_until(waiting)
        sent.append(time.monotonic())
        send()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread, sent


def a_worker():
    return next(t for t in threading.enumerate() if t.name == "hpyx-worker-0")


SENDERS = {
    "process": lambda number: os.kill(os.getpid(), number),
    "worker": lambda number: signal.pthread_kill(a_worker().ident, number),
}


def scene_ctrl_c(wait, target):
    """Interrupt the main thread as it waits; return (interrupted, delay, result)."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    executor = hpyx.HPXExecutor()
    with Gate() as gate:
        future = executor.submit(gate, "ran to its end")
        future.executor = executor
        gate.entered()
        watcher, sent = send_once_main_is_in(wait, lambda: SENDERS[target](signal.SIGINT))
        try:
            WAITS[wait](future)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        delay = time.monotonic() - sent[0]
    watcher.join()
    signal.signal(signal.SIGINT, handler)
    return interrupted, delay, future.result()


@pytest.mark.parametrize(
    "target", ["process", pytest.param("worker", marks=needs("thread_signals"))]
)
@pytest.mark.parametrize("wait", sorted(WAITS))
def test_ctrl_c_interrupts_the_wait_and_not_the_task(two_workers, wait, target):
    delays = []
    for _ in range(3):
        interrupted, delay, result = two_workers.call(scene_ctrl_c, wait, target)
        assert interrupted
        assert result == "ran to its end"
        delays.append(delay)
    # A busy machine may add to one of them.
    assert statistics.median(delays) <= sizes.SIGNAL_SECONDS


def scene_handler_releases_the_task(wait):
    """A handler that does not raise lets the task go on; return the result of the wait."""
    with Gate() as gate:
        handler = signal.signal(signal.SIGUSR1, lambda *_: gate.open())
        future = hpyx.async_(gate, "released")
        gate.entered()
        watcher, _ = send_once_main_is_in(wait, lambda: SENDERS["process"](signal.SIGUSR1))
        result = WAITS[wait](future)
        watcher.join()
        signal.signal(signal.SIGUSR1, handler)
        return result


@pytest.mark.parametrize("wait", ["wait_for_result", "wait_with_timeout"])
def test_a_handler_runs_during_the_wait_which_then_goes_on(two_workers, wait):
    assert two_workers.call(scene_handler_releases_the_task, wait) == "released"


def scene_handler_raises():
    """The handler raises an error of its own; return its text as it came out of the wait."""

    def handle(*_):
        raise LookupError("from the handler")

    handler = signal.signal(signal.SIGUSR1, handle)
    try:
        with Gate() as gate:
            future = hpyx.async_(gate)
            gate.entered()
            watcher, _ = send_once_main_is_in(
                "wait_for_result", lambda: SENDERS["process"](signal.SIGUSR1)
            )
            try:
                wait_for_result(future)
            except LookupError as error:
                return str(error)
            finally:
                watcher.join()
    finally:
        signal.signal(signal.SIGUSR1, handler)


def test_what_a_handler_raises_comes_out_of_the_wait(two_workers):
    assert two_workers.call(scene_handler_raises) == "from the handler"


def scene_timeout_survives_signals():
    """Signals arrive all through a wait with a time-out; return (timed out, seconds it took)."""
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    stop = threading.Event()

    def pester():
        while not stop.wait(0.01):
            os.kill(os.getpid(), signal.SIGUSR1)

    pesterer = threading.Thread(target=pester)
    with Gate() as gate:
        future = hpyx.async_(gate)
        gate.entered()
        pesterer.start()
        start = time.monotonic()
        try:
            future.result(0.4)
            timed_out = False
        except concurrent.futures.TimeoutError:
            timed_out = True
        took = time.monotonic() - start
    stop.set()
    pesterer.join()
    signal.signal(signal.SIGUSR1, handler)
    return timed_out, took


@needs("timeouts_under_signals")
def test_a_timeout_is_neither_cut_short_nor_drawn_out_by_signals(two_workers):
    timed_out, took = two_workers.call(scene_timeout_survives_signals)
    assert timed_out
    assert 0.39 <= took <= 0.4 + sizes.SIGNAL_SECONDS


def scene_future_works_after_ctrl_c():
    """After an interrupted wait, the same future and the pool are as good as new."""
    interrupted, _, result = scene_ctrl_c("wait_for_result", "process")
    return interrupted, result, [hpyx.async_(abs, -i).result() for i in range(50)]


def test_the_pool_works_on_after_ctrl_c(one_worker):
    interrupted, result, values = one_worker.call(scene_future_works_after_ctrl_c)
    assert interrupted and result == "ran to its end"
    assert values == list(range(50))


def one_at_a_time():
    hpyx.async_(abs, -1).result(sizes.PATIENCE)


def many_at_a_time():
    futures = [hpyx.async_(abs, -index) for index in range(100)]
    assert futures[-1].result(sizes.PATIENCE) == 99


BUSY_LOOPS = {f.__name__: f for f in (one_at_a_time, many_at_a_time)}


def scene_ctrl_c_in_a_busy_loop(loop, times):
    """Ctrl-C at any moment of a loop that submits and waits; return what came out each time."""
    asked = threading.Lock()
    asked.acquire()

    def send():
        for _ in range(times):
            asked.acquire()
            os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    caught = []
    for _ in range(times):
        try:
            asked.release()
            while True:
                BUSY_LOOPS[loop]()
        except BaseException as error:
            caught.append(type(error).__name__)
    sender.join()
    return caught, hpyx.async_(abs, -1).result(sizes.PATIENCE)


@needs("interrupts_anywhere")
@pytest.mark.parametrize("loop", sorted(BUSY_LOOPS))
def test_ctrl_c_in_a_busy_loop_is_a_keyboard_interrupt(two_workers, loop):
    assert two_workers.call(scene_ctrl_c_in_a_busy_loop, loop, 8) == (["KeyboardInterrupt"] * 8, 1)
