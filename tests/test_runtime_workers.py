"""Workers as Python threads, the order of tasks, idleness, and the figures of hpyx.debug.

Children: `one_worker_no_growth` where an order must be exact, `two_workers` for the default
behaviour.
"""

import re
import threading
import time

import pytest

import hpyx
import sizes
from child import run_clean
from helpers import Gate, spares_are_gone, wait_until


def worker_threads():
    return [t for t in threading.enumerate() if re.fullmatch(r"hpyx-worker-\d+", t.name)]


def test_workers_are_python_threads_with_names():
    assert sorted(t.name for t in worker_threads()) == ["hpyx-worker-0", "hpyx-worker-1"]
    assert all(isinstance(t, threading.Thread) and t.is_alive() for t in worker_threads())
    assert not any(t.daemon for t in worker_threads())


def test_a_task_sees_its_worker_as_the_current_thread():
    def describe():
        thread = threading.current_thread()
        return thread.name, thread.ident == threading.get_ident(), thread in threading.enumerate()

    name, own_ident, listed = hpyx.async_(describe).result()
    assert re.fullmatch(r"hpyx-(worker|spare)-\d+", name)
    assert own_ident and listed


def test_a_task_knows_its_worker_and_other_threads_have_none():
    assert hpyx.debug.get_num_worker_threads() == 2
    assert hpyx.debug.get_worker_thread_id() == -1
    found = []
    thread = threading.Thread(target=lambda: found.append(hpyx.debug.get_worker_thread_id()))
    thread.start()
    thread.join()
    assert found == [-1]
    meeting = threading.Barrier(2)

    def meet():
        meeting.wait(sizes.PATIENCE)
        return hpyx.debug.get_worker_thread_id()

    futures = [hpyx.async_(meet) for _ in range(2)]
    assert sorted(future.result() for future in futures) == [0, 1]


def scene_order_of_starts(count, through_executor):
    """With the only worker held, submit *count* tasks; return the order in which they ran."""
    order = []
    submit = hpyx.HPXExecutor().submit if through_executor else hpyx.async_
    with Gate() as gate:
        hpyx.async_(gate)
        gate.entered()
        futures = [submit(order.append, index) for index in range(count)]
    for future in futures:
        future.result()
    return order


@pytest.mark.parametrize("through_executor", [False, True])
def test_tasks_submitted_from_outside_start_in_order(one_worker_no_growth, through_executor):
    order = one_worker_no_growth.call(scene_order_of_starts, 1000, through_executor)
    assert order == list(range(1000))


def test_an_idle_worker_steals_what_a_busy_one_spawned():
    """In this process, where no spare steps in when the idle worker does not get the processor."""
    meeting = threading.Barrier(2)

    def child():
        meeting.wait(sizes.PATIENCE)
        return hpyx.debug.get_worker_thread_id()

    def parent():
        return [hpyx.async_(child) for _ in range(2)]

    assert sorted(child.result() for child in hpyx.async_(parent).result()) == [0, 1]


def scene_statistics_of(count):
    """Run *count* tasks; return how the counters moved once all is quiet."""
    before = hpyx.debug.statistics()
    for future in [hpyx.async_(abs, -index) for index in range(count)]:
        future.result()

    def quiet():
        now = hpyx.debug.statistics()
        return now.tasks_finished - before.tasks_finished == count and now.queued == 0

    settled = wait_until(quiet)
    after = hpyx.debug.statistics()
    return settled, after.tasks_started - before.tasks_started, after.workers


def test_statistics_count_every_task(two_workers):
    assert two_workers.call(scene_statistics_of, 1000) == (True, 1000, 2)


def test_statistics_show_what_is_queued(held):
    before = hpyx.debug.statistics()
    futures = [hpyx.async_(abs, -index) for index in range(10)]
    now = hpyx.debug.statistics()
    assert now.queued - before.queued == 10
    assert now.tasks_started == before.tasks_started
    assert now.workers == 2 and now.threads >= 2
    held.open()
    assert [future.result() for future in futures] == list(range(10))


def test_statistics_cannot_be_changed():
    statistics = hpyx.debug.statistics()
    for name in ("workers", "threads", "spares_started", "tasks_stolen", "queued"):
        assert isinstance(getattr(statistics, name), int)
        with pytest.raises(AttributeError):
            setattr(statistics, name, 5)


def scene_cpu_time_of_idleness():
    """Return the processor time used in a second in which nobody asks for anything."""
    for future in [hpyx.async_(abs, -index) for index in range(1000)]:
        future.result()
    wait_until(lambda: hpyx.debug.statistics().queued == 0)
    assert spares_are_gone()  # those of earlier scenes have their ends before them
    start = time.process_time()
    time.sleep(1.0)
    return time.process_time() - start


def test_an_idle_pool_uses_no_processor_time(two_workers):
    assert two_workers.call(scene_cpu_time_of_idleness) <= sizes.IDLE_CPU_SECONDS


def scene_cpu_time_of_a_blocked_waiter():
    """Return the processor time of a second in which a task and a waiter are blocked."""
    assert spares_are_gone()
    with Gate() as gate:
        future = hpyx.async_(gate)
        gate.entered()
        waiter = threading.Thread(target=future.result)
        waiter.start()
        start = time.process_time()
        time.sleep(1.0)
        used = time.process_time() - start
    waiter.join(sizes.PATIENCE)
    return used


def test_a_blocked_waiter_uses_no_processor_time(two_workers):
    assert two_workers.call(scene_cpu_time_of_a_blocked_waiter) <= 2 * sizes.IDLE_CPU_SECONDS


def test_a_pool_that_cannot_start_threads_says_so_and_hangs_nowhere():
    script = """
        import _thread, threading
        import hpyx

        def refuse(*args, **kwargs):
            raise RuntimeError("can't start new thread")

        for module in (_thread, threading):
            for name in list(vars(module)):
                if name.lstrip("_") in ("start_new_thread", "start_new", "start_joinable_thread"):
                    setattr(module, name, refuse)
        try:
            print(hpyx.async_(abs, -1).result(20))
        except RuntimeError as error:
            assert "thread" in str(error), error
            print("refused")
    """
    assert run_clean(script).strip() in ("1", "refused")


def test_statistics_tell_busy_threads_from_sleeping_ones(held):
    now = hpyx.debug.statistics()
    assert (now.workers, now.busy, now.searching, now.asleep) == (2, 2, 0, 0)
    held.open()
    assert wait_until(lambda: hpyx.debug.statistics().asleep == 2)
    assert hpyx.debug.statistics().busy == 0


def scene_statistics_of_nested_runs(count):
    """Tasks that their waiter runs, and cancelled ones, stay in the queue as empty shells."""
    before = hpyx.debug.statistics()

    def outer():
        futures = [hpyx.async_(abs, index) for index in range(2 * count)]
        for future in futures[count:]:
            future.cancel()
        return sum(future.result() for future in futures[:count])

    assert hpyx.async_(outer).result() == count * (count - 1) // 2
    assert wait_until(lambda: hpyx.debug.statistics().queued == 0)
    assert wait_until(lambda: hpyx.debug.statistics().asleep == 1)
    after = hpyx.debug.statistics()
    started = after.tasks_started - before.tasks_started
    return started, after.tasks_finished - before.tasks_finished


def test_statistics_count_what_ran_and_nothing_twice(one_worker_no_growth):
    assert one_worker_no_growth.call(scene_statistics_of_nested_runs, 10) == (11, 11)
