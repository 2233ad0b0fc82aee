"""``await future`` under asyncio: values, errors, cancellation, loops that end first, batches."""

import asyncio
import concurrent.futures
import logging
import sys
import threading

import pytest

import hpyx
import sizes
from child import run_clean, run_clean_life
from helpers import Gate, parallel
from skips import needs

MANY = 3 * sizes.MANY  # more than one batch, where the interpreter is fast


async def outcome(future):
    return await future


def test_a_pending_and_a_done_future_give_their_values():
    async def main():
        with Gate() as gate:
            pending = hpyx.async_(gate, "later")
            gate.entered()
            waiting = asyncio.ensure_future(outcome(pending))
            ready = await hpyx.ready_future("now")
            await asyncio.sleep(0)
            assert not waiting.done()
            gate.open()
            return ready, await waiting

    assert asyncio.run(main()) == ("now", "later")


def test_several_coroutines_wait_for_one_future():
    async def main():
        with Gate() as gate:
            future = hpyx.async_(gate, "value")
            tasks = [asyncio.ensure_future(outcome(future)) for _ in range(10)]
            await asyncio.sleep(0)
            gate.open()
            return await asyncio.gather(*tasks), await future

    assert asyncio.run(main()) == (["value"] * 10, "value")


def test_loops_in_several_threads_wait_for_one_future():
    with Gate() as gate:
        future = hpyx.async_(gate, "value")
        gate.entered()

        async def main(index):
            if index == 0:
                asyncio.get_running_loop().call_soon(gate.open)
            return await future

        assert parallel(lambda index: asyncio.run(main(index)), 4) == ["value"] * 4


def test_a_loop_inside_a_task_waits_for_other_tasks():
    async def main():
        return await hpyx.async_(abs, -1) + await hpyx.async_(abs, -2)

    assert hpyx.async_(lambda: asyncio.run(main())).result() == 3


def test_what_the_task_raised_comes_out_with_its_traceback():
    def fail():
        raise LookupError("from the task")

    async def main():
        await hpyx.async_(fail)

    with pytest.raises(LookupError, match="from the task") as caught:
        asyncio.run(main())
    assert "fail" in [entry.name for entry in caught.traceback]


def test_the_cause_of_a_timeout_error_is_kept():
    def fail():
        raise concurrent.futures.TimeoutError("slow") from KeyError("cause")

    async def main():
        await hpyx.async_(fail)

    with pytest.raises(asyncio.TimeoutError, match="slow") as caught:
        asyncio.run(main())
    if asyncio.TimeoutError is concurrent.futures.TimeoutError:
        assert isinstance(caught.value.__cause__, KeyError)


def test_a_stop_iteration_becomes_a_runtime_error():
    async def main():
        await hpyx.async_(next, iter([]))

    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        asyncio.run(main())
    assert isinstance(caught.value.__cause__, StopIteration)


@pytest.mark.parametrize("kind", [concurrent.futures.CancelledError, asyncio.CancelledError])
def test_a_cancelled_error_of_the_task_is_asyncio_s(kind):
    def fail():
        raise kind

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await hpyx.async_(fail)
        return "went on"

    assert asyncio.run(main()) == "went on"


def test_awaiting_a_cancelled_future_raises_asyncio_s_cancelled_error(held):
    async def main():
        future = hpyx.async_(abs, -1)
        waiting = asyncio.ensure_future(outcome(future))
        await asyncio.sleep(0)
        assert future.cancel()
        for awaitable in (waiting, future):
            with pytest.raises(asyncio.CancelledError):
                await awaitable
        return waiting.cancelled()

    assert asyncio.run(main())


def test_cancelling_the_coroutine_cancels_a_pending_task(held):
    ran = []

    async def main():
        future = hpyx.async_(ran.append, 1)
        waiting = asyncio.ensure_future(outcome(future))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return future

    assert asyncio.run(main()).cancelled()
    held.open()
    hpyx.async_(abs, -1).result()
    assert ran == []


def test_cancelling_the_coroutine_leaves_a_running_task_alone():
    async def main():
        with Gate() as gate:
            future = hpyx.async_(gate, "value")
            gate.entered()
            waiting = asyncio.ensure_future(outcome(future))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert future.running()
            gate.open()
            return await future

    assert asyncio.run(main()) == "value"


def test_a_shielded_future_outlives_the_coroutine(held):
    async def main():
        future = hpyx.async_(abs, -1)
        shielded = asyncio.ensure_future(outcome(future))
        waiting = asyncio.ensure_future(outcome(asyncio.shield(shielded)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not future.cancelled()
        held.open()
        return await shielded

    assert asyncio.run(main()) == 1


def test_wait_for_times_out_and_cancels(held):
    async def main():
        future = hpyx.async_(abs, -1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(future, 0.01)
        return future.cancelled()

    assert asyncio.run(main())


def test_a_coroutine_that_is_closed_while_it_waits_leaves_the_future_alone():
    async def main():
        with Gate() as gate:
            future = hpyx.async_(gate, "value")
            coroutine = outcome(future)
            coroutine.send(None)
            coroutine.close()
            gate.open()
            return await future

    assert asyncio.run(main()) == "value"


def test_outside_an_event_loop_only_a_done_future_can_be_awaited(held):
    with pytest.raises(StopIteration) as stopped:
        next(hpyx.ready_future(7).__await__())
    assert stopped.value.value == 7
    with pytest.raises(RuntimeError, match=r"asyncio\.run"):
        next(hpyx.async_(abs, -1).__await__())


@pytest.mark.parametrize("teardown", ["closed", "asyncio.run"])
def test_a_loop_that_ends_first_is_a_warning(caplog, teardown):
    told = threading.Semaphore(0)
    with Gate() as gate:

        async def main():
            for _ in range(2):
                future = hpyx.async_(gate)
                future.__await__().send(None)
                future.add_done_callback(lambda _: told.release())
            tasks.append(asyncio.ensure_future(outcome(future)))
            await asyncio.sleep(0)

        tasks = []
        if teardown == "closed":
            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            tasks[0].cancel()
            loop.run_until_complete(asyncio.wait(tasks))
            loop.close()
        else:
            asyncio.run(main())
        with caplog.at_level(logging.DEBUG):
            gate.open()
            assert all(told.acquire(timeout=sizes.PATIENCE) for _ in range(2))
    records = [record for record in caplog.records if record.name == "hpyx.aio"]
    assert [record.levelname for record in records] == ["WARNING"]
    assert "Future" in records[0].getMessage() and "ended" in records[0].getMessage()


def test_a_loop_that_ends_first_is_no_matter_for_who_was_cancelled(caplog):
    told = threading.Event()
    with Gate() as gate:

        async def main():
            future = hpyx.async_(gate)
            gate.entered()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(future, 0.001)
            future.add_done_callback(lambda _: told.set())

        asyncio.run(main())
        with caplog.at_level(logging.DEBUG):
            gate.open()
            assert told.wait(sizes.PATIENCE)
    assert [record for record in caplog.records if record.name == "hpyx.aio"] == []


def test_many_completions_wake_the_loop_once(held):
    wake_ups = []

    async def main():
        loop = asyncio.get_running_loop()
        futures = [hpyx.async_(abs, -index) for index in range(MANY)]
        tasks = [asyncio.ensure_future(outcome(future)) for future in futures]
        await asyncio.sleep(0)
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *args: wake_ups.append(1) or wake(*args)
        held.open()
        for future in futures:  # blocks the loop until all are done
            future.result()
        hpyx.async_(abs, -1).result()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == list(range(MANY))
    assert len(wake_ups) <= 2 + MANY // 1024


def test_completions_that_race_with_the_loop_wake_it_every_time():
    async def main():
        for index in range(sizes.RACES):
            assert await hpyx.async_(abs, -index) == index
        return "all seen"

    async def both():
        return await asyncio.gather(*(main() for _ in range(4)))

    assert asyncio.run(asyncio.wait_for(both(), sizes.PATIENCE)) == ["all seen"] * 4


def test_debug_mode_has_no_complaint(caplog):
    async def main():
        return await asyncio.gather(*(hpyx.async_(abs, -index) for index in range(50)))

    with caplog.at_level(logging.ERROR, logger="asyncio"):
        assert asyncio.run(main(), debug=True) == list(range(50))
    assert not caplog.records


@needs("task_group")
def test_a_task_group_waits_and_cancels_siblings(held):
    async def main():
        future = hpyx.async_(abs, -1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(outcome(future))
                group.create_task(outcome(hpyx.ready_future(1)))
                await asyncio.sleep(0)
                raise LookupError("the group ends")
        except BaseException as error:
            return error.exceptions[0], future.cancelled()

    error, cancelled = asyncio.run(main())
    assert isinstance(error, LookupError) and cancelled


@needs("eager_tasks")
def test_eager_tasks_wait_too():
    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await asyncio.gather(*(hpyx.async_(abs, -index) for index in range(100)))

    assert asyncio.run(main()) == list(range(100))


def test_importing_hpyx_imports_no_event_loop():
    source = """
    import sys
    import hpyx, hpyx.aio
    assert hpyx.async_(abs, -1).result() == 1
    print(sorted({"asyncio", "trio"} & set(sys.modules)))
    """
    assert run_clean(source).strip() == "[]"


def test_an_exception_that_was_awaited_is_freed():
    source = """
    import asyncio, gc, weakref
    import hpyx
    gc.disable()
    class Thing(Exception): pass
    def fail(): raise Thing
    async def main():
        try:
            await hpyx.async_(fail)
        except Thing as error:
            return weakref.ref(error)
    reference = asyncio.run(main())
    hpyx.async_(abs, 1).result()
    gc.collect()
    hpyx.async_(abs, 1).result()
    gc.collect()
    print(reference())
    """
    assert run_clean_life(source).strip() == "None"


def test_set_default_executor_takes_ours_as_long_as_the_standard_library_does(executor):
    async def main():
        loop = asyncio.get_running_loop()
        if sys.version_info >= (3, 11):
            with pytest.raises(TypeError, match="ThreadPoolExecutor"):
                loop.set_default_executor(executor)
            return await loop.run_in_executor(executor, threading.current_thread)
        with pytest.warns(DeprecationWarning, match="ThreadPoolExecutor"):
            loop.set_default_executor(executor)
        return await loop.run_in_executor(None, threading.current_thread)

    assert asyncio.run(main()).name.startswith("hpyx-")
