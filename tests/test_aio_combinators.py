"""hpyx.aio.await_all and hpyx.aio.await_any: the combinators, in coroutines."""

import asyncio
import concurrent.futures

import pytest

import hpyx
import sizes
from helpers import Gate
from skips import needs

MANY = 3 * sizes.MANY


def test_await_all_gives_the_results_in_order():
    async def main():
        futures = [hpyx.async_(abs, -index) for index in range(MANY)]
        return await hpyx.aio.await_all(*futures), await hpyx.aio.await_all()

    assert asyncio.run(main()) == (tuple(range(MANY)), ())


def test_await_all_raises_what_the_first_to_fail_raised_and_does_not_wait():
    async def main():
        with Gate() as gate:
            slow = hpyx.async_(gate)
            with pytest.raises(ValueError, match="invalid literal"):
                await hpyx.aio.await_all(slow, hpyx.async_(int, "x"))
            assert not slow.done()

    asyncio.run(main())


def test_await_any_gives_the_first_and_all():
    async def main():
        with Gate() as gate:
            slow = hpyx.async_(gate)
            quick = hpyx.async_(abs, -1)
            index, futures = await hpyx.aio.await_any(slow, quick)
            assert futures == [slow, quick]
            return index, futures[index].result()

    assert asyncio.run(main()) == (1, 1)


def test_futures_of_other_kinds_may_be_among_them():
    async def main(threads):
        future = asyncio.get_running_loop().create_future()
        future.set_result(1)
        both = future, threads.submit(abs, -2)
        return await hpyx.aio.await_all(*both), (await hpyx.aio.await_any(*both))[0] in (0, 1)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        assert asyncio.run(main(threads)) == ((1, 2), True)


def test_a_cancelled_input_is_asyncio_s_cancelled_error(held):
    async def main():
        futures = hpyx.async_(abs, -1), hpyx.async_(abs, -2)
        futures[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await hpyx.aio.await_all(*futures)
        with pytest.raises(asyncio.CancelledError):
            await hpyx.aio.await_any(futures[1])

    asyncio.run(main())


def test_cancelling_the_coroutine_leaves_the_futures_alone(held):
    async def main():
        future = hpyx.async_(abs, -1)
        for wait in (hpyx.aio.await_all, hpyx.aio.await_any):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(wait(future), 0.01)
        assert not future.cancelled()
        held.open()
        return await future

    assert asyncio.run(main()) == 1


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError):
        asyncio.run(hpyx.aio.await_all(7))
    with pytest.raises(TypeError):
        asyncio.run(hpyx.aio.await_any(7))
    with pytest.raises(ValueError, match="at least one"):
        asyncio.run(hpyx.aio.await_any())


@needs("trio")
def test_both_work_under_trio():
    import trio

    async def main():
        futures = [hpyx.async_(abs, -index) for index in range(10)]
        return await hpyx.aio.await_all(*futures), (await hpyx.aio.await_any(*futures))[0] < 10

    assert trio.run(main) == (tuple(range(10)), True)
