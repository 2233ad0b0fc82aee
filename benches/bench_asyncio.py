"""What it costs to wait for a task in a coroutine: submit many, then await all.

``await`` on futures of hpyx against ``loop.run_in_executor`` with ThreadPoolExecutor. Measured one
after the other, and as ``asyncio.gather``, which makes a task of each future that is not asyncio's
own; ``hpyx.aio.wrap_future`` gives it asyncio's own, ``hpyx.aio.await_all`` needs neither.
"""

import asyncio

import common
import hpyx

FUTURES = 10_000


def in_threads(threads):
    """Return how a coroutine hands a call to ThreadPoolExecutor."""
    return lambda *call: asyncio.get_running_loop().run_in_executor(threads, *call)


def wrapped(*call):
    """Hand a call to hpyx; wait for it as an asyncio.Future."""
    return hpyx.aio.wrap_future(hpyx.async_(*call))


def one_by_one(submit):
    """Return a function that awaits FUTURES futures one after the other."""

    async def main():
        futures = [submit(common.increment, i) for i in range(FUTURES)]
        check([await future for future in futures])

    return lambda: asyncio.run(main())


def gathered(submit):
    """Return a function that awaits FUTURES futures with asyncio.gather."""

    async def main():
        check(await asyncio.gather(*[submit(common.increment, i) for i in range(FUTURES)]))

    return lambda: asyncio.run(main())


def awaited_at_once():
    """Await FUTURES futures with hpyx.aio.await_all."""

    async def main():
        futures = [hpyx.async_(common.increment, i) for i in range(FUTURES)]
        check(await hpyx.aio.await_all(*futures))

    asyncio.run(main())


def check(results):
    if list(results) != list(range(1, FUTURES + 1)):
        raise AssertionError("wrong results")


def measure():
    """Return the figures."""
    with common.thread_pool() as threads:
        theirs = in_threads(threads)
        times = common.best(
            one_by_one(theirs),
            one_by_one(hpyx.async_),
            gathered(theirs),
            gathered(hpyx.async_),
            gathered(wrapped),
            awaited_at_once,
        )
    per_future = [seconds * 1e6 / FUTURES for seconds in times]
    awaits, ours, gathers, our_gather, our_wrapped, at_once = per_future
    return [
        common.cost("await", "await, per future", "µs", ours, awaits),
        common.cost("await_all", "await_all, per future", "µs", at_once, gathers),
        common.cost("gather", "asyncio.gather, per future", "µs", our_gather, gathers),
        common.cost("gather_wrapped", "the same, wrapped", "µs", our_wrapped, gathers),
    ]


if __name__ == "__main__":
    common.main(measure)
