"""Somebody else's futures among the inputs of a combinator: each gets one of ours that follows it.

Owns: what counts as a future. Called by: the native combinators (for whatever is not exactly a
``hpyx.Future``), ``_compose`` and ``_python_tasks``. Invariant: the one that follows ends as the
other did, once; it is never cancelled by itself, and nothing is ever done to the other one.
Threads: any. An asyncio future is only touched in its loop's thread, as asyncio demands.
"""

import concurrent.futures
import sys

from ._core_module import native
from ._future import Future
from ._task_front import has_lane

if has_lane:
    from ._lane_future import core_of


def adopt(value):
    """Return a future of the core that is, or follows, *value*; None if *value* is no future.

    Raises: RuntimeError if *value* belongs to an event loop that is closed.
    """
    if isinstance(value, native.FutureBase):
        return value
    if isinstance(value, Future):
        return core_of(value)
    if isinstance(value, concurrent.futures.Future):
        promise = native.new_promise()
        value.add_done_callback(lambda done: _follow(promise, done))
        return promise
    # As asyncio.isfuture tells them.
    if getattr(type(value), "_asyncio_future_blocking", None) is None:
        return None
    return _follow_in_loop(value)


def _follow_in_loop(value):
    promise = native.new_promise()
    loop = value.get_loop()

    def follow(done):
        _follow(promise, done)

    if sys.modules["asyncio"]._get_running_loop() is loop:
        value.add_done_callback(follow)
    else:
        loop.call_soon_threadsafe(value.add_done_callback, follow)
    return promise


def _follow(promise, done):
    try:
        if done.cancelled():
            outcome = "cancelled", None
        else:
            exception = done.exception()
            outcome = ("value", done.result()) if exception is None else ("error", exception)
    except BaseException as error:  # somebody else's class: whatever it does, nobody waits for good
        outcome = "error", error
    native.settle(promise, *outcome)


native.register("adopt", adopt)
