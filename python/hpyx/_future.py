"""``hpyx.Future``: a real ``concurrent.futures.Future`` that does not pay for its constructor.

Owns: the public class, and the view that the standard library's helpers get of it.
Called by: the native core (which makes instances), users, ``concurrent.futures.wait`` and friends.
Invariants: all state is the core's. ``_condition`` and ``_waiters`` come to life when the standard
library asks; from then on ``_state`` says "finished" only once those who wait there were told, as
``concurrent.futures.wait`` counts on.
Threads: any.
"""

import concurrent.futures
import logging
import threading
from concurrent.futures import _base

from . import (
    _lost,  # noqa: F401  (the core needs what it registers)
    _task_front,
)
from ._core_module import native
from ._task_front import has_lane

_logger = logging.getLogger("hpyx.futures")


class _StdlibView:
    """What ``concurrent.futures.wait`` and ``as_completed`` need of a future."""

    __slots__ = ("condition", "is_following", "told", "waiters")

    def __init__(self):
        self.condition = threading.Condition()
        self.waiters = []
        self.is_following = self.told = False


# Where there is a lane, what the core has is an heir of the class: see below.
_BASES = (
    (concurrent.futures.Future,) if has_lane else (native.FutureBase, concurrent.futures.Future)
)


class Future(*_BASES):
    """The result of a task that may not be there yet.

    Made by ``hpyx.async_``, ``hpyx.ready_future`` and ``hpyx.HPXExecutor.submit``;
    cannot be created or completed by hand. All methods may be called from any thread.
    """

    if native.probe()["runs_tasks_natively"]:

        def __setattr__(self, name, value):
            # A future with attributes may be part of a cycle: see docs/decisions.md.
            self._show_to_collector()
            super().__setattr__(name, value)

    def __reduce__(self):
        raise TypeError(
            f"cannot pickle or copy {type(self).__name__!r} object: it stands for a task of this "
            "process; take its result() instead"
        )

    def set_result(self, result):
        """Raise RuntimeError: the runtime alone completes its futures."""
        raise RuntimeError(_OWNED.format("set_result"))

    def set_exception(self, exception):
        """Raise RuntimeError: the runtime alone completes its futures."""
        raise RuntimeError(_OWNED.format("set_exception"))

    def set_running_or_notify_cancel(self):
        """Raise RuntimeError: the runtime alone starts its futures."""
        raise RuntimeError(_OWNED.format("set_running_or_notify_cancel"))

    def __await__(self):
        """Wait in a coroutine of asyncio or trio, without blocking its event loop.

        Raises: what the task raised; CancelledError (asyncio's, in asyncio) if it was cancelled.
        Threads and cancellation: cancelling the coroutine that waits cancels the task if it has
        not started; one that runs goes on, and its result is dropped.
        """
        try:
            if not self.done():
                yield from _wait_until_done(self)
            return self.result()
        except _TRANSLATED as error:
            from ._bridge import translated

            other = translated(error)
            if other is error:
                raise
            raise other from None
        finally:
            self = None  # it is in the traceback of its own exception

    def __repr__(self):
        state = _base._STATE_TO_DESCRIPTION_MAP[self._state]
        head = f"<{type(self).__name__} at {id(self):#x} state={state}"
        if self._state != _base.FINISHED:
            return head + ">"
        exception = self.exception()
        if exception is not None:
            return f"{head} raised {type(exception).__name__}>"
        return f"{head} returned {type(self.result()).__name__}>"

    @property
    def _state(self):
        view = self.__dict__.get("_stdlib_view")
        if view is not None and not view.told:
            return _base.RUNNING if self.running() or self.done() else _base.PENDING
        if self.done():
            return _base.CANCELLED_AND_NOTIFIED if self.cancelled() else _base.FINISHED
        return _base.RUNNING if self.running() else _base.PENDING

    @property
    def _condition(self):
        return self._view().condition

    @property
    def _waiters(self):
        return self._view().waiters

    @property
    def _result(self):
        return None if self._exception is not None or not self._has_ended() else self.result()

    @property
    def _exception(self):
        return self.exception() if self._has_ended() else None

    @property
    def _done_callbacks(self):
        return []

    def _has_ended(self):
        return self.done() and not self.cancelled()

    def _get_snapshot(self):
        """Return (done, cancelled, result, exception), for asyncio of Python 3.14 and newer."""
        if not self.done():
            return False, False, None, None
        if self.cancelled():
            return True, True, None, None
        return True, False, self._result, self._exception

    def _view(self):
        view = self.__dict__.get("_stdlib_view")
        if view is None:
            view = self.__dict__.setdefault("_stdlib_view", _StdlibView())
        if not view.is_following:  # or who made it was interrupted, or is about to do the same
            self.add_done_callback(_tell_stdlib)
            view.is_following = True
        return view


def _give(cls, members):
    # Not by a base class: PyPy gives an object the memory that its first base asks for.
    for name, member in members.items():
        setattr(cls, name, member)


_OfTheCore = Future
if has_lane:
    from . import _lane_future

    _give(Future, _lane_future.members)

    _OfTheCore = type("Future", (native.FutureBase, Future), {"__doc__": Future.__doc__})

    # What the lane makes: object's __init__ is the cheapest there, and the public one refuses.
    FutureInLane = type(
        "Future", (Future,), {"__doc__": Future.__doc__, "__init__": object.__init__}
    )

if not native.probe()["runs_tasks_natively"]:
    _give(_OfTheCore, _task_front.front.members)


def _wait_until_done(future):
    """Wait in a coroutine. Who awaits nothing never imports what event loops need."""
    global _wait_until_done
    from ._bridge import wait_until_done as _wait_until_done

    return _wait_until_done(future)


# What asyncio has classes of its own for.
_TRANSLATED = (concurrent.futures.CancelledError, concurrent.futures.TimeoutError)

_OWNED = (
    "Future.{}() is not available: the hpyx runtime owns the state of its futures. Use a "
    "concurrent.futures.Future of your own to hand over a result by hand"
)


def _tell_stdlib(future):
    """Tell those who wait through the standard library, as its own set_result does."""
    view = future.__dict__["_stdlib_view"]
    with view.condition:
        if view.told:
            return
        view.told = True
        if future.cancelled():
            for waiter in view.waiters:
                waiter.add_cancelled(future)
        elif future.exception() is not None:
            for waiter in view.waiters:
                waiter.add_exception(future)
        else:
            for waiter in view.waiters:
                waiter.add_result(future)
        view.condition.notify_all()


def _log_callback_error(future, exception):
    # A tuple, since logging would ask the exception whether it is true.
    info = type(exception), exception, exception.__traceback__
    _logger.error("exception calling callback for %r", future, exc_info=info)


native.register("Future", _OfTheCore)
native.register("None", None)
native.register("True", True)
native.register("False", False)
native.register("TimeoutError", concurrent.futures.TimeoutError)
native.register("CancelledError", concurrent.futures.CancelledError)
native.register("BrokenExecutor", concurrent.futures.BrokenExecutor)
native.register("log_callback_error", _log_callback_error)
