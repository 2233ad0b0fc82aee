"""HPXExecutor.shutdown: it ends one executor object, its own work only, and never the pool."""

import gc
import threading

import pytest

import hpyx
import sizes
from helpers import Gate

TEXT = "cannot schedule new futures after shutdown"


def test_submit_after_shutdown_is_refused_with_the_text_of_the_standard_library():
    executor = hpyx.HPXExecutor()
    executor.shutdown()
    with pytest.raises(RuntimeError) as caught:
        executor.submit(abs, -1)
    assert str(caught.value) == TEXT


def test_map_after_shutdown_is_refused():
    executor = hpyx.HPXExecutor()
    executor.shutdown()
    with pytest.raises(RuntimeError, match=TEXT):
        executor.map(abs, [1])


def test_shutdown_can_be_repeated():
    executor = hpyx.HPXExecutor()
    for wait in (True, False, True):
        executor.shutdown(wait)
    executor.shutdown(wait=False, cancel_futures=True)


def test_shutdown_of_one_executor_leaves_the_others_alone():
    first, second = hpyx.HPXExecutor(), hpyx.HPXExecutor()
    first.shutdown()
    assert second.submit(abs, -1).result() == 1
    assert hpyx.async_(abs, -2).result() == 2
    assert hpyx.is_running()
    second.shutdown()


def test_work_submitted_before_shutdown_is_finished(held):
    executor = hpyx.HPXExecutor()
    futures = [executor.submit(abs, -index) for index in range(100)]
    executor.shutdown(wait=False)
    held.open()
    assert [future.result() for future in futures] == list(range(100))


def test_shutdown_waits_for_its_own_work():
    executor, done = hpyx.HPXExecutor(), []
    futures = [executor.submit(done.append, index) for index in range(500)]
    executor.shutdown(wait=True)
    assert len(done) == 500
    assert all(future.done() for future in futures)


def test_shutdown_does_not_wait_for_the_work_of_others():
    with Gate() as gate:
        other = hpyx.async_(gate)
        gate.entered()
        executor = hpyx.HPXExecutor()
        mine = executor.submit(abs, -1)
        executor.shutdown(wait=True)
        assert mine.done() and not other.done()


def test_shutdown_without_wait_returns_while_work_is_running():
    executor = hpyx.HPXExecutor()
    with Gate() as gate:
        future = executor.submit(gate, "finished later")
        gate.entered()
        executor.shutdown(wait=False)
        assert future.running()
    assert future.result() == "finished later"


def test_cancel_futures_cancels_what_has_not_started_and_only_that(held):
    mine, other = hpyx.HPXExecutor(), hpyx.HPXExecutor()
    pending = [mine.submit(abs, -index) for index in range(50)]
    foreign = [other.submit(abs, -index) for index in range(50)]
    mine.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in pending)
    held.open()
    assert [future.result() for future in foreign] == list(range(50))
    other.shutdown()


def test_cancel_futures_lets_running_work_finish():
    executor = hpyx.HPXExecutor()
    with Gate() as gate:
        running = executor.submit(gate, "ran")
        gate.entered()
        executor.shutdown(wait=False, cancel_futures=True)
    assert running.result() == "ran"


def test_cancel_futures_is_a_keyword_only():
    executor = hpyx.HPXExecutor()
    with pytest.raises(TypeError):
        executor.shutdown(True, True)
    executor.shutdown()


def test_leaving_the_with_block_waits():
    done = []
    with hpyx.HPXExecutor() as executor:
        for index in range(200):
            executor.submit(done.append, index)
    assert sorted(done) == list(range(200))
    with pytest.raises(RuntimeError, match=TEXT):
        executor.submit(abs, -1)


def test_an_exception_in_the_with_block_comes_out_after_the_work():
    done = []
    with pytest.raises(KeyError), hpyx.HPXExecutor() as executor:
        executor.submit(done.append, 1)
        raise KeyError("body")
    assert done == [1]


def test_work_of_an_executor_that_was_dropped_is_finished(held):
    futures = [hpyx.HPXExecutor().submit(abs, -index) for index in range(20)]
    gc.collect()
    held.open()
    assert [future.result() for future in futures] == list(range(20))


def test_a_task_that_waits_for_its_subtasks_survives_shutdown_of_the_executor():
    executor, submitted = hpyx.HPXExecutor(), threading.Event()
    with Gate() as gate:

        def parent():
            children = [executor.submit(abs, -index) for index in range(10)]
            submitted.set()
            gate()
            return sum(child.result() for child in children)

        future = executor.submit(parent)
        assert submitted.wait(sizes.PATIENCE)
        executor.shutdown(wait=False)
    assert future.result() == 45


def test_shutdown_from_several_threads_at_once_ends_in_all_of_them():
    executor = hpyx.HPXExecutor()
    with Gate() as gate:
        future = executor.submit(gate)
        gate.entered()
        threads = [threading.Thread(target=executor.shutdown) for _ in range(4)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(sizes.PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert future.done()


def test_an_executor_set_up_again_still_ends_the_shutdown_that_waits():
    """Constructors of several base classes may each call the executor's."""
    executor, waits = hpyx.HPXExecutor(), threading.Event()

    def shutdown():
        waits.set()
        executor.shutdown()

    with Gate() as gate:
        executor.submit(gate)
        gate.entered()
        thread = threading.Thread(target=shutdown)
        thread.start()
        assert waits.wait(sizes.PATIENCE)
        thread.join(0.05)  # now it sleeps; were it late, it would wait for less
        executor.__init__()
    thread.join(sizes.PATIENCE)
    assert not thread.is_alive()
    assert executor.submit(abs, -1).result() == 1
