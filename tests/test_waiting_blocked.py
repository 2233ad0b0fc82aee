"""A pool whose workers are blocked by what the core cannot see grows; one that computes does not.

Blocked means: work is queued, nothing has started or finished for a while, and the workers use no
processor time. Scenes run in children with the default configuration, or with the cap under test.
"""

import concurrent.futures
import os
import queue
import threading
import time

import pytest

import hpyx
import sizes
from child import Server
from helpers import Gate, spares_are_gone, task_threads, wait_until


def scene_sleepers(count, seconds):
    """Return how long *count* tasks of time.sleep(*seconds*) take together, without spares yet."""
    assert spares_are_gone()
    start = time.monotonic()
    for future in [hpyx.async_(time.sleep, seconds) for _ in range(count)]:
        future.result()
    return time.monotonic() - start


def test_sleeping_tasks_do_not_queue_up_behind_each_other(two_workers):
    # A busy machine may delay one of them.
    times = (two_workers.call(scene_sleepers, sizes.SLEEPERS, sizes.SLEEP) for _ in range(3))
    assert any(took <= sizes.SLEEPERS_SECONDS for took in times)


def scene_barrier(parties):
    """Return the sorted arrival numbers of as many tasks as the barrier has parties."""
    meeting = threading.Barrier(parties)
    futures = [hpyx.async_(meeting.wait, sizes.PATIENCE) for _ in range(parties)]
    return sorted(future.result() for future in futures)


@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_more_tasks_than_workers_meet_at_a_barrier(request, server):
    child = request.getfixturevalue(server)
    assert child.call(scene_barrier, 6) == list(range(6))


def scene_wait_on_own_subtasks(depth):
    """A task waits with concurrent.futures.wait for subtasks that do the same, *depth* deep."""

    def task(level):
        children = [hpyx.async_(task, level - 1) for _ in range(2)] if level else []
        done, not_done = concurrent.futures.wait(children)
        assert not not_done
        return 1 + sum(child.result() for child in done)

    return hpyx.async_(task, depth).result()


@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_a_task_can_use_the_standard_library_s_wait_on_its_own_subtasks(request, server):
    assert request.getfixturevalue(server).call(scene_wait_on_own_subtasks, 3) == 15


def scene_consumers_before_producers(count):
    """All consumers are queued before the first producer."""
    items = queue.Queue()
    consumers = [hpyx.async_(items.get, True, sizes.PATIENCE) for _ in range(count)]
    producers = [hpyx.async_(items.put, index) for index in range(count)]
    for producer in producers:
        producer.result()
    return sorted(consumer.result() for consumer in consumers)


def test_consumers_that_block_do_not_starve_their_producers(one_worker):
    assert one_worker.call(scene_consumers_before_producers, 5) == list(range(5))


def scene_lock_released_by_another_task():
    """The first task blocks in a lock that only the second task releases."""
    lock = threading.Lock()
    lock.acquire()
    first = hpyx.async_(lock.acquire, True, 20.0)
    second = hpyx.async_(lock.release)
    return first.result(), second.result()


def test_a_lock_can_be_released_by_a_task_queued_behind_its_waiter(one_worker):
    assert one_worker.call(scene_lock_released_by_another_task) == (True, None)


def scene_who_runs_when_grown(parties):
    """Meet at a barrier; return the indices and the names seen, and the two worker counts."""
    meeting = threading.Barrier(parties)

    def meet():
        meeting.wait(sizes.PATIENCE)
        return hpyx.debug.get_worker_thread_id(), threading.current_thread().name

    seen = [future.result() for future in [hpyx.async_(meet) for _ in range(parties)]]
    statistics = hpyx.debug.statistics()
    indices, names = zip(*seen)
    return sorted(set(indices)), names, hpyx.debug.get_num_worker_threads(), statistics.workers


def test_spares_bear_the_index_of_a_worker_and_do_not_count_as_workers(two_workers):
    indices, names, number, workers = two_workers.call(scene_who_runs_when_grown, 6)
    assert (indices, number, workers) == ([0, 1], 2, 2)
    kinds = sorted(name.rsplit("-", 1)[0] for name in names)
    assert len(set(names)) == 6
    assert set(kinds) <= {"hpyx-worker", "hpyx-spare"} and kinds.count("hpyx-spare") >= 4


def scene_spares_of_repeated_growth(times):
    """Grow again and again; return how many spares were started in all."""
    before = hpyx.debug.statistics().spares_started
    for _ in range(times):
        scene_barrier(6)
    return hpyx.debug.statistics().spares_started - before


def test_spares_are_reused(two_workers):
    assert two_workers.call(scene_spares_of_repeated_growth, 10) <= 10


def scene_threads_after_growth():
    """Return whether the pool, once grown, comes back to its own two threads when idle."""
    scene_barrier(6)
    return len(task_threads()) >= 6 and spares_are_gone()


def test_spares_retire_when_idle(two_workers):
    assert two_workers.call(scene_threads_after_growth, timeout=2 * sizes.PATIENCE)


def scene_cpu_bound(seconds):
    """Keep the pool computing with work queued; return the number of spares that this started."""
    before = hpyx.debug.statistics().spares_started
    deadline = time.monotonic() + seconds

    def compute():
        end = min(deadline, time.monotonic() + 0.1)
        while time.monotonic() < end:
            sum(range(1000))

    futures = [hpyx.async_(compute) for _ in range(int(seconds * 20) + 20)]
    for future in futures:
        future.result()
    return hpyx.debug.statistics().spares_started - before


@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_tasks_that_compute_start_no_spare(request, server):
    seconds = sizes.CPU_BOUND_SECONDS
    assert request.getfixturevalue(server).call(scene_cpu_bound, seconds) == 0


def scene_long_builtin():
    """One builtin call that computes for long, with work queued; return the spares it started."""
    before = hpyx.debug.statistics().spares_started
    start = time.monotonic()
    sum(range(1_000_000))
    size = int(1_000_000 * 0.3 / max(time.monotonic() - start, 1e-4))
    futures = [hpyx.async_(sum, range(size)) for _ in range(4)]
    for future in futures:
        future.result()
    return hpyx.debug.statistics().spares_started - before


def test_a_long_call_into_c_that_keeps_the_processor_starts_no_spare(two_workers):
    assert two_workers.call(scene_long_builtin) == 0


def scene_blocked_without_growth():
    """One worker blocks, so a second task cannot start: return (results, spares started)."""
    before = hpyx.debug.statistics().spares_started
    release = threading.Event()
    first = hpyx.async_(release.wait, 0.5)
    second = hpyx.async_(release.set)
    started = hpyx.debug.statistics().spares_started - before
    return first.result(), second.result(), started


def test_growth_can_be_turned_off(one_worker_no_growth):
    result, _, spares = one_worker_no_growth.call(scene_blocked_without_growth)
    assert (result, spares) == (False, 0)


def scene_cap(limit, tasks):
    """Block many tasks; return (was the limit reached, tasks inside, threads)."""
    assert spares_are_gone()
    inside = []
    with Gate() as gate:

        def block(index):
            inside.append(index)
            gate()

        futures = [hpyx.async_(block, index) for index in range(tasks)]
        reached = wait_until(lambda: len(inside) >= limit)
        wait_until(lambda: len(inside) > limit, 0.3)  # time enough to start one too many
        seen = len(inside), len(task_threads())
    for future in futures:
        future.result()
    return (reached,) + seen


def test_growth_stops_at_the_configured_cap():
    server = Server(os_threads=1, cfg=["hpyx.max_spare_workers=3"])
    assert server.call(scene_cap, 4, 10) == (True, 4, 4)
    server.close()


def scene_default_cap():
    limit = max(32, (os.cpu_count() or 1) + 4)
    return limit, scene_cap(limit, limit + 10)


def test_growth_stops_at_the_default_cap(two_workers):
    limit, seen = two_workers.call(scene_default_cap)
    assert seen == (True, limit, limit)


def scene_blocked_with_idle_queue():
    """Blocked workers and nothing queued: return the spares started, none being needed."""
    before = hpyx.debug.statistics().spares_started
    with Gate() as gate:
        futures = [hpyx.async_(gate) for _ in range(2)]
        gate.entered(2)
        time.sleep(0.2)
        started = hpyx.debug.statistics().spares_started - before
    for future in futures:
        future.result()
    return started


def test_blocked_workers_alone_start_no_spare(two_workers):
    assert two_workers.call(scene_blocked_with_idle_queue) == 0
