"""Many threads at once: bursts, round trips, waits of all kinds; no task, no wake-up is lost.

The vocabulary of cases is that of queues: stampede, stress, no starvation, destructors. Memory is
measured in a child of its own.
"""

import concurrent.futures
import contextlib
import gc
import random
import threading
import time

import hpyx
import sizes
from child import run_clean
from helpers import Gate, parallel, wait_until
from skips import needs

SEED = 20240229


def burst_from(thread):
    count = sizes.BURST // sizes.BURST_THREADS
    futures = [hpyx.async_(abs, -(thread * count + index)) for index in range(count)]
    return sum(future.result() for future in futures)


def test_a_burst_from_many_threads_gives_every_result():
    total = sum(parallel(burst_from, sizes.BURST_THREADS))
    count = sizes.BURST // sizes.BURST_THREADS * sizes.BURST_THREADS
    assert total == count * (count - 1) // 2


def test_every_single_result_of_a_burst_is_in_its_own_future():
    futures = [hpyx.async_(int, index) for index in range(sizes.BURST // 4)]
    assert [future.result() for future in futures] == list(range(sizes.BURST // 4))


@needs("rss")
def test_a_burst_gives_its_memory_back():
    script = """
        import gc, os, hpyx, sizes
        from helpers import parallel, wait_until
        from test_threads import burst_from
        hpyx.init(os_threads=2)
        def resident():
            gc.collect()
            wait_until(lambda: hpyx.debug.statistics().queued == 0)
            gc.collect()
            with open("/proc/self/statm") as stream:
                return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        levels = []
        for _ in range(8):
            parallel(burst_from, sizes.BURST_THREADS)
            levels.append(resident())
        print(*levels)
    """
    # An allocator keeps now more, now less of what it got back: what leaks is there at the least.
    output = run_clean(script, warnings="default", timeout=2 * sizes.PATIENCE)
    levels = [int(level) for level in output.split()]
    warm, later = levels[2:5], levels[5:]
    assert min(later) - min(warm) <= sizes.BURST_GROWTH_BYTES, levels


def test_round_trips_from_one_thread_lose_no_wake_up():
    for index in range(sizes.ROUND_TRIPS):
        assert hpyx.async_(abs, -index).result() == index


def test_round_trips_from_many_threads_lose_no_wake_up():
    def trips(thread):
        for index in range(sizes.ROUND_TRIPS // 8):
            assert hpyx.async_(pow, index, 2).result() == index * index
        return thread

    assert parallel(trips, 8) == list(range(8))


def test_round_trips_with_pauses_of_all_lengths_lose_no_wake_up():
    """The pause decides how far the workers are on their way to sleep when the next task comes."""
    pauses = random.Random(SEED)
    for index in range(sizes.RACES // 5):
        end = time.perf_counter() + pauses.choice([0, 1e-5, 5e-5, 1e-4, 2e-4, 4e-4, 1e-3])
        while time.perf_counter() < end:
            pass
        assert hpyx.async_(abs, -index).result(sizes.PATIENCE) == index, SEED


def test_a_stampede_on_one_future_wakes_everybody():
    for _ in range(sizes.MANY // 20):
        with Gate() as gate:
            future = hpyx.async_(gate, "value")

            def wait(index, future=future, gate=gate):
                if index == 7:
                    gate.open()
                return (future.result, lambda: future.result(sizes.PATIENCE))[index % 2]()

            assert parallel(wait, 8) == ["value"] * 8


def test_tasks_that_submit_tasks_reach_every_worker_and_end():
    count, lock, done = [0], threading.Lock(), threading.Event()
    total = 2**11 - 1

    def grow(level):
        if level:
            hpyx.async_(grow, level - 1)
            hpyx.async_(grow, level - 1)
        with lock:
            count[0] += 1
            if count[0] == total:
                done.set()

    hpyx.async_(grow, 10)
    assert done.wait(sizes.PATIENCE)


def test_a_worker_s_own_work_does_not_starve_work_from_outside():
    stop = threading.Event()

    def keep_going():
        if not stop.is_set():
            hpyx.async_(keep_going)

    chains = [hpyx.async_(keep_going) for _ in range(4)]
    try:
        results = [hpyx.async_(abs, -index).result(sizes.PATIENCE) for index in range(100)]
    finally:
        stop.set()
    assert results == list(range(100))
    assert all(chain.exception() is None for chain in chains)


def test_work_from_outside_does_not_starve_a_worker_s_own_work():
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            concurrent.futures.wait([hpyx.async_(int) for _ in range(100)])

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        inner = hpyx.async_(lambda: [hpyx.async_(abs, -index) for index in range(50)])
        results = [f.result(sizes.PATIENCE) for f in inner.result(sizes.PATIENCE)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert results == list(range(50))


def mixed_use(thread):
    """Submit, cancel, wait in all ways, add callbacks; return the number of surprises."""
    choice = random.Random(SEED + thread)
    surprises, called, expected = 0, [], 0
    for index in range(sizes.RACES // 4):
        future = hpyx.async_(abs, -index)
        action = choice.randrange(6)
        if action == 0 and future.cancel():
            surprises += not future.cancelled()
            continue
        if action == 1:
            future.add_done_callback(called.append)
            expected += 1
        if action == 2:
            concurrent.futures.wait([future])
            surprises += not future.done()
        if action == 3:
            surprises += future.exception() is not None
        if action == 4:
            surprises += future.result(sizes.PATIENCE) != index
        if action == 5:
            repr(future), future.done(), future.running()
        surprises += future.result() != index
    surprises += not wait_until(lambda: len(called) == expected)
    return surprises


def test_mixed_use_from_many_threads_holds_no_surprise():
    assert parallel(mixed_use, 4) == [0] * 4, SEED


@needs("gc_threshold")
def test_mixed_use_survives_a_collector_that_always_runs():
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        assert parallel(mixed_use_lightly, 4) == [True] * 4
    finally:
        gc.set_threshold(*thresholds)


def mixed_use_lightly(_):
    def fail():
        raise ValueError([])

    for index in range(sizes.MANY // 4):
        error = hpyx.async_(fail).exception()
        nested = hpyx.async_(lambda: hpyx.async_(abs, -index).result())  # noqa: B023
        if type(error) is not ValueError or nested.result() != index:
            return False
    return True


def test_the_counters_agree_after_all_this():
    def settled():
        statistics = hpyx.debug.statistics()
        return statistics.queued == 0 and statistics.tasks_started == statistics.tasks_finished

    assert wait_until(settled), hpyx.debug.statistics()


def recurse(depth):
    return recurse(depth - 1) + 1 if depth else 0


def thread_recurses(depth):
    reached = []

    def body():
        with contextlib.suppress(RecursionError):
            reached.append(recurse(depth))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return reached == [depth]


def test_a_task_may_recurse_as_deep_as_any_thread_of_python():
    depth = 800
    while not thread_recurses(depth + 50):  # on GraalPy 25.0, a thread may come to 200 only
        depth //= 2
    assert depth >= 100
    assert hpyx.async_(recurse, depth).result() == depth
