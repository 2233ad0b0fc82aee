"""``hpyx.as_completed``: futures in the order in which they end, for threads and coroutines.

Owns: the iterator, and the inbox into which futures put themselves. Called by: users, ``_map``.
Invariant: a future that is in the inbox wakes the consumer, or is seen by it: whoever puts one in
looks for a sleeper after that, and a sleeper says that it sleeps before it looks for the last
time. Both lock the deque, so whichever comes second sees what the other wrote before.
Threads: futures end on any; one thread (or coroutine) at a time consumes.
"""

import concurrent.futures
import sys
import time
from collections import deque
from weakref import ref

from ._core_module import native
from ._exit import stays_at_exit
from ._future import Future

_wait = stays_at_exit(native.Bell.wait)


class Inbox:
    """Futures that are done, in order, and how to wake whoever waits for the next."""

    __slots__ = ("_bell", "_done", "_others", "_wake")

    def __init__(self):
        self._done = deque()
        self._wake = None
        self._bell = native.new_bell()
        self._others = []  # weak references to the futures of other libraries

    def follow(self, future):
        """Take a future once it is done.

        One of ours that is done already is taken here, not by a callback: that would keep to itself
        what a signal handler raises meanwhile, and the future would be lost.
        """
        if not isinstance(future, Future):
            self._others.append(ref(future))
            future.add_done_callback(self.put)
        elif not future.done():
            future._follow(self.put, self._bell)
            if not isinstance(future, native.FutureBase):
                self._others.append(ref(future))
        else:
            if not future.cancelled():
                future.exception()  # somebody is told of it: see ``_lost``
            self.put(future)

    def put(self, future):
        """Take a future that is done: a done callback."""
        done = self._done
        if done is None:
            return
        done.append(future)
        wake = self._wake
        if wake is not None:
            self._wake = None
            wake(future)

    def close(self):
        """Keep nothing of what is still to come alive, nor be kept by it."""
        self._done = None
        self._bell.close()
        while self._others:
            future = self._others.pop()()
            if future is not None:
                _unfollow(future, self.put)

    def take_nowait(self):
        """Return the next future that is done, or None."""
        try:
            return self._done.popleft()
        except IndexError:
            return None

    def has_some(self):
        """Whether take_nowait() has something to give."""
        return bool(self._done)

    def take(self, end=None):
        """Return the next future; wait for it until the time *end*. None: too late."""
        future = self.take_nowait()
        if future is not None:
            return future
        while True:
            self._wake = self._bell.ring
            future = self.take_nowait()
            if future is not None:
                self._wake = None
                return future
            if not _wait(self._bell, None if end is None else end - time.monotonic()):
                return self.take_nowait()

    async def take_async(self, end=None):
        """Return the next future; wait for it in a coroutine. None: too late."""
        from ._bridge import Wait

        while True:
            future = self.take_nowait()
            if future is not None:
                return future
            if end is not None and end <= time.monotonic():
                return None
            await Wait(self._sleep, None if end is None else end - time.monotonic())

    def _sleep(self, wake):
        """Have wake() called once a future is in the inbox."""
        self._wake = wake
        future = self.take_nowait()
        if future is not None:
            self._done.appendleft(future)
            self._wake = None
            wake(future)


def _unfollow(future, put):
    """Take a callback back from somebody else's future, which may last. Also by a finalizer."""
    if isinstance(future, Future):
        future._unfollow(put)
    elif not isinstance(future, concurrent.futures.Future):
        # Only in its own event loop's thread, as asyncio demands.
        if sys.modules["asyncio"]._get_running_loop() is future.get_loop():
            future.remove_done_callback(put)
    elif future._condition.acquire(blocking=False):  # a finalizer must not wait for a lock
        try:
            if not future.done() and put in future._done_callbacks:
                future._done_callbacks.remove(put)
        finally:
            future._condition.release()


class AsCompleted:
    """The iterator that as_completed returns: ``for`` in threads, ``async for`` in coroutines."""

    def __init__(self, futures, timeout):
        self._end = None if timeout is None else timeout + time.monotonic()
        self._futures = list(dict.fromkeys(futures))
        self._total = self._left = len(self._futures)
        self._inbox = None
        foreign = [future for future in self._futures if not _is_thread_future(future)]
        self._of_asyncio = [future for future in foreign if _is_asyncio_future(future)]
        if len(foreign) != len(self._of_asyncio):
            wrong = next(future for future in foreign if not _is_asyncio_future(future))
            raise TypeError(
                f"as_completed() takes futures, not {wrong!r}: write "
                "as_completed([executor.submit(fn, x), ...])"
            )

    def __iter__(self):
        return self

    def __aiter__(self):
        return self

    def __next__(self):
        if not self._left:
            raise StopIteration
        if self._inbox is None:
            if self._of_asyncio:
                raise TypeError(
                    "as_completed() of asyncio futures, which end only while their event loop "
                    "runs: write async for future in hpyx.as_completed(...)"
                )
            self._subscribe()
        return self._checked(self._inbox.take(self._end))

    async def __anext__(self):
        if not self._left:
            raise StopAsyncIteration
        if self._inbox is None:
            self._subscribe()
        try:
            return self._checked(await self._inbox.take_async(self._end))
        except concurrent.futures.TimeoutError as error:
            from ._bridge import translated

            raise translated(error) from None

    def close(self):
        """Give the rest up; futures that are still to end are not kept alive for it."""
        self._left = 0
        if self._inbox is not None:
            self._inbox.close()

    def __del__(self):
        if getattr(self, "_inbox", None) is not None:
            self._inbox.close()

    def _subscribe(self):
        self._inbox = inbox = Inbox()
        futures, self._futures = self._futures, None
        for future in futures:
            inbox.follow(future)

    def _checked(self, future):
        if future is None:
            left = self._left
            self.close()
            raise concurrent.futures.TimeoutError(f"{left} (of {self._total}) futures unfinished")
        self._left -= 1
        return future


def _is_thread_future(future):
    return isinstance(future, concurrent.futures.Future)


def _is_asyncio_future(future):
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio.isfuture(future)


def as_completed(futures, timeout=None):
    """Iterate over *futures* in the order in which they end, like concurrent.futures.as_completed.

    ``for future in as_completed(futures)`` blocks the thread while it waits; ``async for`` waits in
    a coroutine of asyncio or trio. A future that is there twice comes once.

    Args:
        futures: futures of hpyx and of other executors; in ``async for`` also those of asyncio.
        timeout: seconds, counted from this call, in which all of them must end.

    Raises:
        TypeError: something else is among *futures*, or asyncio's in a plain ``for``.
        concurrent.futures.TimeoutError: from the iterator, when the time is over (asyncio's in
            ``async for``).

    Threads and cancellation: any thread, one at a time; inside a task, other tasks go on
    meanwhile. Leaving the loop early, or cancelling the coroutine, cancels no future.
    """
    return AsCompleted(futures, timeout)
