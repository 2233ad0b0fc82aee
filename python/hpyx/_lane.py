"""The lane: the queue of tasks that come from outside the pool, kept in Python (GraalPy).

There, making a native object, or calling native code, costs more than all that Python does for a
task. So a future of such a task is a Python object (``_lane_future``), the queue is a deque, and
the core knows of the lane as a whole: while something is in the lane, the lane is in the core's
queue once, like a task. A thread of the pool that gets it runs tasks of the lane for a while. So
the core wakes, steals, calls spares and ends as it does everywhere. A few tasks at a time, what
tasks submit, what depends on other futures, and everything while it is traced, goes through the
core (see ``_list_tasks``).
Called by: ``_submit``, ``_executor``, ``_lane_executor``, ``_runtime`` (opens and closes it, runs
the threads), ``_trace``, ``debug``.
Invariants: while something is in ``_waiting``, the lane is in the core's queue, or somebody is
about to put it there. ``_is_queued`` is true only then: who puts it there says so before, the
thread that gets it says no and looks into ``_waiting`` after that. (Twice in the queue, as when two
submitters look at the same time, does no harm.) Tasks start in the order of their submission:
nothing goes through the core while the lane has, or runs, any. Except for tasks of an executor with
an initializer, and when tracing is turned on: these may overtake what is in the lane.
Threads: any; ``run_thread`` and what it calls, on the pool's.
"""

from collections import deque
from contextvars import Context, copy_context
from time import monotonic

from . import _python_tasks
from ._core_module import native
from ._future import FutureInLane
from ._lane_future import (
    TAKEN,
    Place,
    end_unstarted,
    here,
    log,
    tell_watchers_and_log,
    was_taken,
)
from ._list_tasks import run_future
from ._python_tasks import (
    ASYNC,
    OUR_CODE,
    SUBMIT,
    blank_futures,
    call_with_keywords,
    no_callable,
    no_value,
    trimmed,
)

# Seconds that a thread gives to tasks of the lane before others have their turn, and the core sees
# that something has ended. Looking at the clock costs as much as other parts of a task: while
# so many take less than _SHORT seconds, it is looked at after each _STRIDE of them.
_TURN = 0.002
_SHORT = 0.0005
_ONE, _STRIDE = range(1), range(8)

_waiting = deque()
_put = _waiting.append
_is_queued = False
_new_future = native.new_future
_queue = native.FutureBase._queue
_queue_for = native.ExecutorBase._queue
_queue_natively = native.queue_lane
_lane_was_run = native.lane_was_run

# The runtime runs, and its tasks are neither traced nor deferred.
_is_open = False
_is_running = _is_traced = False

# No thread of the pool is left.
_is_over = False

# The places of threads that run tasks of the lane now.
_running = []

# How many tasks went through the core since one of the core's has started. A few at a time are
# better off there: a round trip is shorter, and a lane that runs empty again and again costs more
# than it saves. So the lane is for what comes when this has reached FEW.
_in_core = 0
FEW = 64

# What stands for the lane in the core's queue.
_stand_in = None


def async_(*call, **kwargs):
    global _in_core
    if not call or not callable(call[0]):
        raise no_callable(ASYNC, *call)
    if kwargs:
        call = call_with_keywords, call[0], call[1:], kwargs
    is_busy = _is_queued or _waiting or _running or _in_core >= FEW
    if is_busy and _is_open and not here.is_pool:
        future = FutureInLane()
        future._hpyx_call = (copy_context(), *call)
        _put(future)
        if not _is_queued:
            _queue_or_refuse(future)
        return future
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (copy_context(), call), None]
    _in_core += 1  # about: an addition that another thread's undoes does not matter
    blank_futures.append(_queue(future))
    return future


def submit(self, /, *call, **kwargs):
    global _in_core
    if not call or not callable(call[0]):
        raise no_callable(SUBMIT, *call)
    if kwargs:
        call = call_with_keywords, call[0], call[1:], kwargs
    if _is_queued or _waiting or _running or _in_core >= FEW:
        group = self._hpyx_group
        if group and _is_open and not here.is_pool:
            future = FutureInLane()
            future._hpyx_call = (copy_context(), *call)
            future._hpyx_group = group
            count_in = group.count_in  # in two steps: as a method call it takes thrice as long
            count_in(None)
            if group.is_closed:  # else whoever closes it, and waits then, finds it counted
                group.refuse()
            _put(future)
            if group.is_closed:
                group.cancel_late(future)
            if not _is_queued:
                _queue_or_refuse(future)
            return future
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (copy_context(), call), None]
    _in_core += 1  # about: an addition that another thread's undoes does not matter
    blank_futures.append(_queue_for(self._hpyx_core or self._hpyx_native(), future))
    return future


for _function in (async_, submit):
    # What it promises, and the signature that tools show, is that of the functions for PyPy.
    _function.__wrapped__ = getattr(_python_tasks, _function.__name__)
    _function.__doc__ = _function.__wrapped__.__doc__


def _queue_lane():
    """Put the lane into the core's queue. False: perhaps nobody looks there."""
    global _is_queued
    try:
        _is_queued = True
        return _queue_natively()
    except BaseException:
        # A signal handler raised, before or after the lane was queued, and others count on it.
        _is_queued = False
        queue_if_waiting()
        raise


def queue_if_waiting():
    """Do so for who waits for the lane: a signal handler may have kept a submitter from it."""
    if _waiting and not _is_queued:
        _queue_or_refuse(None)


def _queue_or_refuse(future):
    global _is_queued
    if _queue_lane() or _running:  # who runs tasks of the lane looks into the queue once more
        return
    # The pool closes, and its threads may have gone: what they leave ends with the last of them.
    if _is_over:
        _is_queued = False
        is_refused = future in _end_all()
    else:
        is_refused = future is not None and _give_up(future)
    if is_refused:
        native.new_future()  # raises what there is to say
        raise RuntimeError(_CLOSED)


def _end_all():
    """End what waits, since no thread will come, and return it: also what others have just added.

    Who adds something looks at ``_is_queued`` after that, which was set before this.
    """
    return [future for future in list(_waiting) if _give_up(future)]


def _give_up(future):
    if end_unstarted(future, RuntimeError(_CLOSED), tell_watchers_and_log):
        return True
    try:
        future.cancel()  # if it is the core's
    except BaseException as error:  # a callback's
        log(future, error)
    return False


_CLOSED = "cannot schedule new futures after interpreter shutdown"


def waiting():
    """Return how many tasks wait for a thread here, less what stands for them in the core's queue.

    Those that were cancelled, or taken over by the core, count until their turn has come.
    """
    return len(_waiting) - (1 if _is_queued else 0)


def runs(group):
    """Whether any thread runs tasks of the group, in the lane."""
    return any(place.group is group for place in list(_running))


def waiting_in(group):
    """Return the futures of a group whose turn in the lane has not come, in order."""
    return [future for future in list(_waiting) if future._hpyx_group is group]


def runtime_started(defers):
    """The runtime runs from now on. defers: tasks are left to whoever asks for their results."""
    global _is_running, _stand_in
    if _stand_in is None:
        _stand_in = native.register("lane", native.new_promise())
    _is_running = not defers
    _open_or_close()


def runtime_closes():
    """No more tasks come."""
    global _is_running
    _is_running = False
    _open_or_close()


def runtime_is_over():
    """The last thread of the pool has ended."""
    global _is_over, _is_queued
    _is_over = True
    _is_queued = False
    _end_all()


def trace(is_on):
    """The core, which writes the trace, is to see every task."""
    global _is_traced
    _is_traced = is_on
    _open_or_close()


def _open_or_close():
    global _is_open
    _is_open = _is_running and not _is_traced


def run_thread(role, index):
    """The loop of a pool thread: one call into native code per task of the core, two per turn."""
    here.is_pool = True
    try:
        _python_tasks.run_thread(role, index, _run_task)
    finally:
        here.is_pool = False


def _run_task(future):
    """Run this task, or those of the lane; say whether it returned a value. None: there is none.

    A frame may hold on to what it had in its variables, and to an exception that it caught, as long
    as it runs (on 25.0). So each task has a frame of its own.
    """
    global _in_core
    if future is None:
        return None
    if future is _stand_in:
        future = _lane_was_run(*_run_lane())
        if future is None:
            return True
    _in_core = 0
    return run_future(future)


def _run_lane():
    """Run tasks of the lane until none is left, one fails, one is the core's, or the turn is over.

    Return how many, and the future of the one that is the core's, or None.
    """
    global _in_core, _is_queued
    place = Place()
    _running.append(place)
    here.places.append(place)
    _in_core = 0  # those were before the lane in the queue
    _is_queued = False
    try:
        return _run_waiting(place)
    finally:
        here.places.pop()
        _running.remove(place)


def _run_waiting(place):
    take, taken, run = _waiting.popleft, TAKEN, Context.run
    count = of_others = 0
    group = None
    stride = _ONE
    looked = monotonic()
    end = looked + _TURN
    try:
        while True:
            for _ in stride:
                try:
                    future = take()
                except IndexError:
                    return count, None
                if not _is_queued and _waiting:
                    _queue_lane()
                call = future._hpyx_call
                future._hpyx_call = taken
                if future._hpyx_wanted_by and was_taken(future):
                    if future._hpyx_core is not None:
                        return count, future._hpyx_core
                    continue
                if future._hpyx_group is not group:
                    if group is not None:
                        group.leave(count - of_others)
                    group, of_others = future._hpyx_group, count
                    place.group = group
                count += 1
                try:
                    future._hpyx_value = run(*call)
                except BaseException as error:
                    future._hpyx_error = trimmed(error)
                    break  # so that this frame, which holds on to the error, ends
                if future._hpyx_watchers:
                    tell_watchers_and_log(future)
            else:
                now = monotonic()
                if now >= end:
                    return count, None
                stride = _STRIDE if now - looked < _SHORT else _ONE
                looked = now
                continue
            tell_watchers_and_log(future)
            return count, None
    finally:
        if group is not None:
            group.leave(count - of_others)


OUR_CODE.add(_run_waiting.__code__)
