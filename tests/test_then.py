"""Future.then: a chain of calls, each on a worker once the one before has a value.

The workers of this process are held at a gate where a source must stay pending.
"""

import concurrent.futures
import contextvars
import threading

import pytest

import hpyx
import sizes
from child import run_clean, run_clean_life
from helpers import Gate, parallel


class Failure(Exception):
    pass


def fail():
    raise Failure("upstream")


def test_the_callable_gets_the_resolved_future():
    source = hpyx.async_(abs, -3)
    seen = []
    assert source.then(lambda done: seen.append(done) or done.result() + 1).result() == 4
    assert seen == [source]


def test_links_can_be_chained():
    future = hpyx.async_(lambda: 10).then(lambda f: f.result() * 2).then(lambda f: f.result() + 1)
    assert future.result() == 21


def test_a_source_that_is_done_already_will_do():
    source = hpyx.async_(abs, -1)
    source.result()
    assert source.then(lambda f: f.result() + 1).result() == 2
    assert hpyx.ready_future(5).then(lambda f: f.result() * 2).result() == 10


def test_the_callable_runs_on_a_worker():
    future = hpyx.ready_future(1).then(lambda f: hpyx.debug.get_worker_thread_id())
    assert future.result() in range(2)


def test_the_new_future_is_pending_until_its_source_is_done(held):
    source = hpyx.async_(abs, -1)
    future = source.then(lambda f: f.result())
    assert not future.done() and not future.running() and not future.cancelled()
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(timeout=0)
    held.open()
    assert future.result() == 1


def test_several_continuations_of_one_future_all_run(held):
    source = hpyx.async_(abs, -1)
    futures = [source.then(lambda f, i=i: f.result() + i) for i in range(20)]
    held.open()
    assert [future.result() for future in futures] == list(range(1, 21))


def test_a_failure_passes_on_and_the_callable_is_never_called():
    called = []
    source = hpyx.async_(fail)
    future = source.then(called.append).then(called.append)
    with pytest.raises(Failure, match="upstream"):
        future.result()
    assert future.exception() is source.exception()
    assert called == []


def test_what_the_callable_raises_is_the_outcome():
    future = hpyx.ready_future(1).then(lambda f: f.result() / 0)
    with pytest.raises(ZeroDivisionError):
        future.result()


def test_cancelling_the_source_cancels_what_depends_on_it(held):
    source = hpyx.async_(abs, -1)
    future = source.then(lambda f: f.result())
    last = future.then(lambda f: f.result())
    assert source.cancel()
    assert future.cancelled() and last.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        last.result()


def test_cancelling_a_continuation_leaves_its_source_alone(held):
    source = hpyx.async_(abs, -1)
    called = []
    future = source.then(called.append)
    last = future.then(called.append)
    assert future.cancel() and future.cancel()
    assert future.cancelled() and last.cancelled() and not source.done()
    held.open()
    assert source.result() == 1
    assert called == []


def test_a_waiting_continuation_wakes_who_waits_for_it_when_cancelled(held):
    future = hpyx.async_(abs, -1).then(abs)
    outcome = []

    def wait():
        try:
            future.result()
        except concurrent.futures.CancelledError as error:
            outcome.append(type(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    future.cancel()
    waiter.join(sizes.PATIENCE)
    assert outcome == [concurrent.futures.CancelledError]


def test_callbacks_of_a_continuation_are_called(held):
    source = hpyx.async_(abs, -1)
    seen, last = [], threading.Event()
    future = source.then(lambda f: f.result() + 1)
    future.add_done_callback(lambda done: seen.append(done.result()))
    future.add_done_callback(lambda _: last.set())
    held.open()
    assert hpyx.when_all(future).result() == (2,)
    assert last.wait(sizes.PATIENCE)  # a future is done before its callbacks are called
    assert seen == [2]


def test_the_callable_sees_the_context_variables_of_the_caller():
    variable = contextvars.ContextVar("variable")

    def link():
        variable.set("the caller's")
        return hpyx.ready_future(1).then(lambda f: variable.get())

    future = contextvars.copy_context().run(link)
    assert future.result() == "the caller's"


@pytest.mark.parametrize("arguments", [(), (1,), (None,), (abs, abs)])
def test_something_else_than_one_callable_is_a_type_error(arguments):
    with pytest.raises(TypeError):
        hpyx.ready_future(1).then(*arguments)


def test_share_is_the_future_itself():
    future = hpyx.async_(abs, -2)
    assert future.share() is future
    assert future.share().result() == future.share().result() == 2


def test_a_deep_chain_neither_recurses_nor_gets_lost(held):
    future = hpyx.async_(abs, -1)
    for _ in range(sizes.DEEP_CHAIN):
        future = future.then(lambda f: f.result() + 1)
    held.open()
    assert future.result() == 1 + sizes.DEEP_CHAIN


def test_a_failure_goes_down_a_deep_chain_without_recursion(held):
    future = source = hpyx.async_(fail)
    for _ in range(sizes.DEEP_CHAIN):
        future = future.then(abs)
    held.open()
    assert future.exception() is source.exception()


def test_a_cancellation_goes_down_a_deep_chain_without_recursion(held):
    future = source = hpyx.async_(abs, -1)
    for _ in range(sizes.DEEP_CHAIN):
        future = future.then(abs)
    assert source.cancel()
    assert future.cancelled()


def scene_chain_of_waits(length):
    """With one worker, inside a task: wait for the end of a chain that has not begun."""

    def task():
        future = hpyx.async_(abs, -1)
        for _ in range(length):
            future = future.then(lambda f: f.result() + 1)
        return future.result()

    return hpyx.async_(task).result()


def test_a_task_may_wait_for_a_chain_with_one_worker(one_worker):
    assert one_worker.call(scene_chain_of_waits, 100) == 101


def test_links_made_while_the_source_ends_all_run():
    def race(index):
        source = hpyx.async_(abs, -index)
        return sum(source.then(lambda f: f.result()).result() for _ in range(5))

    for _ in range(sizes.RACES // 50):
        assert parallel(race, 4) == [0, 5, 10, 15]


def test_cancel_and_the_end_of_the_source_exclude_each_other():
    for _ in range(sizes.RACES // 20):
        with Gate() as gate:
            source = hpyx.async_(gate, 1)
            gate.entered()
            future = source.then(lambda f: f.result())
            _, cancelled = parallel(lambda i, f=future: (gate.open, f.cancel)[i](), 2)
            try:
                assert future.result(sizes.PATIENCE) == 1 and not cancelled
            except concurrent.futures.CancelledError:
                assert cancelled


def test_chains_are_finished_at_exit():
    script = """
        import threading, hpyx
        hpyx.init(os_threads=2)
        exiting = threading.Event()
        threading._register_atexit(exiting.set)
        future = hpyx.async_(exiting.wait)
        for _ in range(50):
            future = future.then(lambda f: f.result())
        future.then(lambda f: print("end of the chain", flush=True))
    """
    assert run_clean(script) == "end of the chain\n"


def test_then_after_shutdown_says_so():
    script = """
        import hpyx
        future = hpyx.async_(abs, -1)
        future.result()
        hpyx.shutdown()
        try:
            future.then(print)
        except RuntimeError as error:
            print("shut down" in str(error))
    """
    assert run_clean_life(script) == "True\n"
