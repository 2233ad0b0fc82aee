"""Workers give others their turn: the interpreter lock, the collector's pause, signals' handlers.

Trap: builtins called back to back from a worker never offer the GIL, and on free-threaded builds
never reach the collector's safepoint. The tasks here run no Python code at all, and there are
enough of them that a waiting thread would have to wait for seconds. Promised: some switch
intervals more than beside threads that run Python code. (CPython 3.13t yields the processor dozens
of times before it sleeps for a lock, each time for a slice of whoever computes.)
"""

import gc
import statistics
import threading
import time

import pytest

import hpyx
import sizes
from helpers import Gate, wait_until

ITEMS = range(50_000)


def taken_by(action):
    """Return how long *action* takes, in seconds.

    In the processor time that this process gets meanwhile where that is less: what other processes
    take of a busy machine is no delay of ours.
    """
    start, used = time.perf_counter(), time.process_time()
    action()
    return min(time.perf_counter() - start, time.process_time() - used)


def tasks_for(seconds):
    """Return how many ``sum(ITEMS)`` keep two workers busy for about *seconds*."""
    return int(seconds / (taken_by(lambda: [sum(ITEMS) for _ in range(20)]) / 20)) * 2


def scene_latency_under_load(what):
    """Do *what* beside builtin tasks; return (longest delay, was there load to the end)."""
    count = tasks_for(sizes.LOAD_SECONDS)
    with Gate() as gate:
        for _ in range(2):
            hpyx.async_(gate)
        gate.entered(2)
        futures = [hpyx.async_(sum, ITEMS) for _ in range(count)]
    delay = max(taken_by(ACTIONS[what]) for _ in range(3))
    loaded = hpyx.debug.statistics().queued > 0
    for future in reversed(futures):
        future.cancel()
    wait_until(lambda: hpyx.debug.statistics().queued == 0)
    return delay, loaded


def scene_latency_beside_threads(what):
    """Do *what* beside two threads that call the builtin in a loop; return the longest delay."""
    stop = []

    def call():
        while not stop:
            sum(ITEMS)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    delay = max(taken_by(ACTIONS[what]) for _ in range(3))
    stop.append(True)
    for thread in threads:
        thread.join(sizes.PATIENCE)
    return delay


def start_and_join():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


ACTIONS = {
    "sleep": lambda: time.sleep(0.01),
    "collect": gc.collect,
    "start a thread": start_and_join,
    "lock": lambda: threading.Event().wait(0.01),
}


@pytest.mark.parametrize("what", ACTIONS)
def test_builtin_tasks_back_to_back_give_other_threads_their_turn(two_workers, what):
    delay, loaded = two_workers.call(scene_latency_under_load, what)
    more = sizes.COLLECTION_SECONDS if what == "collect" else sizes.FAIR_SECONDS
    assert delay <= two_workers.call(scene_latency_beside_threads, what) + more
    assert loaded, "the measurement needs work to the end"


def scene_collections_beside_waiters():
    """Collect while threads and tasks wait in every way; return how long that takes."""
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
    # Whoever stalls one stalls all; a single one may be long where others use the processor.
    return statistics.median(delays), [task.result() for task in nested]


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
    delay = max(taken_by(ACTIONS["sleep"]) for _ in range(20))
    stop.set()
    for thread in threads:
        thread.join(sizes.PATIENCE)
    return delay


def test_a_thread_that_sleeps_beside_many_submitters_gets_its_turn(two_workers):
    assert two_workers.call(scene_submitters_beside_builtins) <= sizes.FAIR_SECONDS
