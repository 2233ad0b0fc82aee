"""``HPXExecutor.map``: submits calls, and yields their results.

Owns: chunks, the bound on what is under way, order, progress. Called by: ``_executor``.
Invariants: with a bound, no item is taken from the inputs before there is room for it; whatever
ends the iteration early (an error, a time-out, close) cancels what has not started, and further
failures are not reported as lost. The generators keep no result alive that was yielded: they take
from deques, as GraalPy's lists hold on to what was taken off their end.
Threads: the consumer's, one at a time.
"""

import concurrent.futures
import time
from collections import deque
from itertools import islice

from ._as_completed import Inbox
from ._core_module import native
from ._trace import task_name

# Between two such groups of submissions signals are looked for and other threads get their turn.
_GROUP = 256

_RUNS_NATIVELY = native.probe()["runs_tasks_natively"]


def submit_all(executor, fn, iterables):
    """Submit fn(*items) for the items of *iterables*; return the list of futures."""
    if not _RUNS_NATIVELY or type(executor).submit is not native.ExecutorBase.submit:
        submit = executor.submit
        return [submit(fn, *items) for items in zip(*iterables)]
    futures = []
    spread = len(iterables) != 1
    items = zip(*iterables) if spread else iter(iterables[0])
    while executor._submit_each(fn, items, spread, futures, _GROUP):
        pass
    return futures


def results_of(futures, end):
    """Return an iterator of the results of *futures*, in order, until the time *end*."""
    # Made here: GraalPy 25.0 keeps what a generator was called with until the generator ends.
    return _results_of(deque(futures), end)


def _results_of(futures, end):
    take = futures.popleft
    try:
        while futures:
            # The head stays in the list while it is waited for, so that it is cancelled, too.
            futures[0]._wait(None if end is None else end - time.monotonic())
            yield take().result()
    finally:
        _give_up(futures)


def _give_up(futures):
    for future in futures:
        if not future.cancel():
            future.add_done_callback(_forget)


def _forget(_):
    """Tell a future that is given up that nobody misses its failure: see ``_lost``."""


class Calls:
    """The calls of one map that are submitted in chunks, or not all at once, or watched.

    buffersize: how many items may be taken and not yielded yet; None: any number. watched: futures
    that are done come through take_ended().
    """

    def __init__(self, executor, fn, iterables, chunksize, buffersize, watched):
        chunksize = chunksize if buffersize is None else min(chunksize, buffersize)
        self._submit = executor.submit
        self._fn = fn if chunksize == 1 else _CallEach(fn)
        self._items = zip(*iterables)
        self._chunksize = chunksize
        self._room = buffersize
        self._inbox = Inbox() if watched else None
        self.unseen = {}  # how many items each future stands for that take_ended() has not given
        self.futures = deque()

    def submit(self):
        """Submit as long as there are items, and room for a whole chunk of them."""
        while self._room is None or self._room >= self._chunksize:
            chunk = list(islice(self._items, self._chunksize))
            if not chunk:
                return
            if self._room is not None:
                self._room -= len(chunk)
            if self._chunksize == 1:
                future = self._submit(self._fn, *chunk[0])
            else:
                future = self._submit(self._fn, chunk)
            self.futures.append(future)
            if self._inbox is not None:
                self.unseen[future] = len(chunk)
                self._inbox.follow(future)

    def take_ended(self, end):
        """Return futures that are done and how many items they stand for; wait for the first.

        Raises: TimeoutError if none is done at the time *end*.
        """
        future = self._inbox.take(end)
        if future is None:
            raise concurrent.futures.TimeoutError
        futures, items = deque(), 0
        while future is not None:
            futures.append(future)
            items += self.unseen.pop(future)
            future = self._inbox.take_nowait()
        return futures, items

    def has_ended(self):
        """Whether take_ended() has something to give at once."""
        return self._inbox.has_some()

    def results(self, futures):
        """Take the first of *futures*, which is done, and yield its results, up to an error.

        Each makes room for one more item, which is taken and submitted first.
        """
        if self._chunksize == 1:
            self._make_room()
            yield futures.popleft().result()
            return
        results, error = futures.popleft().result()
        results = deque(results)
        while results:
            self._make_room()
            yield results.popleft()
        if error is not None:
            try:
                raise error
            finally:
                error = None  # it is in the traceback of itself

    def _make_room(self):
        if self._room is not None:
            self._room += 1
            self.submit()

    def close(self):
        """Give up what is not done."""
        if self._inbox is not None:
            self._inbox.close()
        _give_up(self.futures)
        _give_up(list(self.unseen))


def in_order(calls, end):
    """Yield results in the order of the inputs."""
    futures = calls.futures
    try:
        while futures:
            futures[0]._wait(None if end is None else end - time.monotonic())
            yield from calls.results(futures)
    finally:
        calls.close()


def in_order_with_progress(calls, end, progress):
    """The same; call progress(n) as soon as n more items are done."""
    futures = calls.futures
    try:
        while futures:
            while not futures[0].done() or calls.has_ended():
                progress(calls.take_ended(end)[1])
            yield from calls.results(futures)
        while calls.unseen:
            progress(calls.take_ended(end)[1])
    finally:
        calls.close()


def as_they_end(calls, end, progress):
    """Yield results in the order in which chunks end; call progress as above, unless None."""
    try:
        while calls.unseen:
            calls.futures.clear()  # those that are not done are in ``unseen``
            ended, items = calls.take_ended(end)
            if progress is not None:
                progress(items)
            while ended:
                yield from calls.results(ended)
    finally:
        calls.close()


class _CallEach:
    """Calls fn for each of a chunk. In a trace it is called chunk(name of fn)."""

    def __init__(self, fn):
        self._fn = fn
        self.__qualname__ = f"chunk({task_name(fn)})"

    def __call__(self, chunk):
        """Return the results up to the first error, and that error."""
        results = []
        try:
            for items in chunk:
                results.append(self._fn(*items))
        except BaseException as error:
            return results, error
        return results, None
