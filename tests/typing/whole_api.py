"""The whole public API as users write it, for the type checkers; see ``ci/checks/types.py``.

Never run: ``assert_type`` says what the checker must find out by itself.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterator
from typing import Any

from typing_extensions import assert_type

import hpyx
import hpyx.joblib
from hpyx import aio, config, debug
from hpyx._core import futures as core_futures
from hpyx.multiprocessing import for_loop


def add(a: int, b: int, *, scale: float = 1.0) -> float:
    return (a + b) * scale


def tasks() -> None:
    future = hpyx.async_(add, 1, 2, scale=2.0)
    assert_type(future, hpyx.Future[float])
    assert_type(future.result(timeout=1.0), float)
    assert_type(future.exception(), "BaseException | None")
    assert_type(future.done() or future.running() or future.cancelled() or future.cancel(), bool)
    future.add_done_callback(lambda done: print(done.result()))
    future.add_done_callback(fn=print)
    assert_type(hpyx.ready_future("a"), hpyx.Future[str])
    stdlib: concurrent.futures.Future[float] = future
    print(stdlib)


def combinators() -> None:
    number, text = hpyx.async_(abs, -1), hpyx.ready_future("one")
    assert_type(number.then(lambda f: str(f.result())), hpyx.Future[str])
    assert_type(text.then(lambda f: f.result().upper()).share(), hpyx.Future[str])
    assert_type(hpyx.when_all(), hpyx.Future["tuple[()]"])
    assert_type(hpyx.when_all(text, hpyx.ready_future(1)).result(), "tuple[str, int]")
    assert_type(hpyx.when_all(*[text, text]).result(), "tuple[str, ...]")
    assert_type(hpyx.when_any(text, text).result(), "tuple[int, list[hpyx.Future[str]]]")
    assert_type(hpyx.dataflow(add, number, 2, scale=3.0), hpyx.Future[float])
    assert_type(hpyx.shared_future(text), hpyx.Future[str])
    for done in hpyx.as_completed([text, text], timeout=1):
        assert_type(done, hpyx.Future[str])


def raw_layer() -> None:
    future = core_futures.async_submit(lambda: 1, (), {})
    both = core_futures.when_all([future, core_futures.ready_future(2)])
    core_futures.when_any([both]).result()
    core_futures.dataflow(abs, [core_futures.shared_future(future)], {}).result()
    kind: type[core_futures.HPXFuture] = core_futures.HPXFuture
    print(kind)


def executors() -> None:
    with hpyx.HPXExecutor(
        max_workers=2, thread_name_prefix="x", initializer=print, initargs=("hello",)
    ) as executor:
        assert_type(executor.submit(add, 1, 2), hpyx.Future[float])
        assert_type(executor.map(len, ["a"], chunksize=2, buffersize=4), Iterator[int])
        lengths = executor.map(len, ["a"], timeout=1, ordered=False, progress=print)
        assert_type(lengths, Iterator[int])
        standard: concurrent.futures.Executor = executor
        standard.shutdown(wait=False, cancel_futures=True)


async def coroutines() -> None:
    future = hpyx.async_(len, "abc")
    assert_type(await future, int)
    assert_type(await aio.await_all(future, hpyx.ready_future("x")), "tuple[int, str]")
    assert_type(await aio.await_any(future, future), "tuple[int, list[hpyx.Future[int]]]")
    assert_type(await aio.to_thread(add, 1, 2), float)
    assert_type(aio.wrap_future(future), "asyncio.Future[int]")
    async for done in hpyx.as_completed([future]):
        assert_type(await done, int)
    loop = asyncio.get_running_loop()
    assert_type(await loop.run_in_executor(hpyx.HPXExecutor(), len, "abc"), int)


def runtime() -> None:
    hpyx.init(os_threads=4, cfg=["hpx.stacks.small_size=0x20000"])
    hpyx.init(os_threads="auto")
    with hpyx.HPXRuntime(os_threads=4, cfg=None) as entered:
        assert_type(entered, hpyx.HPXRuntime)
    assert_type(hpyx.is_running(), bool)
    assert_type(config.from_env({"HPYX_OS_THREADS": "2"})["os_threads"], "int | None")
    assert_type(config.DEFAULTS["cfg"], "list[str]")
    assert_type(debug.get_num_worker_threads() + debug.get_worker_thread_id(), int)
    assert_type(debug.statistics().tasks_stolen, int)
    assert_type(debug.configuration().trace_path, "str | None")
    debug.enable_tracing("trace.jsonl")
    debug.disable_tracing()
    hpyx.joblib.register(make_default=True)
    hpyx.shutdown()
    assert_type(hpyx.__version__, str)


def loops() -> None:
    for_loop(abs, [1, 2, 3], "par")
    for_loop(str.upper, ["a"])
    for_loop(lambda x: x * 2.0, bytearray(b"abc"), "seq")


functions: list[Callable[..., Any]] = [
    loops,
    tasks,
    combinators,
    raw_layer,
    executors,
    coroutines,
    runtime,
]
