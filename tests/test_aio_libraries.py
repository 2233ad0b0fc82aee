"""``await future`` under event loops that are not asyncio's: trio, and anyio on it and asyncio."""

import asyncio
import concurrent.futures
import logging
import threading

import pytest

import hpyx
import sizes
from helpers import Gate
from skips import needs


async def many(count):
    futures = [hpyx.async_(abs, -index) for index in range(count)]
    return [await future for future in futures]


@needs("trio")
def test_trio_waits_for_futures():
    import trio

    assert trio.run(many, sizes.MANY) == list(range(sizes.MANY))


@needs("trio")
def test_trio_tasks_wait_side_by_side_and_for_one_future():
    import trio

    seen = []

    async def wait(future):
        seen.append(await future)

    async def main():
        with Gate() as gate:
            future = hpyx.async_(gate, "value")
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(wait, future)
                for index in range(sizes.MANY):
                    nursery.start_soon(wait, hpyx.async_(abs, -index))
                await trio.lowlevel.checkpoint()
                gate.open()

    trio.run(main)
    assert seen.count("value") == 10
    assert sorted(set(seen) - {"value"}) == list(range(sizes.MANY))


@needs("trio")
def test_trio_coroutines_see_what_the_task_raised_and_cancelled_futures(held):
    import trio

    async def main():
        with pytest.raises(ValueError, match="invalid literal"):
            held.open()
            await hpyx.async_(int, "x")
        with Gate() as gate:
            holders = [hpyx.async_(gate) for _ in range(2)]
            gate.entered(2)
            future = hpyx.async_(abs, -1)
            future.cancel()
            with pytest.raises(concurrent.futures.CancelledError):
                await future
        for holder in holders:
            await holder

    trio.run(main)


@needs("trio")
def test_a_trio_cancel_scope_cancels_a_pending_task(held):
    import trio

    async def main():
        future = hpyx.async_(abs, -1)
        with trio.move_on_after(0.01) as scope:
            await future
        return scope.cancelled_caught, future.cancelled()

    assert trio.run(main) == (True, True)


@needs("trio")
def test_a_trio_cancel_scope_leaves_a_running_task_alone():
    import trio

    async def main():
        with Gate() as gate:
            future = hpyx.async_(gate, "value")
            gate.entered()
            with trio.move_on_after(0.01):
                await future
            assert future.running()
            gate.open()
            return await future

    assert trio.run(main) == "value"


@needs("trio")
def test_a_trio_run_that_ends_first_has_cancelled_who_waited_and_is_no_warning(caplog):
    import trio

    told = threading.Event()
    with Gate() as gate:

        async def main():
            future = hpyx.async_(gate)
            future.add_done_callback(lambda _: None)
            with trio.move_on_after(0.01):
                await future
            future.add_done_callback(lambda _: told.set())

        trio.run(main)
        with caplog.at_level(logging.WARNING):
            gate.open()
            assert told.wait(sizes.PATIENCE)
    assert caplog.records == []
    assert hpyx.async_(abs, -7).result() == 7


@needs("trio")
def test_asyncio_works_in_a_thread_while_trio_runs_in_another():
    import trio

    async def main():
        return await trio.to_thread.run_sync(asyncio.run, many(10)), await many(10)

    assert trio.run(main) == (list(range(10)), list(range(10)))


@needs("trio")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_waits_for_futures_and_threads(backend):
    import anyio

    seen = []

    async def wait(index):
        seen.append(await hpyx.async_(abs, -index))

    async def main():
        async with anyio.create_task_group() as group:
            for index in range(50):
                group.start_soon(wait, index)
        return await hpyx.aio.to_thread(pow, 2, 10), await many(50)

    assert anyio.run(main, backend=backend) == (1024, list(range(50)))
    assert sorted(seen) == list(range(50))
