"""A future that Python keeps, all of it, until something native is needed: see ``_lane``.

Owns: the methods of such futures, and how the core takes one over. Called by: ``_future``, whose
class they become part of, and ``_lane``, which makes, starts and ends these futures.
Invariants: ``_hpyx_call`` is the context and the call, until the task starts, is cancelled, or
becomes one of the core, when it is ``TAKEN``. Who starts it says so by that, and looks at
``_hpyx_wanted_by`` after it; who wants to cancel it, or to give it to the core, sets that first,
under the lock, and looks at the call after it. So one sees the other, and what the lock says
counts. A value or an error is there before those who wait are told; whoever adds one who is to be
told looks for the outcome after that, so one of the two tells. Where the core has taken over
(``_hpyx_core``) its future decides, and the outcome is copied from there. A task that had started
before is followed instead (``_hpyx_follower``).
Threads: any. ``_lock`` is for what is rare; whatever an ordinary task goes through is one operation
of a list, a deque or an attribute, each of which other threads see whole, as there is a GIL.
Interrupts: a signal handler may raise between any two operations in the main thread. What is to
happen together happens by one assignment, of ``_hpyx_error`` or ``_hpyx_core``.
"""

import concurrent.futures
import threading
import traceback
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


class Place:
    """Where tasks run, one inside the other: ``group`` is that of the executor, or None."""

    __slots__ = ("group",)

    def __init__(self, group=None):
        self.group = group


class Here(threading.local):
    """What the calling thread is: of the pool, or not, and inside of what."""

    # What it waits for, it may run itself.
    is_pool = False

    def __init__(self):
        self.places = []


here = Here()

# In the place of the call.
TAKEN = ()

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


def _refuse(self, *args, **kwargs):
    raise TypeError(
        "a hpyx.Future cannot be created directly: write hpyx.async_(fn, *args) or "
        "hpyx.ready_future(value)"
    )


class _NoCall:
    """The call of a future that no submission made."""

    def __get__(self, instance, owner):
        _refuse(instance)


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


def _locked(do, *args):
    """Return do(*args), called while no other thread is in here.

    Not ``with``: on GraalPy a signal handler that raises may keep that from letting go of its lock.
    """
    if _lock._is_owned():
        return do(*args)
    try:
        _lock.acquire()
        outcome = do(*args)
        _lock.release()
        return outcome
    except BaseException:
        if _lock._is_owned():
            _lock.release()
        raise


def watch(future, tell):
    """Have tell(future) called when there is an outcome, and return an entry for ``take_back``.

    Look whether the outcome is there after this; if so, take the entry back and call tell, unless
    somebody else does.
    """
    entry = [tell]
    watchers = future._hpyx_watchers
    if watchers is None:
        watchers = future.__dict__.setdefault("_hpyx_watchers", deque())
    watchers.append(entry)
    return entry


def take_back(future, entry):
    """Nobody is to be told any more what an entry says. False: somebody is, or was, told."""
    try:
        entry.pop()
    except IndexError:
        return False
    _drop(future, entry)
    return True


def _drop(future, entry):
    try:
        future._hpyx_watchers.remove(entry)  # or another one that is empty: it compares lists
    except ValueError:
        pass  # who tells has found it empty, or the other way round


def tell_watchers(future):
    """Tell those who watch, each once; return the first exception that is not to be logged."""
    escaped = None
    watchers = future._hpyx_watchers
    while watchers:
        try:
            entry = watchers[0]  # it stays there, and is empty, until it was told
        except IndexError:
            break  # it was taken back
        error = _call_and_log(entry, future)
        _drop(future, entry)
        if escaped is None:
            escaped = error
        elif error is not None:
            log(future, error)
    return escaped


def tell_watchers_and_log(future):
    """The same, by a thread that has nobody to raise anything to."""
    escaped = tell_watchers(future)
    if escaped is not None:
        log(future, escaped)


def _raise_escaped(future):
    """The same, by one that has."""
    try:
        escaped = tell_watchers(future)
    except BaseException:
        tell_watchers_and_log(future)
        raise
    if escaped is not None:
        try:
            raise escaped
        finally:
            escaped = None


def _call_and_log(entry, future):
    tell = None
    try:
        (tell := entry.pop())(future)
    except Exception as error:
        if tell is not None:
            log(future, error)
        elif entry:  # else it was taken back
            raise
    except BaseException as error:
        if tell is None:  # a signal handler's, before the call
            raise
        return error
    return None


def log(future, error):
    from ._future import _log_callback_error

    try:
        _log_callback_error(future, error)
    except BaseException:  # a handler's; a thread of the pool must not die of it
        traceback.print_exc()


def core_of(future):
    """Return the future of the core that stands for this one, wherever native code is to have it.

    A task that has not started is the core's from then on; it starts when its turn in the lane has
    come, or on the stack of a thread of the pool that waits for it.
    """
    return _locked(_core_of, future)


def _core_of(future):
    core = future._hpyx_core
    if core is None:
        core = future._hpyx_follower
    if core is None:
        core = _take_over(future)
    if core is None:
        core = _new_follower(future)
    return core


def _take_over(future):
    """Make the task one of the core. None: it has started, or was cancelled."""
    call, group = future._hpyx_call, future._hpyx_group
    if call is TAKEN or future._hpyx_error is not None:
        return None
    core = native.new_for_lane(False)
    context, call = call[0], call[1:]
    if group is not None:
        call = group.call_inside, *call
    core._hpyx_task = [no_value, (context, call), None]
    core.add_done_callback(partial(_core_has_ended, future))
    try:
        if group is not None:
            group.in_core.append(future)
        future._hpyx_wanted_by = True
        if future._hpyx_call is TAKEN:
            return None
        future._hpyx_core = core
        future._hpyx_call = TAKEN
        if future._hpyx_error is not None:  # by a signal handler, which the lock does not keep out
            core.cancel()
    finally:
        if future._hpyx_core is not core:
            _remove(future, group)
    return core


def _new_follower(future):
    promise = native.new_for_lane(True)
    settle = partial(_settle, promise)
    entry = watch(future, settle)
    if is_over(future) and take_back(future, entry):
        settle(future)
    future._hpyx_follower = promise
    return promise


def _remove(future, group):
    if group is not None:
        try:
            group.in_core.remove(future)
        except ValueError:
            pass


def was_taken(future):
    """Whether a task is not to be started: it was cancelled, or is the core's."""
    return _is_taken(future) or _locked(_is_taken, future)


def _is_taken(future):
    return future._hpyx_core is not None or future._hpyx_error is not None


def end_unstarted(future, error, tell):
    """Let this be the end of a task, if it waits in the lane, and call tell(future) then.

    False: it has started, or ended, or is the core's.
    """
    me = object()
    try:
        _locked(_end_unless_taken, future, error, me)
        if not _was_ended_by(me, future, error):
            return False
        _leave(future)
        tell(future)
        return True
    except BaseException:  # a callback's, or a signal handler's: what has ended has ended
        if _was_ended_by(me, future, error):
            _leave(future)
            tell_watchers_and_log(future)
        raise


def _was_ended_by(who, future, error):
    return future._hpyx_wanted_by is who and future._hpyx_error is error


def _end_unless_taken(future, error, who):
    if not _is_taken(future) and future._hpyx_call is not TAKEN:
        future._hpyx_wanted_by = who
        if future._hpyx_call is not TAKEN:
            future._hpyx_error = error
            future._hpyx_call = TAKEN
            if future._hpyx_core is not None:  # by a signal handler, as above
                future._hpyx_core.cancel()


def _leave(future):
    group = future.__dict__.pop("_hpyx_group", None)
    if group is not None:
        group.leave()


def _core_has_ended(future, core):
    if future._hpyx_value is no_value and future._hpyx_error is None:
        _copy_outcome(future, core)
    group = future._hpyx_group
    if group is None or future._hpyx_error is CANCELLED:
        _remove(future, group)
        _leave(future)
        _raise_escaped(future)
        return
    try:
        group.call_inside(_raise_escaped, future)
    finally:
        _remove(future, group)
        _leave(future)


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
        if here.is_pool:
            _wait_natively(core_of(self), timeout)
            is_over(self)
        else:
            _wait_outside(self, None if timeout is None else monotonic() + timeout)
    if self._hpyx_error is CANCELLED:
        raise concurrent.futures.CancelledError


def _wait_outside(future, end):
    """Wait on a thread that is not the pool's: no task could go on in its place."""
    waiter = Waiter.take()
    entry = watch(future, waiter.ring)
    try:
        while not is_over(future):
            left = None if end is None else end - monotonic()
            if left is not None and not left > 0:  # it may be no number
                raise concurrent.futures.TimeoutError
            waiter.wait(left)
    finally:
        take_back(future, entry)
        waiter.give_back()


def done(self):
    return is_over(self)


def running(self):
    if is_over(self):
        return False
    is_running = _locked(_is_running_here, self)
    return self._hpyx_core.running() if is_running is None else is_running


def _is_running_here(future):
    """Whether a task runs that the core does not have. None: the core has it."""
    if future._hpyx_core is not None:
        return None
    return future._hpyx_call is TAKEN and future._hpyx_error is None


def cancelled(self):
    return is_over(self) and self._hpyx_error is CANCELLED


def cancel(self):
    """Cancel the task if it has not started. Return whether it is cancelled."""
    if is_over(self):
        return self._hpyx_error is CANCELLED
    if end_unstarted(self, CANCELLED, _raise_escaped):
        return True
    core = self._hpyx_core
    if core is None:
        return self._hpyx_error is CANCELLED
    try:
        return core.cancel()
    finally:  # a signal handler may have kept the core's callback from all that it does
        if core.cancelled():
            _core_has_ended(self, core)


def add_done_callback(self, fn):
    if not is_over(self):
        entry = watch(self, fn)
        if not (is_over(self) and take_back(self, entry)):
            return
    error = _call_and_log([fn], self)
    if error is not None:
        try:
            raise error
        finally:
            error = None


def follow(self, fn, bell):
    """add_done_callback(fn), until ``_unfollow``; the bell is for those of the core."""
    add_done_callback(self, fn)


def unfollow(self, fn):
    """Do not call the method *fn* any more, which was given to ``_follow``."""
    for entry in list(self._hpyx_watchers or ()):
        tell = next(iter(entry), None)
        if type(tell) is type(fn) and tell == fn:  # of methods: no code of others is called
            take_back(self, entry)


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
    "__init__": _refuse,
    "_hpyx_call": _NoCall(),
    "_hpyx_wanted_by": None,
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
    "_unfollow": unfollow,
    "then": then,
    "share": share,
}
