"""Our futures and executor in the hands of the standard library: wait, as_completed, asyncio.

The stdlib reads ``_condition``, ``_waiters`` and ``_state`` of a future; these come to life when it
does. Nothing in the stdlib may notice a difference, also where both kinds of future are mixed.
"""

import asyncio
import concurrent.futures
import threading

import pytest

import hpyx
import sizes
from helpers import Gate, parallel, wait_until


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield pool


def test_wait_returns_when_all_are_done(threads):
    futures = [hpyx.async_(abs, -index) for index in range(50)]
    futures += [threads.submit(abs, -index) for index in range(50)]
    done, not_done = concurrent.futures.wait(futures, timeout=sizes.PATIENCE)
    assert done == set(futures) and not not_done


def test_wait_returns_with_the_first_that_is_done(threads):
    with Gate() as gate:
        slow, other = hpyx.async_(gate), threads.submit(gate)
        gate.entered(2)
        quick = hpyx.async_(abs, -1)
        done, not_done = concurrent.futures.wait(
            [slow, other, quick], return_when=concurrent.futures.FIRST_COMPLETED
        )
        assert (done, not_done) == ({quick}, {slow, other})


def test_wait_returns_with_the_first_that_failed(threads):
    with Gate() as gate:
        slow, other = hpyx.async_(gate), threads.submit(gate)
        gate.entered(2)
        failed = hpyx.async_(int, "x")
        done, not_done = concurrent.futures.wait(
            [slow, other, failed], return_when=concurrent.futures.FIRST_EXCEPTION
        )
        assert failed in done and not_done == {slow, other}


def test_wait_times_out_with_what_is_not_done(held):
    pending, ready = hpyx.async_(abs, -1), hpyx.ready_future(1)
    done, not_done = concurrent.futures.wait([pending, ready], timeout=0.01)
    assert (done, not_done) == ({ready}, {pending})


def test_wait_counts_a_cancelled_future_as_done(held):
    future = hpyx.async_(abs, -1)
    future.cancel()
    held.open()
    done, not_done = concurrent.futures.wait([future], timeout=sizes.PATIENCE)
    assert (done, not_done) == ({future}, set())


def test_wait_sees_a_cancellation_that_comes_while_it_waits(held):
    future, result = hpyx.async_(abs, -1), []
    waiter = threading.Thread(
        target=lambda: result.append(concurrent.futures.wait([future], sizes.PATIENCE))
    )
    waiter.start()
    assert future.cancel()
    held.open()
    waiter.join(2 * sizes.PATIENCE)
    assert result[0].done == {future}


def test_as_completed_yields_in_the_order_of_completion():
    gates = [Gate(), Gate()]
    futures = [hpyx.async_(gate, index) for index, gate in enumerate(gates)]
    for gate in gates:
        gate.entered()
    completed = concurrent.futures.as_completed(futures, timeout=sizes.PATIENCE)
    for index in (1, 0):
        gates[index].open()
        assert next(completed).result() == index
    assert list(completed) == []


def test_as_completed_mixes_both_kinds_of_future(threads):
    futures = {hpyx.async_(abs, -index): index for index in range(100)}
    futures.update({threads.submit(abs, -index): index for index in range(100)})
    seen = [(f.result(), futures[f]) for f in concurrent.futures.as_completed(futures)]
    assert len(seen) == 200 and all(got == expected for got, expected in seen)


def test_as_completed_times_out(held):
    pending, ready = hpyx.async_(abs, -1), hpyx.ready_future(1)
    completed = concurrent.futures.as_completed([pending, ready], timeout=0.01)
    assert next(completed) is ready
    with pytest.raises(concurrent.futures.TimeoutError, match=r"1 .*of 2"):
        next(completed)


def test_as_completed_yields_failed_and_cancelled_futures(held):
    cancelled, failing = hpyx.async_(abs, -1), hpyx.async_(int, "x")
    cancelled.cancel()
    held.open()
    seen = set(concurrent.futures.as_completed([cancelled, failing], timeout=sizes.PATIENCE))
    assert seen == {cancelled, failing}


def test_waits_that_come_just_as_the_task_ends_miss_nothing():
    def race(_):
        for index in range(sizes.RACES // 8):
            future = hpyx.async_(abs, -index)
            done = concurrent.futures.wait([future], timeout=sizes.PATIENCE).done
            if done != {future} or future.result() != index:
                return "missed"
        return "all seen"

    assert parallel(race, 4) == ["all seen"] * 4


def test_the_condition_of_a_future_can_be_held_while_its_task_ends():
    with Gate() as gate:
        future = hpyx.async_(gate, "value")
        gate.entered()
        with future._condition:
            assert future._state == "RUNNING"
            gate.open()
        assert future.result() == "value"
    assert wait_until(lambda: future._state == "FINISHED")


def test_the_states_the_standard_library_reads_are_its_own(held):
    pending, cancelled = hpyx.async_(abs, -1), hpyx.async_(abs, -1)
    cancelled.cancel()
    assert pending._state == "PENDING"
    assert cancelled._state in ("CANCELLED", "CANCELLED_AND_NOTIFIED")
    assert hpyx.ready_future(1)._state == "FINISHED"
    assert pending._waiters == []


def test_run_in_executor_awaits_our_tasks(executor):
    async def main():
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(executor, pow, 2, power) for power in range(50)]
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == [2**power for power in range(50)]


def test_run_in_executor_raises_what_the_task_raised(executor):
    async def main():
        return await asyncio.get_running_loop().run_in_executor(executor, int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(main())


def test_wrap_future_awaits_a_pending_and_a_done_future():
    async def main():
        with Gate() as gate:
            pending = asyncio.wrap_future(hpyx.async_(gate, "later"))
            ready = asyncio.wrap_future(hpyx.ready_future("now"))
            gate.entered()
            first = await ready
            assert not pending.done()
            gate.open()
            return first, await pending

    assert asyncio.run(main()) == ("now", "later")


def test_the_event_loop_runs_on_while_tasks_run():
    async def main():
        with Gate() as gate:
            future = asyncio.wrap_future(hpyx.async_(gate, "value"))
            ticks = 0
            while ticks < 20:
                await asyncio.sleep(0)
                ticks += 1
            assert not future.done()
            gate.open()
            return await asyncio.wait_for(future, sizes.PATIENCE)

    assert asyncio.run(main()) == "value"


def test_cancelling_the_wrapper_cancels_a_pending_task(held):
    ran = []

    async def main():
        future = hpyx.async_(ran.append, 1)
        wrapper = asyncio.wrap_future(future)
        wrapper.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapper
        return future

    future = asyncio.run(main())
    assert future.cancelled()
    held.open()
    hpyx.async_(abs, -1).result()
    assert ran == []


def test_cancelling_the_future_cancels_the_wrapper(held):
    async def main():
        future = hpyx.async_(abs, -1)
        wrapper = asyncio.wrap_future(future)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapper
        return wrapper.cancelled()

    assert asyncio.run(main())


def test_an_event_loop_inside_a_task_works():
    async def inner():
        return await asyncio.wrap_future(hpyx.async_(abs, -5))

    assert hpyx.async_(lambda: asyncio.run(inner())).result() == 5


def test_a_task_can_hand_work_to_a_thread_pool_and_wait(threads):
    assert hpyx.async_(lambda: threads.submit(abs, -5).result()).result() == 5
    assert threads.submit(lambda: hpyx.async_(abs, -6).result()).result() == 6
