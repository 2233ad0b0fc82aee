"""Future.cancel: it works before the start, never after, and exactly one side wins.

The workers of this process are held at a gate, so that a future stays pending as long as a test
needs it; the race with the start is run without the gate, many times.
"""

import concurrent.futures
import threading
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, all_dead, parallel


def test_a_pending_future_is_cancelled_and_never_runs(held):
    ran = []
    future = hpyx.async_(ran.append, 1)
    assert future.cancel()
    assert future.cancelled() and future.done() and not future.running()
    held.open()
    assert hpyx.async_(abs, -2).result() == 2
    assert ran == []


def test_a_cancelled_future_raises_cancelled_error(held):
    future = hpyx.async_(abs, -1)
    future.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()
    with pytest.raises(concurrent.futures.CancelledError):
        future.exception(timeout=0)


def test_cancelling_twice_is_still_true(held):
    future = hpyx.async_(abs, -1)
    assert future.cancel() and future.cancel()


def test_a_running_future_cannot_be_cancelled():
    with Gate() as gate:
        future = hpyx.async_(gate, "done")
        gate.entered()
        assert not future.cancel()
        assert future.running() and not future.cancelled()
    assert future.result() == "done"


def test_a_finished_future_cannot_be_cancelled():
    future = hpyx.async_(abs, -1)
    assert future.result() == 1
    assert not future.cancel()
    assert future.result() == 1


def test_a_failed_future_cannot_be_cancelled():
    future = hpyx.async_(int, "x")
    assert isinstance(future.exception(), ValueError)
    assert not future.cancel()


def test_cancel_runs_the_callbacks_with_the_cancelled_future(held):
    seen = []
    future = hpyx.async_(abs, -1)
    future.add_done_callback(lambda done: seen.append((done is future, done.cancelled())))
    future.cancel()
    assert seen == [(True, True)]
    future.cancel()
    assert len(seen) == 1


def test_cancel_wakes_a_thread_that_waits(held):
    future = hpyx.async_(abs, -1)
    outcome = []

    def wait():
        try:
            future.result()
        except concurrent.futures.CancelledError as error:
            outcome.append(type(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    future.cancel()
    waiter.join(sizes.PATIENCE)
    assert outcome == [concurrent.futures.CancelledError]


def test_cancelling_one_future_leaves_its_neighbours_alone(held):
    futures = [hpyx.async_(abs, -index) for index in range(100)]
    assert all(future.cancel() for future in futures[::2])
    held.open()
    assert [future.result() for future in futures[1::2]] == list(range(1, 100, 2))


def test_a_cancelled_task_lets_go_of_its_arguments(held):
    argument = Thing()
    reference = weakref.ref(argument)
    future = hpyx.async_(id, argument)
    del argument
    future.cancel()
    held.open()
    hpyx.async_(abs, -1).result()
    assert all_dead([reference])
    assert future.cancelled()


def race_cancel_against_start(_):
    """Cancel tasks as they start; return how many did not either run or be cancelled."""
    wrong = 0
    for _ in range(sizes.RACES // 4):
        ran = []
        future = hpyx.async_(ran.append, 1)
        cancelled = future.cancel()
        try:
            future.result()
            finished = True
        except concurrent.futures.CancelledError:
            finished = False
        wrong += not (cancelled != finished and finished == bool(ran))
    return wrong


def test_either_the_cancel_wins_or_the_task_runs_never_both():
    assert parallel(race_cancel_against_start, 4) == [0] * 4
