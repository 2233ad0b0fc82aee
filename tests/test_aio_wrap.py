"""hpyx.aio.to_thread and hpyx.aio.wrap_future: asyncio's own functions, on the workers of hpyx."""

import asyncio
import concurrent.futures
import contextvars
import threading

import pytest

import hpyx
import sizes
from helpers import Gate

MANY = 3 * sizes.MANY  # more than one batch, where the interpreter is fast


def test_to_thread_runs_on_a_worker_with_the_caller_s_context():
    variable = contextvars.ContextVar("variable")

    def work(*args, **kwargs):
        return threading.current_thread().name, variable.get(), args, kwargs

    async def main():
        variable.set("caller")
        return await hpyx.aio.to_thread(work, 1, fn=2)

    name, value, args, kwargs = asyncio.run(main())
    assert name.startswith("hpyx-")
    assert (value, args, kwargs) == ("caller", (1,), {"fn": 2})


def test_to_thread_raises_what_the_function_raised():
    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(hpyx.aio.to_thread(int, "x"))


def test_cancelling_to_thread_cancels_a_pending_call(held):
    ran = []

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(hpyx.aio.to_thread(ran.append, 1), 0.01)

    asyncio.run(main())
    held.open()
    hpyx.async_(abs, -1).result()
    assert ran == []


@pytest.mark.parametrize("submit", ["hpyx", "stdlib"])
def test_wrapped_futures_give_values_and_errors(submit):
    async def main(submit):
        with Gate() as gate:
            futures = [submit(gate, "value"), submit(abs, -1), submit(int, "x")]
            wrapped = [hpyx.aio.wrap_future(future) for future in futures]
            assert all(isinstance(future, asyncio.Future) for future in wrapped)
            gate.open()
            return await asyncio.gather(*wrapped, return_exceptions=True)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        got = asyncio.run(main(hpyx.async_ if submit == "hpyx" else threads.submit))
    assert got[:2] == ["value", 1] and isinstance(got[2], ValueError)


def test_many_wrapped_futures_can_be_gathered():
    async def main():
        futures = [hpyx.async_(abs, -index) for index in range(MANY)]
        return await asyncio.gather(*map(hpyx.aio.wrap_future, futures))

    assert asyncio.run(main()) == list(range(MANY))


def test_asyncio_wait_takes_wrapped_futures():
    async def main():
        with Gate() as gate:
            slow = hpyx.aio.wrap_future(hpyx.async_(gate))
            quick = hpyx.aio.wrap_future(hpyx.async_(abs, -1))
            first = asyncio.FIRST_COMPLETED
            done, pending = await asyncio.wait({slow, quick}, return_when=first)
            assert (done, pending) == ({quick}, {slow})

    asyncio.run(main())


def test_a_task_that_raised_stop_iteration_does_not_hang_its_wrapper():
    async def main():
        await asyncio.wait_for(hpyx.aio.wrap_future(hpyx.async_(next, iter([]))), sizes.PATIENCE)

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())


def test_a_time_out_of_the_task_is_asyncio_s():
    def fail():
        raise concurrent.futures.TimeoutError("slow")

    async def main():
        await hpyx.aio.wrap_future(hpyx.async_(fail))

    with pytest.raises(asyncio.TimeoutError, match="slow"):
        asyncio.run(main())


def test_cancelling_the_wrapper_cancels_a_pending_future(held):
    async def main():
        future = hpyx.async_(abs, -1)
        wrapper = hpyx.aio.wrap_future(future)
        wrapper.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapper
        return future

    assert asyncio.run(main()).cancelled()


def test_cancelling_the_future_cancels_the_wrapper(held):
    async def main():
        future = hpyx.async_(abs, -1)
        wrapper = hpyx.aio.wrap_future(future)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapper
        return wrapper.cancelled()

    assert asyncio.run(main())


def test_a_loop_can_be_given_before_it_runs():
    loop = asyncio.new_event_loop()
    try:
        wrapper = hpyx.aio.wrap_future(hpyx.async_(abs, -3), loop=loop)
        assert loop.run_until_complete(wrapper) == 3
    finally:
        loop.close()


def test_what_is_no_future_is_refused():
    async def main():
        hpyx.aio.wrap_future(7)

    with pytest.raises(TypeError, match="await it"):
        asyncio.run(main())
    with pytest.raises(RuntimeError):
        hpyx.aio.wrap_future(hpyx.ready_future(1))
