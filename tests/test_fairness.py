"""Workers give others their turn: the interpreter lock, the collector's pause, signals' handlers.

Trap: builtins called back to back from a worker never offer the GIL, and on free-threaded builds
never reach the collector's safepoint. The tasks here run no Python code at all, and there are
enough of them that a waiting thread would have to wait for seconds. Promised: some switch
intervals.
"""

import gc
import threading
import time

import pytest

import hpyx
import sizes
from helpers import Gate, wait_until

ITEMS = range(50_000)


def tasks_for(seconds):
    """Return how many ``sum(ITEMS)`` keep two workers busy for about *seconds*."""
    start = time.perf_counter()
    for _ in range(20):
        sum(ITEMS)
    return int(seconds / ((time.perf_counter() - start) / 20)) * 2


def scene_latency_under_load(what):
    """Do *what* beside builtin tasks; return (longest delay, was there load to the end)."""
    count = tasks_for(sizes.LOAD_SECONDS)
    actions = {
        "sleep": lambda: time.sleep(0.01),
        "collect": gc.collect,
        "start a thread": start_and_join,
        "lock": lambda: threading.Event().wait(0.01),
    }
    action = actions[what]
    delays = []
    with Gate() as gate:
        for _ in range(2):
            hpyx.async_(gate)
        gate.entered(2)
        futures = [hpyx.async_(sum, ITEMS) for _ in range(count)]
    for _ in range(3):
        start = time.perf_counter()
        action()
        delays.append(time.perf_counter() - start)
    loaded = hpyx.debug.statistics().queued > 0
    for future in reversed(futures):
        future.cancel()
    wait_until(lambda: hpyx.debug.statistics().queued == 0)
    return max(delays), loaded


def start_and_join():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


@pytest.mark.parametrize("what", ["sleep", "collect", "start a thread", "lock"])
def test_builtin_tasks_back_to_back_give_other_threads_their_turn(two_workers, what):
    delay, loaded = two_workers.call(scene_latency_under_load, what)
    assert delay <= (sizes.COLLECTION_SECONDS if what == "collect" else sizes.FAIR_SECONDS)
    assert loaded, "the measurement needs work to the end"


def scene_collections_beside_waiters():
    """Collect while threads and tasks wait in every way; return the longest collection."""
    with Gate() as gate:
        future = hpyx.async_(gate)
        gate.entered()
        waiters = [
            threading.Thread(target=future.result),
            threading.Thread(target=future.result, args=(sizes.PATIENCE,)),
            threading.Thread(target=future.exception),
        ]
        for waiter in waiters:
            waiter.start()
        nested = [hpyx.async_(future.result), hpyx.async_(future.result, sizes.PATIENCE)]
        delays = []
        for _ in range(sizes.COLLECTIONS):
            start = time.perf_counter()
            gc.collect()
            delays.append(time.perf_counter() - start)
    for waiter in waiters:
        waiter.join(sizes.PATIENCE)
    return max(delays), [task.result() for task in nested]


def test_waiting_threads_and_parked_workers_never_stall_a_collection(two_workers):
    delay, results = two_workers.call(scene_collections_beside_waiters)
    assert delay <= sizes.COLLECTION_SECONDS
    assert results == [None, None]


def scene_submitters_beside_builtins():
    """Four threads submit builtins without a pause, a fifth sleeps; return its longest delay."""
    stop = threading.Event()

    def submit():
        while not stop.is_set():
            for future in [hpyx.async_(sum, ITEMS) for _ in range(20)]:
                future.result()

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    delays = []
    for _ in range(20):
        start = time.perf_counter()
        time.sleep(0.01)
        delays.append(time.perf_counter() - start)
    stop.set()
    for thread in threads:
        thread.join(sizes.PATIENCE)
    return max(delays)


def test_a_thread_that_sleeps_beside_many_submitters_gets_its_turn(two_workers):
    assert two_workers.call(scene_submitters_beside_builtins) <= sizes.FAIR_SECONDS
