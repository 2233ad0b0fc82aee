"""Future.add_done_callback: order, thread, errors, and that each callback runs exactly once.

See also test_future_cancel.py for callbacks of cancelled futures, test_cycles.py for their memory.
"""

import concurrent.futures
import logging
import sys
import threading

import pytest

import hpyx
import sizes
from helpers import Gate, parallel, wait_until


def test_callbacks_run_in_the_order_they_were_added(held):
    seen, last = [], threading.Event()
    future = hpyx.async_(abs, -1)
    for index in range(50):
        future.add_done_callback(lambda _, index=index: seen.append(index))
    future.add_done_callback(lambda _: last.set())
    held.open()
    assert last.wait(sizes.PATIENCE)
    assert seen == list(range(50))


def test_a_callback_gets_the_done_future_itself(held):
    seen, called = [], threading.Event()

    def callback(done):
        seen.append((done, done.done(), done.result(timeout=0)))
        called.set()

    future = hpyx.async_(abs, -7)
    future.add_done_callback(callback)
    held.open()
    assert called.wait(sizes.PATIENCE)
    assert seen == [(future, True, 7)]


def test_a_callback_of_a_done_future_runs_at_once_on_the_calling_thread():
    future = hpyx.async_(abs, -1)
    future.result()
    seen = []
    future.add_done_callback(lambda done: seen.append((done, threading.get_ident())))
    assert seen == [(future, threading.get_ident())]


def test_a_callback_of_a_pending_future_runs_on_a_worker(held):
    names, called = [], threading.Event()

    def callback(_):
        names.append(threading.current_thread().name)
        called.set()

    future = hpyx.async_(abs, -1)
    future.add_done_callback(callback)
    held.open()
    assert called.wait(sizes.PATIENCE)
    assert names[0].startswith("hpyx-")


def test_the_same_callback_added_twice_runs_twice():
    seen = []
    future = hpyx.ready_future(1)
    future.add_done_callback(seen.append)
    future.add_done_callback(seen.append)
    assert seen == [future, future]


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def log():
    handler, logger = Records(), logging.getLogger("hpyx.futures")
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    yield handler.records
    logger.propagate = propagate
    logger.removeHandler(handler)


def fail(_):
    raise ValueError("from the callback")


def test_an_error_in_a_callback_is_logged_and_the_next_callback_runs(held, log):
    called = threading.Event()
    future = hpyx.async_(abs, -1)
    future.add_done_callback(fail)
    future.add_done_callback(lambda _: called.set())
    held.open()
    assert called.wait(sizes.PATIENCE)
    assert future.result() == 1
    assert [record.exc_info[0] for record in log] == [ValueError]
    assert log[0].levelno >= logging.ERROR


def test_an_error_in_a_callback_that_runs_at_once_is_logged_not_raised(log):
    hpyx.ready_future(1).add_done_callback(fail)
    assert [str(record.exc_info[1]) for record in log] == ["from the callback"]


class Undecided(Exception):
    def __bool__(self):
        raise RuntimeError("neither true nor false")


def test_an_error_that_cannot_be_asked_whether_it_is_true_is_logged(log):
    def fail(_):
        raise Undecided

    hpyx.ready_future(1).add_done_callback(fail)
    assert [record.exc_info[0] for record in log] == [Undecided]


def test_an_error_in_a_callback_of_a_cancelled_future_is_logged_not_raised(held, log):
    future = hpyx.async_(abs, -1)
    future.add_done_callback(fail)
    assert future.cancel()
    assert [record.exc_info[0] for record in log] == [ValueError]


NO_EXCEPTIONS = [KeyboardInterrupt, SystemExit, GeneratorExit]


def done_future():
    return hpyx.ready_future(1)


def stdlib_future():
    future = concurrent.futures.Future()
    future.set_result(1)
    return future


@pytest.mark.parametrize("make", [done_future, stdlib_future])
@pytest.mark.parametrize("kind", NO_EXCEPTIONS)
def test_what_is_no_exception_is_let_through_by_a_callback_that_runs_at_once(make, kind, log):
    def leave(_):
        raise kind("from the callback")

    future = make()
    with pytest.raises(kind, match="from the callback"):
        future.add_done_callback(leave)
    assert future.result() == 1
    assert log == []


@pytest.mark.parametrize("kind", NO_EXCEPTIONS)
def test_cancel_lets_it_through_once_all_have_been_called(held, log, kind):
    seen = []

    def leave(_):
        raise kind("from the callback")

    future = hpyx.async_(abs, -1)
    dependent = future.then(abs)
    for future_of_two in (future, dependent):
        future_of_two.add_done_callback(leave)
        future_of_two.add_done_callback(seen.append)
    with pytest.raises(kind, match="from the callback"):
        future.cancel()
    assert future.cancelled() and dependent.cancelled()
    assert seen == [future, dependent]
    assert [record.exc_info[0] for record in log] == [kind]  # the second of the two


def test_shutdown_lets_it_through_once_all_futures_are_cancelled(held):
    executor = hpyx.HPXExecutor()
    futures = [executor.submit(abs, -n) for n in range(10)]
    futures[0].add_done_callback(lambda _: sys.exit("from the callback"))
    with pytest.raises(SystemExit, match="from the callback"):
        executor.shutdown(cancel_futures=True)
    assert all(future.cancelled() for future in futures)


def test_who_ends_a_future_of_another_library_gets_what_is_let_through():
    source, dependent = concurrent.futures.Future(), None
    dependent = hpyx.when_all(source)
    dependent.add_done_callback(lambda _: sys.exit("from the callback"))
    with pytest.raises(SystemExit, match="from the callback"):
        source.set_result(1)
    assert dependent.result() == (1,)


def test_a_worker_logs_what_is_no_exception_and_goes_on(held, log):
    called = threading.Event()
    future = hpyx.async_(abs, -1)
    future.add_done_callback(lambda _: sys.exit("from the callback"))
    future.add_done_callback(lambda _: called.set())
    held.open()
    assert called.wait(sizes.PATIENCE)
    assert wait_until(lambda: [record.exc_info[0] for record in log] == [SystemExit])
    assert hpyx.async_(abs, -2).result() == 2


def test_what_cannot_be_called_is_no_callback_and_breaks_nothing(held, log):
    future = hpyx.async_(abs, -1)
    try:
        future.add_done_callback(5)
    except TypeError:
        pass  # refused at the call, or logged when its turn comes: never lost, never fatal
    else:
        held.open()
        assert wait_until(lambda: len(log) == 1)
    held.open()
    assert future.result() == 1


def test_a_callback_can_submit_and_wait_for_more_work():
    outcome, called = [], threading.Event()

    def callback(done):
        outcome.append(hpyx.async_(abs, -done.result()).result() + 1)
        called.set()

    with Gate() as gate:
        future = hpyx.async_(gate, 41)
        future.add_done_callback(callback)
    assert called.wait(sizes.PATIENCE)
    assert outcome == [42]


def test_a_callback_can_add_a_callback_to_its_own_future():
    seen = []
    with Gate() as gate:
        future = hpyx.async_(gate)
        future.add_done_callback(lambda done: done.add_done_callback(seen.append))
    assert wait_until(lambda: seen == [future])


def race_add_against_completion(_):
    """Add callbacks to futures that are just completing; return those that did not run once."""
    counts = []
    for _ in range(sizes.RACES // 4):
        count = []
        counts.append(count)
        hpyx.async_(int).add_done_callback(count.append)
    wait_until(lambda: all(counts))
    return [len(count) for count in counts if len(count) != 1]


def test_a_callback_added_while_the_task_ends_runs_exactly_once():
    assert parallel(race_add_against_completion, 4) == [[]] * 4


def test_callbacks_have_run_in_order_although_added_from_many_threads(held):
    seen, last = [], threading.Event()
    future = hpyx.async_(abs, -1)

    def add(thread):
        for index in range(100):
            future.add_done_callback(lambda _, index=index: seen.append((thread, index)))

    parallel(add, 4)
    future.add_done_callback(lambda _: last.set())
    held.open()
    assert last.wait(sizes.PATIENCE)
    for thread in range(4):
        assert [index for who, index in seen if who == thread] == list(range(100))
