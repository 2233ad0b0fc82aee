"""How awaited futures wake an event loop: once for many, not once each.

Owns: one bridge per event loop: the batch of those whose futures are done. Called by:
``Future.__await__`` when there is something to wait for, ``hpyx.aio`` and ``_as_completed``; it is
imported then, so that programs without an event loop never import asyncio.
Invariant: who waits for a future that is done is in the batch, or was told. A worker puts it into
the batch first and looks whether the loop was woken then; the loop clears ``is_woken`` first and
takes until the batch is empty then. Both sides lock the deque, so whichever comes second sees what
the other wrote before: nobody stays behind.
Threads: ``deliver`` any, everything else the loop's own. Errors: a loop that was closed or has
ended first is a WARNING on ``hpyx.aio``, once per loop.
"""

import asyncio
import concurrent.futures
import logging
import sys
from asyncio.events import _get_running_loop
from collections import deque
from functools import partial

_logger = logging.getLogger("hpyx.aio")

# How many are told before the loop has its turn again.
_BATCH = 1024


class Bridge:
    """The batch of one event loop. What is in it is called with None, on the loop."""

    def __init__(self):
        self.batch = deque()
        self.is_woken = False
        self.has_warned = False
        self._drain = self.drain  # made once, not at each wake-up

    def deliver(self, tell, future):
        """Have tell(None) called by the loop, since *future* is done: a done callback."""
        self.batch.append(tell)
        if not self.is_woken:
            self.is_woken = True
            self._wake_or_warn(future)

    def drain(self):
        """Tell those in the batch, on the loop."""
        self.is_woken = False
        take = self.batch.popleft
        for _ in range(_BATCH):
            try:
                tell = take()
            except IndexError:
                return
            try:
                tell(None)
            except asyncio.InvalidStateError:
                pass  # it was cancelled meanwhile
        self.is_woken = True
        self.wake()

    def _wake_or_warn(self, future):
        try:
            self.wake()
        except RuntimeError:  # closed, or the run has finished
            self.is_woken = False
            if self._drop_all() and not self.has_warned:
                self.has_warned = True
                _logger.warning(
                    "%s ended before %r, which was awaited there: what became of it is dropped. "
                    "Further futures of this event loop are not reported",
                    self.describe(),
                    future,
                )

    def _drop_all(self):
        """Empty the batch; return whether anybody in it still waits."""
        is_missed = False
        while True:
            try:
                tell = self.batch.popleft()
            except IndexError:
                return is_missed
            is_missed |= not self.was_cancelled(getattr(tell, "__self__", None))


class _AsyncioBridge(Bridge):
    """The bridge of an asyncio loop."""

    def __init__(self, loop):
        super().__init__()
        self.loop = loop

    def wake(self):
        self.loop.call_soon_threadsafe(self._drain)

    def describe(self):
        return f"the event loop {self.loop!r}"

    def was_cancelled(self, waiter):
        return isinstance(waiter, asyncio.Future) and waiter.cancelled()

    def wait(self, subscribe, abandoned=None, seconds=None):
        """Wait in a coroutine until the done callback that *subscribe* is given was called.

        abandoned: called if the coroutine is cancelled meanwhile. seconds: how long at most.
        """
        waiter = self.loop.create_future()
        subscribe(partial(self.deliver, waiter.set_result))
        timer = None
        if seconds is not None:
            timer = self.loop.call_later(seconds, _set_unless_done, waiter)
        try:
            yield from waiter.__await__()
        except asyncio.CancelledError:
            if abandoned is not None:
                abandoned()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def translated(self, error):
        """What a coroutine of this loop sees instead of *error*."""
        return _for_asyncio(error)


def _set_unless_done(waiter):
    if not waiter.done():
        waiter.set_result(None)


_ASYNCIO_ERRORS = {
    concurrent.futures.CancelledError: asyncio.CancelledError,
    concurrent.futures.TimeoutError: asyncio.TimeoutError,
}


def _for_asyncio(error):
    """The exception as asyncio shows it: it has classes of its own, and one it cannot raise."""
    if isinstance(error, StopIteration):
        other = RuntimeError("the task raised StopIteration, which a coroutine cannot")
        other.__cause__ = error
        return other
    kind = _ASYNCIO_ERRORS.get(type(error), type(error))
    if kind is type(error):
        return error
    return kind(*error.args).with_traceback(error.__traceback__)


def current_bridge():
    """Return the bridge of the event loop that the caller runs in.

    Raises: RuntimeError if there is none.
    """
    loop = _get_running_loop()
    if "trio" in sys.modules and _library() == "trio":
        from ._bridge_trio import current_trio_bridge

        return current_trio_bridge()
    if loop is None:
        raise RuntimeError(
            "a hpyx future was awaited outside an event loop: run the coroutine with "
            "asyncio.run() or trio.run(), or call result() instead"
        )
    return asyncio_bridge(loop)


def asyncio_bridge(loop):
    """Return the bridge of an asyncio loop; on the loop's own thread."""
    try:
        return loop._hpyx_bridge
    except AttributeError:
        bridge = _AsyncioBridge(loop)
        try:
            loop._hpyx_bridge = bridge  # kept there, so it lives as long as the loop
        except AttributeError:
            pass  # a loop without attributes: each wait has a batch of its own
        return bridge


def _library():
    """Return the name of the library whose coroutine runs, as sniffio knows it."""
    import sniffio

    try:
        return sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError:
        return None


def wait_until_done(future):
    """Wait in a coroutine until *future* is done; cancel it if the coroutine is cancelled."""
    return current_bridge().wait(future.add_done_callback, future.cancel)


class Wait:
    """``await Wait(subscribe, seconds)``: see the ``wait`` of a bridge."""

    def __init__(self, subscribe, seconds):
        self._arguments = subscribe, None, seconds

    def __await__(self):
        return current_bridge().wait(*self._arguments)


def translated(error):
    """What the running coroutine sees instead of *error*: asyncio has classes of its own."""
    return current_bridge().translated(error)


class _Wrapped(asyncio.Future):
    """An asyncio future that ends as a hpyx future does."""

    __slots__ = ("source",)

    def take_over(self, _=None):
        """Take the outcome of the source, which is done."""
        source = self.source
        if self.done():
            return
        if source.cancelled():
            super().cancel()
            return
        error = source.exception()
        if error is None:
            self.set_result(source.result())
        else:
            self.set_exception(_for_asyncio(error))

    def cancel(self, msg=None):
        """Cancel this future, and the source if it has not started."""
        if not super().cancel(msg=msg):
            return False
        self.source.cancel()
        return True


def wrap_future(future, loop):
    """Return an asyncio.Future that ends as *future* does: see ``hpyx.aio.wrap_future``."""
    if not isinstance(future, concurrent.futures.Future):
        raise TypeError(
            f"a hpyx.Future or concurrent.futures.Future is needed, not {future!r}: to wait for a "
            "coroutine, await it"
        )
    if loop is None:
        loop = asyncio.get_running_loop()
    target = _Wrapped(loop=loop)
    target.source = future
    if future.done():
        target.take_over()
    else:
        future.add_done_callback(partial(asyncio_bridge(loop).deliver, target.take_over))
    return target
