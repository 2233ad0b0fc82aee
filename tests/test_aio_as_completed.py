"""hpyx.as_completed in coroutines: ``async for`` under asyncio and trio, all kinds of future."""

import asyncio
import concurrent.futures

import pytest

import hpyx
import sizes
from helpers import Gate
from skips import needs


async def results_of(completed):
    return [future.result() async for future in completed]


def test_futures_come_in_the_order_in_which_they_end():
    async def main():
        gates = [Gate(), Gate()]
        futures = [hpyx.async_(gate, index) for index, gate in enumerate(gates)]
        for gate in gates:
            gate.entered()
        seen = []
        gates[1].open()
        async for future in hpyx.as_completed(futures, timeout=sizes.PATIENCE):
            seen.append(future.result())
            gates[0].open()
        return seen

    assert asyncio.run(main()) == [1, 0]


def test_the_event_loop_goes_on_while_nothing_ends():
    async def main():
        with Gate() as gate:
            completed = hpyx.as_completed([hpyx.async_(gate, "value")])
            waiting = asyncio.ensure_future(results_of(completed))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waiting.done()
            gate.open()
            return await waiting

    assert asyncio.run(main()) == ["value"]


def test_a_lasting_future_of_asyncio_forgets_iterators_that_were_closed():
    async def main():
        lasting = asyncio.get_running_loop().create_future()
        for _ in range(100):
            completed = hpyx.as_completed([lasting, hpyx.ready_future(1)])
            async for future in completed:
                assert future.result() == 1
                completed.close()
        return lasting._callbacks

    assert not asyncio.run(main())


def test_many_futures_come_once_each():
    async def main():
        futures = [hpyx.async_(abs, -index) for index in range(3 * sizes.MANY)]
        return await results_of(hpyx.as_completed(futures + futures[:10]))

    assert sorted(asyncio.run(main())) == list(range(3 * sizes.MANY))


def test_futures_and_tasks_of_asyncio_mix_with_those_of_threads():
    async def delayed(value):
        await asyncio.sleep(0)
        return value

    async def main(threads):
        future = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(delayed(2))
        futures = [hpyx.async_(abs, -1), task, threads.submit(abs, -3), future]
        completed = hpyx.as_completed(futures)
        seen = [(await completed.__anext__()).result() for _ in range(3)]
        future.set_result(4)
        return sorted(seen), await results_of(completed)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        assert asyncio.run(main(threads)) == ([1, 2, 3], [4])


def test_a_time_out_is_asyncio_s_and_tells_the_rest(held):
    async def main():
        completed = hpyx.as_completed([hpyx.async_(abs, -1), hpyx.ready_future(1)], timeout=0.01)
        assert (await completed.__anext__()).result() == 1
        with pytest.raises(asyncio.TimeoutError, match=r"1 \(of 2\) futures unfinished"):
            await completed.__anext__()
        return await results_of(completed)

    assert asyncio.run(main()) == []


def test_cancelling_the_coroutine_cancels_no_future(held):
    async def main():
        future = hpyx.async_(abs, -1)
        waiting = asyncio.ensure_future(results_of(hpyx.as_completed([future])))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held.open()
        return future.result()

    assert asyncio.run(main()) == 1


def test_completions_that_race_with_the_loop_are_all_seen():
    async def main():
        for index in range(sizes.RACES // 4):
            futures = [hpyx.async_(abs, -index), hpyx.async_(abs, -index)]
            assert await results_of(hpyx.as_completed(futures)) == [index, index]
        return "all seen"

    assert asyncio.run(asyncio.wait_for(main(), 2 * sizes.PATIENCE)) == "all seen"


@needs("trio")
def test_trio_takes_futures_as_they_end_and_times_out(held):
    import trio

    async def main():
        completed = hpyx.as_completed([hpyx.async_(abs, -1), hpyx.ready_future(1)], timeout=0.01)
        assert (await completed.__anext__()).result() == 1
        with pytest.raises(concurrent.futures.TimeoutError, match="unfinished"):
            await completed.__anext__()
        held.open()
        return await results_of(hpyx.as_completed([hpyx.async_(abs, -index) for index in range(9)]))

    assert sorted(trio.run(main)) == list(range(9))
