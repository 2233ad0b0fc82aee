"""Memory: what a future refers to is let go in time, and cycles through it are collected.

Trap: a cycle through a field that the collector cannot see is never freed, on PyPy in particular;
and ``future -> exception -> traceback -> frame -> future`` arises whenever result() raises. Trap:
dropping an object may run any code. All checks go by weak references, after a collection.
"""

import concurrent.futures
import gc
import threading
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, all_dead, wait_until
from skips import needs


class Failure(Exception):
    pass


def fail():
    raise Failure("with a traceback")


def cycle_through_traceback():
    future = hpyx.async_(fail)
    with pytest.raises(Failure):
        future.result()
    return weakref.ref(future)


def cycle_through_exception():
    future = hpyx.async_(fail)
    future.exception().future = future
    return weakref.ref(future)


def cycle_through_callback():
    future = hpyx.async_(abs, -1)
    future.add_done_callback(lambda _: future)
    future.result()
    return weakref.ref(future)


def cycle_through_result():
    thing = Thing()
    future = hpyx.async_(lambda: thing)
    thing.future = future.result().future = future
    return weakref.ref(future)


def cycle_through_attribute():
    future = hpyx.async_(abs, -1)
    future.itself = future
    future.result()
    return weakref.ref(future)


def cycle_through_late_attribute():
    future = hpyx.async_(abs, -1)
    future.result()
    future.itself = future
    return weakref.ref(future)


def cycle_through_ready_value():
    thing = Thing()
    thing.future = hpyx.ready_future(thing)
    return weakref.ref(thing.future)


def cycle_through_argument():
    thing = Thing()
    thing.future = hpyx.async_(id, thing)
    thing.future.result()
    return weakref.ref(thing.future)


CYCLES = [
    cycle_through_traceback,
    cycle_through_exception,
    cycle_through_callback,
    cycle_through_result,
    cycle_through_attribute,
    cycle_through_late_attribute,
    cycle_through_ready_value,
    cycle_through_argument,
]


@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_cycles_through_futures_are_collected(make):
    assert all_dead([make() for _ in range(sizes.CYCLES)])


def test_cycles_through_cancelled_futures_are_collected(held):
    def make(kind):
        thing = Thing()
        thing.future = hpyx.async_(id, thing)
        if kind:
            thing.future.add_done_callback(lambda _: thing)
        thing.future.cancel()
        return weakref.ref(thing.future)

    references = [make(index % 2) for index in range(sizes.CYCLES)]
    held.open()
    assert all_dead(references)


def test_cycles_through_executors_are_collected():
    def make():
        executor = hpyx.HPXExecutor()
        executor.future = executor.submit(lambda: executor)
        executor.future.result()
        executor.shutdown()
        return weakref.ref(executor.future)

    assert all_dead([make() for _ in range(100)])


@pytest.mark.parametrize("step", ["before", "with the future", "with the result", "with more"])
def test_cycles_that_a_collection_has_seen_alive_are_collected(step):
    """A collection may change how the collector looks at what it leaves."""

    def make():
        def reached(name):
            if name == step:
                gc.collect()

        executor = hpyx.HPXExecutor()
        reached("before")
        executor.future = executor.submit(lambda: executor)
        reached("with the future")
        executor.future.result()
        reached("with the result")
        executor.future.executor = executor
        executor.more = executor.future
        reached("with more")
        return weakref.ref(executor.more)

    assert all_dead([make() for _ in range(3)])


@needs("finalizers")
def test_a_finalizer_of_the_same_cycle_may_still_use_the_executor():
    """Which of the two is finalized first is the interpreter's choice."""
    outcomes = []

    class Owner:
        def __del__(self):
            try:
                outcomes.append(self.executor.submit(abs, -1).result())
            except RuntimeError as error:
                outcomes.append(str(error))
            self.executor.shutdown()

    def make(owner_is_older):
        if owner_is_older:
            owner, executor = Owner(), hpyx.HPXExecutor()
        else:
            executor, owner = hpyx.HPXExecutor(), Owner()
        owner.executor, executor.owner = executor, owner

    def all_finalized():
        gc.collect()
        return len(outcomes) == 10

    for index in range(10):
        make(index % 2)
    assert wait_until(all_finalized)
    assert set(outcomes) <= {1, "cannot schedule new futures after shutdown"}


def test_cycles_of_the_standard_library_s_waiters_are_collected():
    def make():
        future = hpyx.async_(fail)
        concurrent.futures.wait([future])
        list(concurrent.futures.as_completed([future]))
        future.exception().future = future
        return weakref.ref(future)

    assert all_dead([make() for _ in range(100)])


def test_a_finished_task_lets_go_of_its_function_and_arguments():
    class Function(Thing):
        def __call__(self, *args, **kwargs):
            return None

    function, argument, keyword = Function(), Thing(), Thing()
    references = [weakref.ref(thing) for thing in (function, argument, keyword)]
    future = hpyx.async_(function, argument, key=keyword)
    future.result()
    del function, argument, keyword
    assert all_dead(references)
    assert future.result() is None


def test_the_result_lives_as_long_as_its_future():
    future = hpyx.async_(Thing)
    reference = weakref.ref(future.result())
    gc.collect()
    assert reference() is future.result()
    del future
    assert all_dead([reference])


def test_a_future_nobody_asks_is_freed_with_its_result():
    references, lock = [], threading.Lock()

    def make():
        thing = Thing()
        with lock:
            references.append(weakref.ref(thing))
        return thing

    for _ in range(100):
        hpyx.async_(make)
    assert wait_until(lambda: len(references) == 100)
    assert all_dead(references)


def test_callbacks_are_let_go_once_they_ran():
    called = threading.Event()

    class Callback(Thing):
        def __call__(self, future):
            called.set()

    future, callback = hpyx.async_(abs, -1), Callback()
    reference = weakref.ref(callback)
    future.add_done_callback(callback)
    assert called.wait(sizes.PATIENCE)
    del future, callback
    assert all_dead([reference])


class Large(Thing):
    def __init__(self):
        self.data = bytearray(2**20)


def test_large_results_of_parked_workers_are_freed():
    """Free-threaded builds free an object of a parked thread only once that thread has a turn."""
    futures = [hpyx.async_(Large) for _ in range(20)]
    references = [weakref.ref(future.result()) for future in futures]
    del futures
    assert all_dead(references)


def test_dropping_futures_by_the_thousand_is_harmless():
    for _ in range(3):
        futures = [hpyx.async_(abs, -index) for index in range(10 * sizes.MANY)]
        del futures[::2]
        gc.collect()
        assert futures[0].result() == 1
        del futures
    assert hpyx.async_(abs, -1).result() == 1


def test_a_pending_future_that_is_dropped_still_runs(held):
    ran = threading.Event()
    hpyx.async_(ran.set)
    gc.collect()
    held.open()
    assert ran.wait(sizes.PATIENCE)


@needs("finalizers")
def test_a_result_whose_finalizer_uses_the_library_is_dropped_safely():
    revived = []

    class Resubmits:
        def __del__(self):
            future = hpyx.async_(abs, -3)
            future.add_done_callback(lambda done: revived.append(done.result()))

    for _ in range(100):
        hpyx.async_(Resubmits).result()
        hpyx.async_(lambda thing: None, Resubmits()).result()

    def all_revived():
        gc.collect()
        return len(revived) == 200

    assert wait_until(all_revived)
    assert set(revived) == {3}


@needs("finalizers")
def test_a_finalizer_that_waits_for_a_task_does_not_deadlock():
    waited = []

    class Waits:
        def __del__(self):
            waited.append(hpyx.async_(abs, -4).result())

    for _ in range(50):
        hpyx.async_(Waits)

    def all_waited():
        gc.collect()
        return len(waited) == 50

    assert wait_until(all_waited)
    assert set(waited) == {4}


def test_collections_inside_tasks_are_harmless():
    def work(index):
        thing = Thing()
        thing.itself = thing
        gc.collect()
        return hpyx.async_(abs, -index).result()

    count = sizes.COLLECTIONS_AT_ONCE
    futures = [hpyx.async_(work, index) for index in range(count)]
    assert [future.result() for future in futures] == list(range(count))


def test_weak_callbacks_of_futures_run_when_they_die():
    died = []
    with Gate() as gate:
        future = hpyx.async_(gate)
        gate.entered()
        reference = weakref.ref(future, died.append)
        del future
    assert all_dead([reference])
    assert wait_until(lambda: died)  # a reference may be seen dead before its callback has run
    assert died == [reference]


@pytest.mark.parametrize("submitter", ["async_", "submit"])
def test_what_was_called_is_let_go_after_a_burst(executor, submitter):
    submit = hpyx.async_ if submitter == "async_" else executor.submit

    def burst():
        things = [Thing() for _ in range(200)]
        futures = [submit(lambda thing=thing: thing is not None) for thing in things]
        assert all(future.result() for future in futures)
        return [weakref.ref(thing) for thing in things]

    assert all_dead(burst())
