"""``HPXExecutor`` where tasks have a lane of their own in Python: see ``_lane``.

Owns: the tasks of one executor that are in the lane or run, and the half of the executor that is in
Python there: the native executor is a part of it, for the tasks that go through the core.
Called by: ``_executor``, ``_lane``, ``_lane_future``.
Invariant: a task counts in its group from its submission until those who watch it were told; after
close() none enters. Threads: any.
"""

from _thread import get_ident
from collections import deque

from ._core_module import native
from ._exit import stays_at_exit
from ._lane import entered, queue_if_waiting, waiting_in
from ._lane_future import Waiter
from ._python_tasks import OUR_CODE

_wait_for_others = stays_at_exit(native.ExecutorBase._wait)


class Group:
    """The tasks of one executor that the lane, and not the core, knows of."""

    __slots__ = ("in_core", "is_closed", "rings", "unfinished")

    def __init__(self):
        # One None each: adding and removing one is whole, which counting is not. No dictionary of
        # futures: hashing an object by its identity is dear on GraalPy.
        self.unfinished = deque()
        self.in_core = deque()  # the futures of those that the core took over
        self.is_closed = False
        self.rings = []

    def refuse(self):
        """A task was submitted after close(). Raises: RuntimeError."""
        self.leave()
        raise RuntimeError("cannot schedule new futures after shutdown")

    def leave(self):
        """A task has ended."""
        self.unfinished.pop()
        self.look()

    def look(self):
        """Wake who waits for the end of all tasks, if it has come."""
        if not self.unfinished:
            for ring in list(self.rings):
                ring()

    def close(self, cancels):
        """Let no more tasks in; cancel those that have not started, if asked to."""
        self.is_closed = True
        escaped = None
        for future in [*self.in_core, *waiting_in(self)] if cancels else ():
            try:
                future.cancel()
            except BaseException as error:  # a callback let it through
                escaped = escaped or error
        if escaped is not None:
            raise escaped

    def wait(self):
        """Wait until no task is unfinished."""
        waiter = Waiter.take()
        self.rings.append(waiter.ring)
        try:
            while self.unfinished:
                queue_if_waiting()
                waiter.wait(None)
        finally:
            self.rings.remove(waiter.ring)
            waiter.give_back()

    def is_entered(self):
        """Whether the calling thread is inside one of the tasks."""
        return any(group is self for group in entered.get(get_ident(), ()))

    def packed(self, call):
        """The call of a task that the core takes over: it counts here nevertheless."""
        context, call = call
        return context, (_run_in_group, self, *call)


def _run_in_group(group, fn, *args):
    groups = entered.setdefault(get_ident(), deque())
    groups.append(group)
    try:
        return fn(*args)
    finally:
        groups.pop()


OUR_CODE.add(_run_in_group.__code__)


# What follows becomes part of the class HPXExecutor.

_core = _group = None


def _set_up(self, initializer):
    core = native.ExecutorBase() if self._core is None else self._core
    native.set_up_executor(core, initializer)
    self._core = core
    # The core runs initializers, once on each of its threads.
    self._group = Group() if initializer is None else None


def _native(self):
    """Return the native executor. Raises: RuntimeError if there is none."""
    if self._core is None:
        raise RuntimeError("HPXExecutor.__init__ was not called: call super().__init__() first")
    return self._core


def _close(self, cancel_futures):
    core = self._native()
    try:
        if self._group is not None:
            self._group.close(cancel_futures)
    finally:
        core._close(cancel_futures)


def _wait(self):
    core = self._native()
    if self._group is not None:
        if self._group.is_entered():
            raise RuntimeError(
                "a task cannot wait for the shutdown of its own executor: write "
                "shutdown(wait=False)"
            )
        self._group.wait()
    _wait_for_others(core)
