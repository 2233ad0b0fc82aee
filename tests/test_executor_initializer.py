"""Initializers: once per executor and worker thread, before that executor's first task there.

All executors share one pool, so an initializer belongs to the executor, and its failure breaks that
executor alone. Spare threads are initialized as well.
"""

import concurrent.futures
import threading

import pytest

import hpyx
import sizes
from helpers import wait_until

BrokenExecutor = concurrent.futures.BrokenExecutor


def fail_to_initialize(*_):
    raise OSError("no such device")


def test_the_initializer_runs_before_the_first_task_and_with_its_arguments():
    local = threading.local()

    def initialize(value, other):
        local.value = (value, other)

    with hpyx.HPXExecutor(initializer=initialize, initargs=("a", 1)) as executor:
        results = set(executor.map(lambda _: local.value, range(100)))
    assert results == {("a", 1)}


def test_the_initializer_runs_once_in_each_worker_thread():
    idents, meeting = [], threading.Barrier(2)
    with hpyx.HPXExecutor(initializer=lambda: idents.append(threading.get_ident())) as executor:
        for _ in range(50):
            futures = [executor.submit(meeting.wait, sizes.PATIENCE) for _ in range(2)]
            concurrent.futures.wait(futures)
    assert len(idents) == len(set(idents)) >= 2


def test_each_executor_has_an_initializer_of_its_own():
    seen = {"first": 0, "second": 0}
    lock = threading.Lock()

    def count(name):
        with lock:
            seen[name] += 1

    for name in seen:
        with hpyx.HPXExecutor(initializer=count, initargs=(name,)) as executor:
            list(executor.map(abs, range(50)))
    assert 1 <= seen["first"] <= 2 and 1 <= seen["second"] <= 2


def test_tasks_of_others_do_not_run_the_initializer():
    seen = []
    with hpyx.HPXExecutor(initializer=seen.append, initargs=(1,)):
        for _ in range(50):
            hpyx.async_(abs, -1).result()
    assert seen == []


def test_an_initializer_that_fails_breaks_its_executor():
    executor = hpyx.HPXExecutor(initializer=fail_to_initialize)
    with pytest.raises(BrokenExecutor):
        executor.submit(abs, -1).result()
    with pytest.raises(BrokenExecutor):
        executor.submit(abs, -1)
    executor.shutdown()


def test_a_broken_executor_fails_all_that_was_pending(held):
    executor, ran = hpyx.HPXExecutor(initializer=fail_to_initialize), []
    futures = [executor.submit(ran.append, index) for index in range(20)]
    held.open()
    assert all(isinstance(future.exception(), BrokenExecutor) for future in futures)
    assert ran == []
    executor.shutdown()


def test_a_broken_executor_leaves_the_others_alone():
    broken = hpyx.HPXExecutor(initializer=fail_to_initialize)
    assert isinstance(broken.submit(abs, -1).exception(), BrokenExecutor)
    with hpyx.HPXExecutor() as executor:
        assert list(executor.map(abs, [-1, -2])) == [1, 2]
    assert hpyx.async_(abs, -3).result() == 3
    broken.shutdown()


@pytest.mark.parametrize("initializer", [5, "name"])
def test_an_initializer_that_cannot_be_called_is_refused(initializer):
    with pytest.raises(TypeError, match="initializer must be a callable"):
        hpyx.HPXExecutor(initializer=initializer)


def scene_initialized_spares():
    """Six tasks meet in a pool of two: return (all passed, threads not initialized once)."""
    initialized, ran_in = [], []
    meeting = threading.Barrier(6)

    def initialize():
        initialized.append(threading.get_ident())

    def meet():
        ran_in.append(threading.get_ident())
        meeting.wait(sizes.PATIENCE)

    with hpyx.HPXExecutor(initializer=initialize) as executor:
        futures = [executor.submit(meet) for _ in range(6)]
    passed = [future.exception() for future in futures] == [None] * 6
    return passed, [ident for ident in set(ran_in) if initialized.count(ident) != 1]


def test_spare_threads_are_initialized_too(two_workers):
    assert two_workers.call(scene_initialized_spares) == (True, [])


def test_an_initializer_may_submit_work_and_wait_for_it():
    seen = []

    def initialize():
        seen.append(hpyx.async_(abs, -5).result())

    with hpyx.HPXExecutor(initializer=initialize) as executor:
        assert executor.submit(abs, -1).result() == 1
    assert wait_until(lambda: seen and set(seen) == {5})
