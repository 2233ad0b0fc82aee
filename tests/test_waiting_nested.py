"""Waiting inside a task never deadlocks, whatever the number of workers and the depth.

Scenes run in a child with one worker (`one_worker`), where every mistake is a deadlock at once;
those that need a neighbour run with two. Neither the recursion limit nor the C stack may end a
wait. See also test_waiting_isolation.py (what a nested task may not see), test_waiting_blocked.py.
"""

import _thread
import concurrent.futures
import sys
import threading

import pytest

import hpyx
import sizes
from helpers import Gate, wait_until


def fib(n):
    if n < 2:
        return n
    left, right = hpyx.async_(fib, n - 1), hpyx.async_(fib, n - 2)
    return left.result() + right.result()


def scene_fib(n):
    return hpyx.async_(fib, n).result()


def test_fib_by_blocking_recursion_works_with_one_worker(one_worker):
    assert one_worker.call(scene_fib, sizes.FIB, timeout=4 * sizes.PATIENCE) == sizes.FIB_RESULT


def test_fib_by_blocking_recursion_works_with_two_workers(two_workers):
    assert two_workers.call(scene_fib, 15, timeout=4 * sizes.PATIENCE) == 610


def scene_chain(length):
    """Each task submits the next and waits for it; return the depth reached."""

    def link(depth):
        return hpyx.async_(link, depth - 1).result() + 1 if depth else 0

    return hpyx.async_(link, length).result()


@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_a_long_chain_of_tasks_each_waiting_for_the_next_works(request, server):
    child = request.getfixturevalue(server)
    assert child.call(scene_chain, sizes.CHAIN, timeout=4 * sizes.PATIENCE) == sizes.CHAIN


def scene_chain_submitted_ahead(length):
    """All tasks are queued before the first runs, each waiting for the one queued after it."""
    futures, ready = [], threading.Event()

    def link(index):
        ready.wait(sizes.PATIENCE)
        return futures[index + 1].result() + 1 if index + 1 < length else 0

    with Gate() as gate:
        hpyx.async_(gate)
        gate.entered()
        futures.extend(hpyx.async_(link, index) for index in range(length))
    ready.set()
    return futures[0].result()


def test_a_chain_that_was_submitted_ahead_works(one_worker):
    assert one_worker.call(scene_chain_submitted_ahead, 2000) == 1999


def scene_chain_backwards(length):
    """As above, each waiting for the one queued before it."""
    futures = [hpyx.ready_future(0)]

    def link(index):
        return futures[index].result() + 1

    for index in range(length):
        futures.append(hpyx.async_(link, index))
    return futures[-1].result()


def test_a_chain_that_waits_for_earlier_tasks_works(one_worker):
    assert one_worker.call(scene_chain_backwards, 2000) == 2000


def scene_failing_chain(length):
    """The last task fails; return (type of the error, whether all tasks saw it)."""
    seen = []

    def link(depth):
        if not depth:
            raise KeyError("deep down")
        try:
            return hpyx.async_(link, depth - 1).result()
        except KeyError:
            seen.append(depth)
            raise

    error = hpyx.async_(link, length).exception()
    return type(error), sorted(seen) == list(range(1, length + 1))


def test_an_error_comes_up_through_a_chain_of_waits(one_worker):
    assert one_worker.call(scene_failing_chain, 200) == (KeyError, True)


def scene_wait_with(kind):
    """A task waits for its subtasks in the way named *kind*; return what it got."""
    waits = {
        "result": lambda futures: [future.result() for future in futures],
        "result with timeout": lambda futures: [f.result(sizes.PATIENCE) for f in futures],
        "reversed": lambda futures: [f.result() for f in futures[::-1]][::-1],
        "exception": lambda futures: [f.exception() or f.result() for f in futures],
        "wait": lambda futures: (concurrent.futures.wait(futures), [f.result() for f in futures])[
            1
        ],
        "as_completed": lambda futures: sorted(
            future.result() for future in concurrent.futures.as_completed(futures)
        ),
        "polling": lambda futures: poll(futures),
    }

    def poll(futures):
        while not all(future.done() for future in futures):
            threading.Event().wait(0.001)
        return [future.result() for future in futures]

    def parent():
        return waits[kind]([hpyx.async_(abs, -index) for index in range(20)])

    return hpyx.async_(parent).result()


KINDS = [
    "result",
    "result with timeout",
    "reversed",
    "exception",
    "wait",
    "as_completed",
    "polling",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_can_wait_for_its_subtasks_in_every_way(one_worker, kind):
    assert one_worker.call(scene_wait_with, kind) == list(range(20))


def scene_poll_for_many_short_tasks(count):
    """The only worker polls until *count* short tasks have run; return how many did."""
    ran = []

    def parent():
        futures = [hpyx.async_(ran.append, index) for index in range(count)]
        while len(ran) < count:
            threading.Event().wait(0.001)
        return len(futures)

    return hpyx.async_(parent).result()


def test_a_task_can_poll_for_many_short_tasks(one_worker):
    # A stand-in for the worker takes them one after the other, not one each time it is called.
    assert one_worker.call(scene_poll_for_many_short_tasks, 3_000) == 3_000


def scene_timeout_expires_in_task():
    """A task's wait for one that does not end times out; return the late result."""
    with Gate() as gate:

        def parent():
            child = hpyx.async_(gate, "late")
            gate.entered()
            try:
                child.result(timeout=0.05)
            except concurrent.futures.TimeoutError:
                return child
            return None

        child = hpyx.async_(parent).result()
    return child.result()


def test_a_timeout_inside_a_task_expires(one_worker):
    assert one_worker.call(scene_timeout_expires_in_task) == "late"


def scene_wait_for_running(timeout):
    """Task B waits for task A that runs already and needs a third task to go on."""
    release = threading.Event()
    started = threading.Event()

    def long_runner():
        started.set()
        return "a" if release.wait(sizes.PATIENCE) else "starved"

    def waiter(other):
        return other.result(timeout) + "b"

    first = hpyx.async_(long_runner)
    started.wait(sizes.PATIENCE)
    second = hpyx.async_(waiter, first)
    third = hpyx.async_(release.set)
    return second.result(), third.result()


@pytest.mark.parametrize("timeout", [None, 20.0])
@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_waiting_for_a_running_task_keeps_nobody_from_working(request, server, timeout):
    child = request.getfixturevalue(server)
    assert child.call(scene_wait_for_running, timeout) == ("ab", None)


def scene_diamond():
    """Many tasks wait for the same future, which is the last in the queue."""
    shared, ready = [], threading.Event()

    def waiter(index):
        ready.wait(sizes.PATIENCE)
        return shared[0].result() + index

    with Gate() as gate:
        hpyx.async_(gate)
        gate.entered()
        waiters = [hpyx.async_(waiter, index) for index in range(50)]
        shared.append(hpyx.async_(abs, -100))
        ready.set()
    return [future.result() for future in waiters]


@pytest.mark.parametrize("server", ["one_worker", "two_workers"])
def test_many_tasks_can_wait_for_the_same_future(request, server):
    child = request.getfixturevalue(server)
    assert child.call(scene_diamond) == list(range(100, 150))


def scene_deep_python_stack(frames, subtask_frames):
    """A task that is *frames* deep waits for a subtask that recurses *subtask_frames* deep."""

    def recurse(depth):
        return recurse(depth - 1) + 1 if depth else 0

    def dig(depth):
        if depth:
            return dig(depth - 1)
        return hpyx.async_(recurse, subtask_frames).result()

    return sys.getrecursionlimit(), hpyx.async_(dig, frames).result()


@pytest.mark.parametrize("frames", [50, 300, 700])
def test_a_subtask_has_room_to_recurse_however_deep_its_waiter_is(one_worker, frames):
    limit, depth = one_worker.call(scene_deep_python_stack, frames, 500)
    assert limit >= 1000 and depth == 500


def scene_deep_waiters_in_a_row(count):
    """Each of *count* nested waiters has a Python stack of its own before it waits."""

    def dig(depth, rest):
        if depth:
            return dig(depth - 1, rest)
        return hpyx.async_(dig, 60, rest - 1).result() + 1 if rest else 0

    return hpyx.async_(dig, 60, count).result()


def test_nested_waiters_with_stacks_of_their_own_stay_below_the_recursion_limit(one_worker):
    assert one_worker.call(scene_deep_waiters_in_a_row, 300) == 300


def scene_recursion_limit_is_given_back():
    """After deep waits, ordinary recursion reaches as far as before: return both depths."""

    def reach(depth=0):
        try:
            return reach(depth + 1)
        except RecursionError:
            return depth

    before = hpyx.async_(reach).result()
    scene_chain(500)
    scene_deep_waiters_in_a_row(50)
    return before, min(hpyx.async_(reach).result() for _ in range(20))


def test_waiting_uses_up_no_recursion_depth_for_later_tasks(one_worker):
    before, after = one_worker.call(scene_recursion_limit_is_given_back)
    assert after >= before // 2  # on PyPy a frame takes more or less stack as the JIT sees fit


def scene_no_threads_left():
    """Threads cannot be started any more; return the outcome of a chain of waits, or its error."""

    def refuse(*args, **kwargs):
        raise RuntimeError("can't start new thread")

    saved = []
    for module in (_thread, threading):
        for name in list(vars(module)):
            if name.lstrip("_") in ("start_new_thread", "start_new", "start_joinable_thread"):
                saved.append((module, name, getattr(module, name)))
                setattr(module, name, refuse)
    try:
        outcome = []
        for timeout in (None, 1.0):
            future = hpyx.async_(lambda t=timeout: hpyx.async_(abs, -1).result(t))
            done = wait_until(future.done)
            outcome.append(done and (future.exception() is not None or future.result() == 1))
        future = hpyx.async_(scene_chain_link, 500)
        wait_until(future.done)
        future.add_done_callback(lambda done: done.exception())  # or it would be logged as lost
        return outcome + [future.done()]
    finally:
        for module, name, function in saved:
            setattr(module, name, function)


def scene_chain_link(depth):
    return hpyx.async_(scene_chain_link, depth - 1).result() + 1 if depth else 0


def test_where_no_thread_can_be_started_waits_end_or_fail_but_never_hang(one_worker_no_growth):
    assert one_worker_no_growth.call(scene_no_threads_left) == [True, True, True]


def scene_callback_waits():
    """A callback that runs on the only worker waits for a task that is still queued."""
    outcome, called = [], threading.Event()
    with Gate() as gate:
        first = hpyx.async_(gate)
        gate.entered()
        second = hpyx.async_(abs, -5)
        first.add_done_callback(lambda _: (outcome.append(second.result()), called.set()))
    called.wait(sizes.PATIENCE)
    return outcome


def test_a_callback_can_wait_for_a_queued_task(one_worker):
    assert one_worker.call(scene_callback_waits) == [5]
