"""when_all, when_any, dataflow, shared_future, and the raw layer hpyx._core.futures.

The workers of this process are held at a gate where sources must stay pending; a source that the
test ends by hand is a concurrent.futures.Future.
"""

import asyncio
import concurrent.futures
import gc
import threading
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, all_dead, parallel
from hpyx._core import futures as core_futures

StdlibFuture = concurrent.futures.Future


class Failure(Exception):
    pass


def fail(text="upstream"):
    raise Failure(text)


def ended_by_hand(count):
    return [StdlibFuture() for _ in range(count)]


# when_all


def test_when_all_gives_the_results_in_the_order_of_its_inputs():
    assert hpyx.when_all(*(hpyx.async_(abs, -i) for i in range(50))).result() == tuple(range(50))


def test_when_all_of_nothing_is_an_empty_tuple():
    assert hpyx.when_all().result() == ()


def test_when_all_of_done_futures_is_done_at_once(held):
    future = hpyx.when_all(hpyx.ready_future(1), hpyx.ready_future(2))
    assert future.done() and future.result() == (1, 2)


def test_when_all_waits_for_the_last_one():
    first, second = ended_by_hand(2)
    future = hpyx.when_all(first, second)
    second.set_result("b")
    assert not future.done()
    first.set_result("a")
    assert future.result() == ("a", "b")


def test_when_all_takes_a_future_twice():
    future = hpyx.async_(abs, -1)
    assert hpyx.when_all(future, future).result() == (1, 1)


def test_the_first_failure_decides_when_all_before_the_others_are_done():
    first, second, third = ended_by_hand(3)
    future = hpyx.when_all(first, second, third)
    second.set_exception(Failure("second"))
    assert future.done()
    first.set_exception(Failure("first"))
    third.set_result(3)
    with pytest.raises(Failure, match="second"):
        future.result()


def test_a_cancelled_input_cancels_when_all():
    first, second = ended_by_hand(2)
    future = hpyx.when_all(first, second)
    first.cancel()
    first.set_running_or_notify_cancel()
    assert future.cancelled()


def test_cancelling_when_all_leaves_its_inputs_alone(held):
    sources = [hpyx.async_(abs, -1) for _ in range(3)]
    future = hpyx.when_all(*sources)
    assert future.cancel() and future.cancelled()
    held.open()
    assert [source.result() for source in sources] == [1, 1, 1]


# when_any


def test_when_any_tells_the_index_and_gives_back_what_it_was_given():
    sources = ended_by_hand(3)
    future = hpyx.when_any(*sources)
    assert not future.done()
    sources[1].set_result("fast")
    index, futures = future.result()
    assert index == 1 and futures == sources and futures[index].result() == "fast"


def test_when_any_of_done_futures_is_the_first_of_them(held):
    pending = hpyx.async_(abs, -1)
    index, futures = hpyx.when_any(pending, hpyx.ready_future(1), hpyx.ready_future(2)).result()
    assert index == 1 and futures[0] is pending


def test_an_input_that_fails_is_done_too():
    sources = ended_by_hand(2)
    future = hpyx.when_any(*sources)
    sources[1].set_exception(Failure("fast"))
    index, futures = future.result()
    with pytest.raises(Failure, match="fast"):
        futures[index].result()


def test_when_any_passes_over_a_cancelled_input_unless_all_are():
    sources = ended_by_hand(2)
    future, other = hpyx.when_any(*sources), hpyx.when_any(sources[0])
    sources[0].cancel()
    sources[0].set_running_or_notify_cancel()
    assert other.cancelled() and not future.done()
    sources[1].set_result(2)
    assert future.result()[0] == 1


def test_when_any_without_inputs_is_a_value_error():
    with pytest.raises(ValueError, match=r"when_any\(\*futures\)"):
        hpyx.when_any()


# dataflow


def test_dataflow_calls_with_the_results():
    sources = [hpyx.async_(abs, -i) for i in range(4)]
    assert hpyx.dataflow(lambda *args: args, *sources).result() == (0, 1, 2, 3)


def test_dataflow_passes_other_values_on_and_resolves_keywords():
    def combine(a, b, *, scale=1, offset=0):
        return (a + b) * scale + offset

    source = hpyx.async_(abs, -2)
    future = hpyx.dataflow(combine, source, 3, scale=hpyx.async_(abs, -10), offset=1)
    assert future.result() == 51


def test_dataflow_without_futures_is_a_task():
    assert hpyx.dataflow(lambda: hpyx.debug.get_worker_thread_id()).result() in range(2)
    assert hpyx.dataflow(dict, a=1).result() == {"a": 1}


def test_dataflow_leaves_futures_inside_containers_alone():
    source = hpyx.async_(abs, -1)
    assert hpyx.dataflow(lambda items: items[0] is source, [source]).result()


def test_a_failed_input_passes_on_and_the_function_is_never_called():
    called = []
    future = hpyx.dataflow(called.append, hpyx.async_(fail), hpyx.ready_future(1))
    with pytest.raises(Failure, match="upstream"):
        future.result()
    assert called == []


def test_a_cancelled_input_cancels_dataflow(held):
    source = hpyx.async_(abs, -1)
    future = hpyx.dataflow(abs, source)
    assert source.cancel() and future.cancelled()


def test_what_the_function_of_a_dataflow_raises_is_the_outcome():
    with pytest.raises(Failure, match="downstream"):
        hpyx.dataflow(fail, hpyx.ready_future("downstream")).result()


@pytest.mark.parametrize("arguments", [(), (1,), (hpyx.ready_future(1), abs)])
def test_dataflow_wants_a_callable_first(arguments):
    with pytest.raises(TypeError):
        hpyx.dataflow(*arguments)


def test_a_tree_of_dataflows_sums_up_with_one_worker(one_worker):
    assert one_worker.call(scene_tree, 8) == 2**8


def scene_tree(depth):
    futures = [hpyx.async_(abs, -1) for _ in range(2**depth)]
    while len(futures) > 1:
        pairs = zip(futures[::2], futures[1::2])
        futures = [hpyx.dataflow(lambda a, b: a + b, left, right) for left, right in pairs]
    return futures[0].result()


# what all of them share


@pytest.mark.parametrize("combinator", [hpyx.when_all, hpyx.when_any, hpyx.shared_future])
def test_what_is_no_future_is_a_type_error_that_names_it(combinator):
    with pytest.raises(TypeError, match=r"takes (a )?futures?, not int"):
        combinator(3)
    with pytest.raises(TypeError, match="not list"):
        combinator([hpyx.ready_future(1)])


def test_shared_future_is_the_future_itself():
    future = hpyx.async_(abs, -9)
    assert hpyx.shared_future(future) is future


def test_a_shared_view_of_a_stdlib_future_follows_it():
    value, error, cancelled = ended_by_hand(3)
    views = [hpyx.shared_future(future) for future in (value, error, cancelled)]
    assert all(view.running() and not view.cancel() for view in views)
    value.set_result(1)
    error.set_exception(Failure("theirs"))
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()
    assert views[0].result() == 1
    assert views[1].exception() is error.exception()
    assert views[2].cancelled()


class Unreadable(concurrent.futures.Future):
    def exception(self, timeout=None):
        raise Failure("unreadable")


def test_a_future_of_another_class_that_cannot_be_read_fails_what_depends_on_it():
    theirs = Unreadable()
    total = hpyx.when_all(theirs, hpyx.ready_future(1))
    theirs.set_result(2)
    assert str(total.exception(sizes.PATIENCE)) == "unreadable"


@pytest.mark.parametrize(
    "combine",
    [hpyx.when_all, hpyx.when_any, lambda f: hpyx.dataflow(abs, f), lambda f: f.then(abs)],
)
def test_what_no_submission_made_is_refused(combine):
    with pytest.raises(TypeError, match=r"cannot be created|not safe"):
        combine(concurrent.futures.Future.__new__(hpyx.Future))


def test_asyncio_futures_are_inputs_too():
    async def main():
        loop = asyncio.get_running_loop()
        theirs, task = loop.create_future(), loop.create_task(asyncio.sleep(0, "slept"))
        future = hpyx.when_all(theirs, task, hpyx.async_(abs, -1))
        theirs.set_result("theirs")
        return await future

    assert asyncio.run(main()) == ("theirs", "slept", 1)


def test_an_asyncio_future_may_be_given_from_another_thread():
    async def main():
        loop = asyncio.get_running_loop()
        theirs = loop.create_future()
        future = await loop.run_in_executor(None, hpyx.when_all, theirs)
        theirs.set_result("theirs")
        return await future

    assert asyncio.run(main()) == ("theirs",)


def test_combinators_combine():
    ones = hpyx.when_all(*(hpyx.async_(abs, -1) for _ in range(10)))
    twos = ones.then(lambda f: [2 * one for one in f.result()])
    total = hpyx.dataflow(lambda ones, twos: sum(ones) + sum(twos), ones, twos)
    index, futures = hpyx.when_any(total).result()
    assert futures[index].result() == 30


def test_a_deep_chain_of_when_all_neither_recurses_nor_gets_lost():
    source = StdlibFuture()
    future = hpyx.when_all(source)
    for _ in range(sizes.DEEP_CHAIN // 10):
        future = hpyx.when_all(future)
    source.set_result("core")
    depth, result = 0, future.result()
    while result != "core":
        (result,) = result
        depth += 1
    assert depth == 1 + sizes.DEEP_CHAIN // 10


def test_inputs_that_end_at_the_same_time_end_the_result_once():
    for _ in range(sizes.RACES // 50):
        sources = ended_by_hand(4)
        everything, anything = hpyx.when_all(*sources), hpyx.when_any(*sources)
        seen = []
        everything.add_done_callback(seen.append)
        anything.add_done_callback(seen.append)
        parallel(lambda i, sources=sources: sources[i].set_result(i), 4)
        assert everything.result() == (0, 1, 2, 3)
        assert anything.result()[0] in range(4)
        assert sorted(map(id, seen)) == sorted(map(id, (everything, anything)))


def test_results_and_inputs_are_let_go():
    thing = Thing()
    alive = weakref.ref(thing)
    source = hpyx.async_(lambda thing: thing, thing)
    both = hpyx.when_all(source, hpyx.dataflow(lambda t: t, source))
    assert both.result() == (thing, thing)
    del thing, source, both
    hpyx.async_(abs, -1).result()
    assert all_dead([alive])


@pytest.mark.parametrize("combine", [hpyx.when_any, hpyx.when_all, lambda f, _: f.then(abs)])
def test_a_future_that_is_slow_to_end_does_not_keep_what_no_longer_waits_for_it(combine):
    with Gate() as gate:
        slow, refs = hpyx.async_(gate), []
        for _ in range(200):
            future = combine(slow, hpyx.ready_future("quick"))
            future.cancel()
            assert future.done()
            refs.append(weakref.ref(future))
            del future
        gc.collect()
        gc.collect()
        assert sum(ref() is not None for ref in refs) < 50


def test_a_long_chain_that_nobody_will_ever_end_is_let_go(two_workers):
    two_workers.call(scene_abandoned_chain, sizes.DEEP_CHAIN)


def scene_abandoned_chain(length):
    source = StdlibFuture()
    future = hpyx.when_all(source)
    for _ in range(length):
        future = future.then(abs)
    del source, future
    gc.collect()
    gc.collect()
    return hpyx.async_(abs, -1).result()


def test_waiting_for_a_combination_inside_a_task_works_with_one_worker(one_worker):
    assert one_worker.call(scene_wait_inside, 30) == 30 * 2


def scene_wait_inside(count):
    def task():
        parts = [hpyx.async_(abs, -1).then(lambda f: f.result() + 1) for _ in range(count)]
        return sum(hpyx.when_all(*parts).result())

    return hpyx.async_(task).result()


# the raw layer


def test_the_raw_layer_takes_lists_and_dictionaries():
    first = core_futures.async_submit(lambda: 1, (), {})
    second = core_futures.async_submit(pow, (2, 3))
    assert isinstance(first, core_futures.HPXFuture) and isinstance(second, hpyx.Future)
    assert core_futures.when_all([first, second]).result() == (1, 8)
    index, futures = core_futures.when_any([core_futures.ready_future("fast")]).result()
    assert (index, futures[0].result()) == (0, "fast")
    scaled = core_futures.dataflow
    total = scaled(lambda a, b, scale: (a + b) * scale, [first, second], {"scale": 2})
    assert total.result() == 18
    assert core_futures.shared_future(total) is total


def test_when_any_of_nothing_never_ends_in_the_raw_layer_but_can_be_cancelled():
    future = core_futures.when_any([])
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(timeout=0)
    assert future.cancel() and future.cancelled()


def test_threads_may_link_to_one_source_while_it_ends():
    def link(index):
        return hpyx.dataflow(lambda a, b: a + b, source, index).result()

    for _ in range(sizes.RACES // 100):
        started = threading.Event()
        source = hpyx.async_(started.wait)
        started.set()
        assert parallel(link, 4) == [1, 2, 3, 4]
