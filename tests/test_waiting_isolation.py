"""What a task that runs on top of a waiting one may not see, and what may not run there at all.

Traps: a task run inside a waiter's `except` block would inherit its exception; an unrelated task
run on top of a waiting one would re-enter its locks. All scenes run with one worker and with two.
"""

import concurrent.futures
import contextvars
import sys
import threading

import pytest

import hpyx
import sizes
from helpers import Gate

variable = contextvars.ContextVar("isolated", default="default")


@pytest.fixture(params=["one_worker", "two_workers"])
def child(request):
    return request.getfixturevalue(request.param)


def scene_exception_state():
    """A task waits inside its except block; return what the subtask and the waiter see there."""

    def subtask():
        seen = sys.exc_info() == (None, None, None)
        try:
            raise ValueError("subtask's")
        except ValueError as error:
            return seen, error.__context__ is None

    def waiter():
        try:
            raise KeyError("waiter's")
        except KeyError as error:
            seen = hpyx.async_(subtask).result()
            return seen, sys.exc_info()[1] is error

    return hpyx.async_(waiter).result()


def test_a_subtask_does_not_inherit_the_exception_its_waiter_handles(child):
    assert child.call(scene_exception_state) == ((True, True), True)


def scene_failing_subtask_in_except_block():
    """The subtask fails; return whether its exception was clean when it was captured."""
    captured = []

    def subtask():
        raise ValueError("subtask's")

    def waiter():
        try:
            raise KeyError("waiter's")
        except KeyError:
            future = hpyx.async_(subtask)
            error = future.exception()
            captured.append(error.__context__ is None)
            try:
                future.result()
            except ValueError as raised:
                captured.append(raised is error)
            captured.append(isinstance(sys.exc_info()[1], KeyError))
        captured.append(sys.exc_info() == (None, None, None))

    hpyx.async_(waiter).result()
    return captured


def test_a_failing_subtask_leaves_the_waiter_s_exception_in_place(child):
    assert child.call(scene_failing_subtask_in_except_block) == [True] * 4


def scene_generator_exception_state():
    """A generator of the waiter is suspended in its except block while the subtask runs."""

    def generator():
        try:
            raise KeyError("generator's")
        except KeyError:
            yield hpyx.async_(sys.exc_info).result()
            yield type(sys.exc_info()[1]).__name__

    return hpyx.async_(lambda: list(generator())).result()


def test_a_generator_that_waits_keeps_its_exception(child):
    assert child.call(scene_generator_exception_state) == [(None, None, None), "KeyError"]


def scene_generator_below_another_exception():
    """A generator waits in its except block, driven from another one; what is handled in each."""

    def generator():
        try:
            raise KeyError("generator's")
        except KeyError:
            hpyx.async_(int).result()
            yield type(sys.exc_info()[1]).__name__

    def waiter():
        try:
            raise ValueError("waiter's")
        except ValueError:
            return [*generator(), type(sys.exc_info()[1]).__name__]

    return hpyx.async_(waiter).result()


def test_a_generator_keeps_its_exception_below_that_of_its_caller(child):
    assert child.call(scene_generator_below_another_exception) == ["KeyError", "ValueError"]


def scene_context_variables():
    """Return what the waiter sees after its subtask has set the same variable."""

    def subtask():
        variable.set("subtask's")
        return variable.get()

    def waiter():
        variable.set("waiter's")
        return hpyx.async_(subtask).result(), variable.get()

    return hpyx.async_(waiter).result()


def test_a_subtask_does_not_change_the_context_of_its_waiter(child):
    assert child.call(scene_context_variables) == ("subtask's", "waiter's")


WAITS = {
    "result": lambda future: future.result(),
    "exception": lambda future: future.exception(),
    "result with timeout": lambda future: future.result(sizes.PATIENCE),
    "wait": lambda future: concurrent.futures.wait([future]),
    "as_completed": lambda future: list(concurrent.futures.as_completed([future])),
}


def scene_who_runs_on_top_of_whom(kind, rounds):
    """Tasks note on top of whom they run; return the cases other than their own parent.

    In each round, a parent waits for its child in the way *kind* while unrelated tasks are queued.
    """
    stack = threading.local()
    strangers = []

    def noted(name, allowed, body):
        below = stack.__dict__.setdefault("names", [])
        if not set(below) <= allowed:
            strangers.append((name, list(below)))
        below.append(name)
        try:
            return body()
        finally:
            below.pop()

    def parent(index):
        def wait():
            mine = hpyx.async_(noted, ("child", index), {("parent", index)}, int)
            WAITS[kind](mine)

        noted(("parent", index), set(), wait)

    def unrelated(index):
        noted(("unrelated", index), set(), int)

    with Gate() as gate:
        hpyx.async_(gate)
        gate.entered()
        futures = []
        for index in range(rounds):
            futures.append(hpyx.async_(parent, index))
            futures.extend(hpyx.async_(unrelated, index) for _ in range(3))
    for future in futures:
        future.result()
    return strangers


@pytest.mark.parametrize("kind", sorted(WAITS))
def test_nothing_unrelated_runs_on_top_of_a_waiting_task(child, kind):
    assert child.call(scene_who_runs_on_top_of_whom, kind, 20) == []


def scene_lock_held_while_waiting(kind, rounds):
    """Tasks that hold a plain lock while they wait; return whether all got it in turn."""
    lock, inside, overlaps = threading.Lock(), [], []

    def task(index):
        with lock:
            overlaps.extend(inside)
            inside.append(index)
            WAITS[kind](hpyx.async_(abs, -index))
            inside.remove(index)
        return index

    futures = [hpyx.async_(task, index) for index in range(rounds)]
    return [future.result() for future in futures] == list(range(rounds)) and not overlaps


@pytest.mark.parametrize("kind", sorted(WAITS))
def test_a_lock_held_while_waiting_is_never_asked_for_by_the_same_thread(child, kind):
    assert child.call(scene_lock_held_while_waiting, kind, 10)


def scene_reentrant_lock_held_while_waiting(rounds):
    """A task on top of an RLock's holder would get in silently; return the intrusions."""
    lock, depth, intrusions = threading.RLock(), [], []

    def task(index):
        with lock:
            intrusions.extend(depth)
            depth.append(index)
            hpyx.async_(abs, -index).result()
            depth.pop()

    for future in [hpyx.async_(task, index) for index in range(rounds)]:
        future.result()
    return intrusions


def test_a_reentrant_lock_protects_across_a_wait(child):
    assert child.call(scene_reentrant_lock_held_while_waiting, 30) == []


def scene_task_keeps_its_thread():
    """Return whether a waiter goes on in the thread in which it started, with its own locals."""
    local = threading.local()

    def waiter(index):
        local.index = index
        before = threading.get_ident()
        hpyx.async_(abs, -1).result()
        hpyx.async_(abs, -1).result(sizes.PATIENCE)
        return before == threading.get_ident() and local.index == index

    return all(hpyx.async_(waiter, index).result() for index in range(20))


def test_a_waiting_task_goes_on_in_its_own_thread(child):
    assert child.call(scene_task_keeps_its_thread)
