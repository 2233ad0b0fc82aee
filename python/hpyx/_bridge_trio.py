"""The bridge of a trio run: see ``_bridge``, whose rules hold here too.

Owns: one bridge per ``trio.run``. Called by: ``_bridge.current_bridge``, inside a trio task.
Threads: as ``_bridge``.
"""

import math
from functools import partial

import trio

from ._bridge import Bridge

_bridge = trio.lowlevel.RunVar("hpyx bridge")


class _Waiter:
    """One wait of one task."""

    __slots__ = ("abandoned", "is_over", "task")

    def __init__(self, abandoned):
        self.abandoned = abandoned
        self.is_over = False  # told, or cancelled, a time-out included
        self.task = trio.lowlevel.current_task()

    def tell(self, _):
        if not self.is_over:
            self.is_over = True
            trio.lowlevel.reschedule(self.task)

    def abort(self, _):
        self.is_over = True
        if self.abandoned is not None:
            self.abandoned()
        return trio.lowlevel.Abort.SUCCEEDED


class _TrioBridge(Bridge):
    """The bridge of one run."""

    def __init__(self, token):
        super().__init__()
        self._token = token

    def wake(self):
        self._token.run_sync_soon(self._drain)

    def describe(self):
        return "the trio run"

    def was_cancelled(self, waiter):
        return isinstance(waiter, _Waiter) and waiter.is_over

    def wait(self, subscribe, abandoned=None, seconds=None):
        """Wait in a coroutine until the done callback that *subscribe* is given was called.

        abandoned: called if the coroutine is cancelled meanwhile. seconds: how long at most.
        """
        waiter = _Waiter(abandoned)
        subscribe(partial(self.deliver, waiter.tell))
        with trio.move_on_after(math.inf if seconds is None else seconds):
            yield from trio.lowlevel.wait_task_rescheduled(waiter.abort).__await__()

    def translated(self, error):
        """What a coroutine sees of *error*: itself."""
        return error


def current_trio_bridge():
    """Return the bridge of the trio run that the caller is in."""
    try:
        return _bridge.get()
    except LookupError:
        bridge = _TrioBridge(trio.lowlevel.current_trio_token())
        _bridge.set(bridge)
        return bridge
