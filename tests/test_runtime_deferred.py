"""HPYX_ASYNC_MODE=deferred: a task of async_ runs in the thread that asks for its result.

Whatever is attached to such a future (a callback, a combinator, a waiter of the standard library)
makes it an ordinary task. All of it runs in one child, with one worker.
"""

import asyncio
import concurrent.futures
import threading
import weakref

import pytest

import hpyx
import sizes
from child import Server, run_clean, run_clean_life, run_life
from helpers import Thing, all_dead, parallel

DEFERRED = {"HPYX_ASYNC_MODE": "deferred"}


@pytest.fixture(scope="module")
def deferred():
    server = Server(env=DEFERRED, os_threads=1)
    yield server
    server.close()


def runs_in_the_thread_that_asks():
    me = threading.get_ident()
    assert hpyx.debug.configuration().async_mode == "deferred"
    assert hpyx.async_(threading.get_ident).result() == me
    assert hpyx.async_(threading.get_ident).result(timeout=sizes.PATIENCE) == me
    future = hpyx.async_(threading.get_ident)
    assert future.exception() is None and future.result() == me
    assert hpyx.async_(hpyx.debug.get_worker_thread_id).result() == -1


def test_the_task_runs_in_the_thread_that_asks(deferred):
    deferred.call(runs_in_the_thread_that_asks)


def is_not_done_until_somebody_asks():
    ran = []
    future = hpyx.async_(ran.append, 1)
    threading.Event().wait(0.05)  # nothing to wait for: what must not happen has had its chance
    assert not future.done() and not future.running() and ran == []
    assert "pending" in repr(future)
    future.result()
    assert future.done() and ran == [1]
    future.result()
    assert ran == [1]


def test_it_is_not_done_until_somebody_asks(deferred):
    deferred.call(is_not_done_until_somebody_asks)


def raises_and_cancels():
    failed = hpyx.async_(int, "x")
    with pytest.raises(ValueError):
        failed.result()
    try:
        raise KeyError("being handled")
    except KeyError:
        inside = hpyx.async_(int, "y").exception()
    assert isinstance(inside, ValueError) and inside.__context__ is None
    cancelled = hpyx.async_(int, "1")
    assert cancelled.cancel() and cancelled.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        cancelled.result()


def test_exceptions_and_cancelling_are_as_ever(deferred):
    deferred.call(raises_and_cancels)


def fib(n):
    return n if n < 2 else hpyx.async_(fib, n - 1).result() + hpyx.async_(fib, n - 2).result()


def chain(n):
    return 0 if n == 0 else 1 + hpyx.async_(chain, n - 1).result()


def nests():
    assert hpyx.async_(fib, 12).result() == 144
    assert hpyx.async_(chain, 2000).result() == 2000


def test_nesting_is_bounded_by_no_stack(deferred):
    deferred.call(nests)


def is_asked_by_many():
    calls = []
    future = hpyx.async_(calls.append, 1)
    parallel(lambda _: future.result(sizes.PATIENCE), 8)
    assert calls == [1]


def test_many_askers_run_it_once(deferred):
    deferred.call(is_asked_by_many)


def worker_id(*_):
    return hpyx.debug.get_worker_thread_id()


def becomes_a_task():
    told = threading.Event()
    future = hpyx.async_(worker_id)
    future.add_done_callback(lambda _: told.set())
    assert told.wait(sizes.PATIENCE) and future.result() == 0

    futures = [hpyx.async_(worker_id) for _ in range(5)]
    done, pending = concurrent.futures.wait(futures, timeout=sizes.PATIENCE)
    assert len(done) == 5 and not pending
    futures = [hpyx.async_(worker_id) for _ in range(5)]
    assert len(list(concurrent.futures.as_completed(futures, sizes.PATIENCE))) == 5
    futures = [hpyx.async_(worker_id) for _ in range(5)]
    assert len(list(hpyx.as_completed(futures, timeout=sizes.PATIENCE))) == 5

    async def awaits():
        return await hpyx.async_(abs, -1), await asyncio.wrap_future(hpyx.async_(abs, -2))

    assert asyncio.run(awaits()) == (1, 2)


def test_callbacks_and_waiters_make_it_an_ordinary_task(deferred):
    deferred.call(becomes_a_task)


def combines():
    one, two = hpyx.async_(abs, -1), hpyx.async_(abs, -2)
    assert hpyx.when_all(one, two).result(sizes.PATIENCE) == (1, 2)
    assert hpyx.async_(abs, -3).then(lambda f: f.result() + 1).result(sizes.PATIENCE) == 4
    assert hpyx.dataflow(max, hpyx.async_(abs, -5), 3).result(sizes.PATIENCE) == 5
    index, futures = hpyx.when_any(hpyx.async_(abs, -6)).result(sizes.PATIENCE)
    assert futures[index].result() == 6


def test_combinators_work(deferred):
    deferred.call(combines)


def executes():
    with hpyx.HPXExecutor() as executor:
        ran = [executor.submit(worker_id) for _ in range(5)]
        assert list(executor.map(abs, [-1, -2])) == [1, 2]
    assert all(future.done() for future in ran) and {f.result() for f in ran} == {0}


def test_executors_run_what_they_are_given_as_ever(deferred):
    deferred.call(executes)


def is_collected():
    things = [Thing() for _ in range(3)]
    references = [weakref.ref(thing) for thing in things]
    unasked, cyclic = hpyx.async_(id, things[0]), hpyx.async_(id, things[1])
    things[1].future = cyclic
    del unasked, cyclic, things
    assert all_dead(references)


def test_one_that_nobody_asks_for_is_freed_with_its_arguments(deferred):
    deferred.call(is_collected)


def test_the_process_ends_without_running_what_nobody_asked_for():
    script = """
        import hpyx
        future = hpyx.async_(print, "asked for by nobody")
        asked = hpyx.async_(print, "asked for")
        asked.result()
    """
    assert run_clean(script, env=DEFERRED) == "asked for\n"


def test_after_shutdown_who_asks_still_gets_the_result():
    script = """
        import hpyx
        future = hpyx.async_(abs, -1)
        hpyx.shutdown()
        print(future.result())
    """
    assert run_clean_life(script, env=DEFERRED) == "1\n"


def test_async_is_the_default_and_can_be_asked_for():
    script = """
        import hpyx
        print(hpyx.debug.configuration().async_mode, hpyx.async_(
            hpyx.debug.get_worker_thread_id).result() >= 0)
    """
    for env in ({}, {"HPYX_ASYNC_MODE": ""}, {"HPYX_ASYNC_MODE": "async"}):
        assert run_clean_life(script, env=env) == "async True\n"


def test_another_mode_is_refused_and_the_variable_named():
    result = run_life("import hpyx; hpyx.init()", env={"HPYX_ASYNC_MODE": "lazy"})
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 1 and last.startswith("ValueError")
    assert "HPYX_ASYNC_MODE" in last and "lazy" in last and "deferred" in last
