"""``HPXExecutor`` where tasks have a lane of their own in Python: see ``_lane``.

Owns: the tasks of one executor that are in the lane or run, and the half of the executor that is in
Python there: the native executor is a part of it, for the tasks that go through the core.
Called by: ``_executor``, ``_lane``, ``_lane_future``.
Invariant: a task counts in its group from its submission until those who watch it were told; after
close() none enters. Threads: any.
"""

from collections import deque
from time import monotonic

from ._core_module import native
from ._exit import stays_at_exit
from ._lane import queue_if_waiting, runs, waiting_in
from ._lane_future import Place, Waiter, here
from ._python_tasks import OUR_CODE

_wait_for_others = stays_at_exit(native.ExecutorBase._wait)

# Seconds between two looks, of who waits for all tasks, whether there is any at all.
_LOOK = 1.0


class Group:
    """The tasks of one executor that the lane, and not the core, knows of."""

    # No slots: on GraalPy reading one takes twice as long as reading an ordinary attribute.

    def __init__(self):
        # One None each: adding one is whole, which counting is not. No dictionary of futures:
        # hashing an object by its identity is dear on GraalPy.
        self.unfinished = []
        self.count_in = self.unfinished.append
        self.in_core = deque()  # the futures of those that the core took over
        self.is_closed = self.cancels = False
        self.rings = []

    def refuse(self):
        """A task was submitted after close(). Raises: RuntimeError."""
        self.leave()
        raise RuntimeError("cannot schedule new futures after shutdown")

    def leave(self, count=1):
        """So many tasks have ended. Wake who waits for the end of all, if it has come."""
        del self.unfinished[:count]
        if self.rings and not self.unfinished:
            for ring in list(self.rings):
                ring()

    def close(self, cancels):
        """Let no more tasks in; cancel those that have not started, if asked to."""
        self.cancels = self.cancels or cancels
        self.is_closed = True
        escaped = None
        for future in [*self.in_core, *waiting_in(self)] if cancels else ():
            try:
                future.cancel()
            except BaseException as error:  # a callback let it through
                escaped = escaped or error
        if escaped is not None:
            raise escaped

    def cancel_late(self, future):
        """It may have come after close() looked for those to cancel, though counted before."""
        if self.cancels:
            future.cancel()

    def wait(self):
        """Wait until no task is unfinished. Called after close()."""
        waiter = Waiter.take()
        self.rings.append(waiter.ring)
        missing_since = None
        try:
            while self.unfinished:
                queue_if_waiting()
                waiter.wait(_LOOK)
                # A signal handler that raised may have left a task counted and not queued.
                if waiting_in(self) or self.in_core or runs(self):
                    missing_since = None
                elif missing_since is None:
                    missing_since = monotonic()
                elif monotonic() - missing_since >= _LOOK:
                    return
        finally:
            self.rings.remove(waiter.ring)
            waiter.give_back()

    def is_entered(self):
        """Whether the calling thread is inside one of the tasks."""
        return any(place.group is self for place in here.places)

    def call_inside(self, fn, *args):
        """Return fn(*args), called as a part of one of the tasks."""
        here.places.append(Place(self))
        try:
            return fn(*args)
        finally:
            here.places.pop()


OUR_CODE.add(Group.call_inside.__code__)


# What follows becomes part of the class HPXExecutor.

_hpyx_core = _hpyx_group = None


def _set_up(self, initializer):
    core = native.ExecutorBase() if self._hpyx_core is None else self._hpyx_core
    native.set_up_executor(core, initializer)
    self._hpyx_core = core
    # The core runs initializers, once on each of its threads.
    self._hpyx_group = Group() if initializer is None else None


def _hpyx_native(self):
    """Return the native executor. Raises: RuntimeError if there is none."""
    if self._hpyx_core is None:
        raise RuntimeError("HPXExecutor.__init__ was not called: call super().__init__() first")
    return self._hpyx_core


def _close(self, cancel_futures):
    core = self._hpyx_native()
    try:
        if self._hpyx_group is not None:
            self._hpyx_group.close(cancel_futures)
    finally:
        core._close(cancel_futures)


def _wait(self):
    core, group = self._hpyx_native(), self._hpyx_group
    if group is not None and group.is_entered():
        raise RuntimeError(
            "a task cannot wait for the shutdown of its own executor: write shutdown(wait=False)"
        )
    _wait_for_others(core)  # first: it refuses a task of the core
    if group is not None:
        group.wait()
