"""A future that Python keeps, all of it, until something native is needed: see ``_lane``.

Owns: the methods of such futures, and how the core takes one over. Called by: ``_future``, whose
class they become part of, and ``_lane``, which makes, starts and ends these futures.
Invariants: ``_hpyx_call`` is a list with the packed call; who takes it out starts the task, cancels
it, or gives it to the core, and puts ``TAKEN`` in the place of the list, as GraalPy's lists hold on
to what was taken off their end. A value or an error is there before those who wait are told;
whoever adds one who is to be told looks for the outcome after that, so one of the two tells. Where
the core has taken over (``_hpyx_core``) its future decides, and the outcome is copied from there. A
task that had started before is followed instead (``_hpyx_follower``).
Threads: any. ``_lock`` is for what is rare; whatever an ordinary task goes through is one operation
of a list, a deque or an attribute, each of which other threads see whole, as there is a GIL.
"""

import concurrent.futures
import threading
import traceback
from _thread import get_ident
from collections import deque
from functools import partial
from time import monotonic

from . import _python_tasks
from ._core_module import native
from ._exit import stays_at_exit
from ._python_tasks import no_callable_for_then, no_value, submitters_context

_lock = threading.RLock()
_wait_for_bell = stays_at_exit(native.Bell.wait)
_wait_natively = stays_at_exit(native.FutureBase._wait)
_dependent = native.dependent

# Threads of the pool; what they wait for they may run themselves.
pool_threads = set()

# In the place of the call.
TAKEN = []

# In the place of the error of a future that was cancelled.
CANCELLED = object()


_unused_waiters = []


class Waiter:
    """Something to wait with; there are as many as threads have ever waited at the same time.

    A late ring for an earlier wait ends a later one early: who waits looks again.
    """

    __slots__ = ("_bell", "ring")

    @classmethod
    def take(cls):
        """Return one that nobody uses."""
        try:
            return _unused_waiters.pop()
        except IndexError:
            waiter = cls()
            waiter._bell = native.new_bell()
            waiter.ring = waiter._bell.ring
            return waiter

    def wait(self, seconds):
        """Wait until ring() is called, or so long (None: without limit)."""
        _wait_for_bell(self._bell, seconds)

    def give_back(self):
        """Nobody uses it any more."""
        _unused_waiters.append(self)


def _refuse_new(cls, *args, **kwargs):
    raise TypeError(
        "a hpyx.Future cannot be created directly: write hpyx.async_(fn, *args) or "
        "hpyx.ready_future(value)"
    )


class _NoCall:
    """The call of a future that no submission made."""

    def __get__(self, instance, owner):
        _refuse_new(owner)


def is_over(future):
    """Whether there is an outcome. One that the core has is copied."""
    if future._hpyx_value is not no_value or future._hpyx_error is not None:
        return True
    core = future._hpyx_core
    if core is None:
        future._hpyx_call  # noqa: B018  (raises if no submission made this future)
        return False
    if not core.done():
        return False
    _copy_outcome(future, core)
    return True


def _copy_outcome(future, core):
    error = CANCELLED if core.cancelled() else core._hpyx_error
    if error is None:
        future._hpyx_value = core._hpyx_value
    else:
        future._hpyx_error = error


def watch(future, tell):
    """Have tell(future) called when there is an outcome: look whether it is there after this."""
    with _lock:
        watchers = future._hpyx_watchers
        if watchers is None:
            watchers = future._hpyx_watchers = deque()
    watchers.append(tell)


def tell_watchers(future):
    """Tell those who watch, each once; return the first exception that is not to be logged."""
    escaped = None
    watchers = future._hpyx_watchers
    while watchers:
        try:
            tell = watchers.popleft()
        except IndexError:
            break
        error = _call_and_log(tell, future)
        if escaped is None:
            escaped = error
        elif error is not None:
            _log(future, error)
    return escaped


def tell_watchers_and_log(future):
    """The same, by a thread that has nobody to raise anything to."""
    escaped = tell_watchers(future)
    if escaped is not None:
        _log(future, escaped)


def _call_and_log(tell, future):
    try:
        tell(future)
    except Exception as error:
        _log(future, error)
    except BaseException as error:
        return error
    return None


def _log(future, error):
    from ._future import _log_callback_error

    try:
        _log_callback_error(future, error)
    except BaseException:  # a handler's; a thread of the pool must not die of it
        traceback.print_exc()


def _raise_escaped(future):
    escaped = tell_watchers(future)
    if escaped is not None:
        try:
            raise escaped
        finally:
            escaped = None


def core_of(future):
    """Return the future of the core that stands for this one, wherever native code is to have it.

    A task that has not started is the core's from then on; it starts when its turn in the lane has
    come, or on the stack of a thread of the pool that waits for it.
    """
    with _lock:
        if future._hpyx_core is None and future._hpyx_follower is None and not _take_over(future):
            promise = native.new_for_lane(True)
            future._hpyx_follower = promise
            watch(future, partial(_settle, promise))
            if is_over(future):
                tell_watchers_and_log(future)
        core = future._hpyx_core
        return future._hpyx_follower if core is None else core


def _take_over(future):
    call = future._hpyx_call
    try:
        packed = call[0]
    except IndexError:
        return False
    core = native.new_for_lane(False)
    group = future._hpyx_group
    core._hpyx_task = [no_value, packed if group is None else group.packed(packed)]
    core.add_done_callback(partial(_core_has_ended, future))
    if group is not None:
        group.in_core.append(future)
    future._hpyx_core = core
    try:
        call.pop()
    except IndexError:
        future._hpyx_core = None
        if group is not None:
            group.in_core.remove(future)
        return False
    future._hpyx_call = TAKEN
    return True


def was_taken_over(future):
    """Whether the core has the task: it was not cancelled, nor started elsewhere."""
    with _lock:
        return future._hpyx_core is not None


def _core_has_ended(future, core):
    if future._hpyx_value is no_value and future._hpyx_error is None:
        _copy_outcome(future, core)
    group = future._hpyx_group
    if group is not None:
        group.in_core.remove(future)
        group.leave()
    _raise_escaped(future)


def _settle(promise, future):
    error = future._hpyx_error
    if error is None:
        native.settle(promise, "value", future._hpyx_value)
    elif error is CANCELLED:
        native.settle(promise, "cancelled", None)
    else:
        native.settle(promise, "error", error)


# What follows becomes part of the class Future.


def result(self, timeout=None):
    value = self._hpyx_value
    if value is not no_value:
        return value
    if self._hpyx_error is None:
        self._wait(timeout)
        if self._hpyx_error is None:
            return self._hpyx_value
    error = self._hpyx_error
    if error is CANCELLED:
        raise concurrent.futures.CancelledError
    try:
        raise error
    finally:
        self = error = None


def exception(self, timeout=None):
    self._wait(timeout)
    return self._hpyx_error


def wait(self, timeout):
    """Wait for the outcome; raise TimeoutError or CancelledError as result() does."""
    if not is_over(self):
        if get_ident() in pool_threads:
            _wait_natively(core_of(self), timeout)
            is_over(self)
        else:
            _wait_outside(self, None if timeout is None else monotonic() + timeout)
    if self._hpyx_error is CANCELLED:
        raise concurrent.futures.CancelledError


def _wait_outside(future, end):
    """Wait on a thread that is not the pool's: no task could go on in its place."""
    waiter = Waiter.take()
    watch(future, waiter.ring)
    try:
        while not is_over(future):
            left = None if end is None else end - monotonic()
            if left is not None and left <= 0:
                raise concurrent.futures.TimeoutError
            waiter.wait(left)
    finally:
        forget(future, waiter.ring)
        waiter.give_back()


def forget(future, tell):
    """What ``watch`` was given need not be called any more."""
    watchers = future._hpyx_watchers
    if watchers:
        try:
            watchers.remove(tell)
        except ValueError:
            pass  # it was told


def done(self):
    return is_over(self)


def running(self):
    if is_over(self):
        return False
    with _lock:
        core = self._hpyx_core
        if core is None:
            return not self._hpyx_call and self._hpyx_error is None
    return core.running()


def cancelled(self):
    return is_over(self) and self._hpyx_error is CANCELLED


def cancel(self):
    """Cancel the task if it has not started. Return whether it is cancelled."""
    if is_over(self):
        return self._hpyx_error is CANCELLED
    with _lock:
        core = self._hpyx_core
        if core is None:
            try:
                self._hpyx_call.pop()
            except IndexError:
                return self._hpyx_error is CANCELLED
            self._hpyx_call = TAKEN
            self._hpyx_error = CANCELLED
    if core is not None:
        return core.cancel()
    group = self._hpyx_group
    if group is not None:
        group.leave()
    _raise_escaped(self)
    return True


def add_done_callback(self, fn):
    if not is_over(self):
        watch(self, fn)
        if is_over(self):
            _raise_escaped(self)
        return
    error = _call_and_log(fn, self)
    if error is not None:
        try:
            raise error
        finally:
            error = None


def follow(self, fn, bell):
    """add_done_callback(fn), until ``_unfollow``; the bell is for those of the core."""
    add_done_callback(self, fn)


def then(self, fn, /):
    if not callable(fn):
        raise no_callable_for_then()
    return _dependent((fn, (self,), {}, submitters_context()), core_of(self))


def share(self):
    """Return a shareable view: the future itself, whose result may be taken many times."""
    return self


for _function in (result, exception, done, running, cancelled, add_done_callback, then):
    _function.__doc__ = getattr(_python_tasks, _function.__name__).__doc__

members = {
    "__new__": _refuse_new,
    "_hpyx_call": _NoCall(),
    "_hpyx_value": no_value,
    "_hpyx_error": None,
    "_hpyx_watchers": None,
    "_hpyx_core": None,
    "_hpyx_follower": None,
    "_hpyx_group": None,
    "result": result,
    "exception": exception,
    "_wait": wait,
    "done": done,
    "running": running,
    "cancelled": cancelled,
    "cancel": cancel,
    "add_done_callback": add_done_callback,
    "_follow": follow,
    "_unfollow": forget,
    "then": then,
    "share": share,
}
