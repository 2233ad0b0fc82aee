"""``await future`` under uvloop, an event loop for asyncio that is written in C."""

import asyncio
import logging
import threading

import hpyx
import sizes
from helpers import Gate
from skips import module_needs

module_needs("uvloop")

import uvloop  # noqa: E402


async def many(count):
    futures = [hpyx.async_(abs, -index) for index in range(count)]
    return [await future for future in futures]


def test_uvloop_waits_for_futures():
    async def main():
        calls = (outcome(hpyx.async_(abs, -index)) for index in range(sizes.MANY))
        wrapped = (hpyx.aio.wrap_future(hpyx.async_(abs, -index)) for index in range(sizes.MANY))
        return await asyncio.gather(*calls), await asyncio.gather(*wrapped)

    async def outcome(future):
        return await future

    loop = uvloop.new_event_loop()
    try:
        expected = list(range(sizes.MANY))
        assert loop.run_until_complete(main()) == (expected, expected)
        assert loop.run_until_complete(many(sizes.MANY)) == expected
    finally:
        loop.close()


def test_a_uvloop_that_is_closed_first_is_a_warning(caplog):
    told = threading.Event()
    with Gate() as gate:

        async def main():
            future = hpyx.async_(gate)
            future.__await__().send(None)
            future.add_done_callback(lambda _: told.set())

        loop = uvloop.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        with caplog.at_level(logging.WARNING):
            gate.open()
            assert told.wait(sizes.PATIENCE)
    assert [record.name for record in caplog.records] == ["hpyx.aio"]
