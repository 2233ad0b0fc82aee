"""hpyx.as_completed in threads: order, duplicates, time-outs, other futures, waits in tasks."""

import asyncio
import concurrent.futures
import gc
import sys
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, all_dead, parallel, wait_until
from hpyx import _as_completed
from skips import needs


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def test_futures_come_in_the_order_in_which_they_end():
    gates = [Gate(), Gate()]
    futures = [hpyx.async_(gate, index) for index, gate in enumerate(gates)]
    for gate in gates:
        gate.entered()
    completed = hpyx.as_completed(futures, timeout=sizes.PATIENCE)
    for index in (1, 0):
        gates[index].open()
        assert next(completed).result() == index
    assert list(completed) == []


def test_every_future_comes_once():
    futures = [hpyx.async_(abs, -index) for index in range(sizes.MANY)]
    seen = list(hpyx.as_completed(futures + futures[:10]))
    assert sorted(future.result() for future in seen) == list(range(sizes.MANY))
    assert list(hpyx.as_completed([])) == []


def test_failed_and_cancelled_futures_come_too(held):
    cancelled, failing = hpyx.async_(abs, -1), hpyx.async_(int, "x")
    completed = hpyx.as_completed([cancelled, failing], timeout=sizes.PATIENCE)
    cancelled.cancel()
    assert next(completed) is cancelled
    held.open()
    assert isinstance(next(completed).exception(), ValueError)


def test_futures_of_several_kinds_mix(threads):
    manual = concurrent.futures.Future()
    futures = [hpyx.async_(abs, -1), threads.submit(abs, -2), hpyx.ready_future(3), manual]
    completed = hpyx.as_completed(futures, timeout=sizes.PATIENCE)
    assert sorted(next(completed).result() for _ in range(3)) == [1, 2, 3]
    manual.set_result(4)
    assert [future.result() for future in completed] == [4]


def test_the_time_is_counted_from_the_call_and_the_rest_is_told(held):
    pending, ready = hpyx.async_(abs, -1), hpyx.ready_future(1)
    completed = hpyx.as_completed([pending, ready], timeout=0.01)
    assert next(completed) is ready
    with pytest.raises(concurrent.futures.TimeoutError, match=r"^1 \(of 2\) futures unfinished$"):
        next(completed)
    assert list(completed) == []
    assert not pending.cancelled()


def test_what_is_done_comes_even_when_the_time_is_over(held):
    ready = [hpyx.ready_future(index) for index in range(3)]
    completed = hpyx.as_completed([*ready, hpyx.async_(abs, -1)], timeout=0)
    assert [next(completed) for _ in range(3)] == ready
    with pytest.raises(concurrent.futures.TimeoutError):
        next(completed)


def test_closing_the_iterator_ends_it_and_cancels_nothing(held):
    futures = [hpyx.async_(abs, -index) for index in range(3)]
    completed = hpyx.as_completed([hpyx.ready_future(1), *futures])
    next(completed)
    completed.close()
    assert list(completed) == []
    held.open()
    assert [future.result() for future in futures] == [0, 1, 2]


def test_an_abandoned_iterator_keeps_no_future_alive():
    with Gate() as gate:
        lasting = hpyx.async_(gate)
        completed = hpyx.as_completed([lasting, hpyx.async_(Thing)])
        next(completed)
        quick = hpyx.async_(Thing)
        completed = hpyx.as_completed([lasting, quick])
        taken = next(completed)
        assert taken is quick
        references = [weakref.ref(quick.result())]
        del quick, taken, completed
        hpyx.async_(gc.collect).result()
        assert all_dead(references)


def test_a_lasting_future_forgets_the_iterators_that_were_abandoned(monkeypatch):
    references = []

    class Inbox(_as_completed.Inbox):
        def __init__(self):
            super().__init__()
            references.append(weakref.ref(self))

    monkeypatch.setattr(_as_completed, "Inbox", Inbox)
    with Gate() as gate:
        lasting = hpyx.async_(gate)
        for _ in range(300):
            completed = hpyx.as_completed([lasting, hpyx.ready_future(1)])
            assert next(completed).result() == 1
            completed.close()
        del completed
        gc.collect()
        gc.collect()
        assert len(references) == 300
        assert sum(reference() is not None for reference in references) < 50


@pytest.mark.parametrize("closes", [True, pytest.param(False, marks=needs("finalizers"))])
def test_a_lasting_future_of_another_library_forgets_them_too(closes):
    lasting = concurrent.futures.Future()
    for _ in range(100):
        completed = hpyx.as_completed([lasting, hpyx.ready_future(1)])
        assert next(completed).result() == 1
        if closes:
            completed.close()
    del completed
    gc.collect()
    assert wait_until(lambda: len(lasting._done_callbacks) == 0)
    completed = hpyx.as_completed([lasting])
    lasting.set_result("at last")
    assert [future.result() for future in completed] == ["at last"]


@pytest.mark.parametrize("wrong", [7, abs, None])
def test_what_is_no_future_is_refused_at_the_call(wrong):
    with pytest.raises(TypeError, match="takes futures"):
        hpyx.as_completed([hpyx.ready_future(1), wrong])


def test_futures_of_asyncio_are_for_async_for_only():
    async def main():
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(TypeError, match="async for"):
            next(hpyx.as_completed([future]))

    asyncio.run(main())


def test_waits_that_come_just_as_tasks_end_miss_nothing():
    def race(_):
        for index in range(sizes.RACES // 8):
            futures = [hpyx.async_(abs, -index), hpyx.async_(abs, -index)]
            completed = hpyx.as_completed(futures, timeout=sizes.PATIENCE)
            if [future.result() for future in completed] != [index, index]:
                return "missed"
        return "all seen"

    assert parallel(race, 4) == ["all seen"] * 4


def scene_inside_a_task(count):
    def total(depth):
        if not depth:
            return 1
        futures = [hpyx.async_(total, depth - 1) for _ in range(count)]
        return sum(future.result() for future in hpyx.as_completed(futures))

    return hpyx.async_(total, 3).result()


def test_waiting_inside_tasks_never_deadlocks(one_worker_no_growth):
    assert one_worker_no_growth.call(scene_inside_a_task, 4) == 64


class Interrupted(Exception):
    pass


def test_what_a_signal_handler_raises_comes_out_and_loses_no_future():
    def interrupt(frame, event, _):  # as a signal handler that runs there would
        if event == "call" and frame.f_code.co_name == "put":
            sys.setprofile(None)
            raise Interrupted

    futures = [hpyx.ready_future(number) for number in range(3)]
    sys.setprofile(interrupt)
    try:
        with pytest.raises(Interrupted):
            list(hpyx.as_completed(futures, timeout=1))
    finally:
        sys.setprofile(None)


def test_a_failure_that_as_completed_has_shown_is_not_lost(caplog):
    failed = hpyx.async_(int, "no number")
    concurrent.futures.wait([failed])
    assert list(hpyx.as_completed([failed])) == [failed]
    del failed
    gc.collect()
    hpyx.async_(abs, -1).result()
    gc.collect()
    assert caplog.records == []
