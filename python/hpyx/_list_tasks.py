"""Tasks packed and run in Python, where not even an attribute of a future is cheap (GraalPy).

There, an attribute of a native object and a call of a function written in Python cost as much as a
call into native code. So all that Python knows of a task is one list, an ordinary object: the value
(``no_value`` until it is there) and the packed call. It is the attribute ``_hpyx_task`` of the
future; and what each task goes through is one function.
Called by: ``_submit``, ``_executor``, ``_future`` and ``_runtime``, by way of ``_task_front``.
Invariants and threads: as in ``_python_tasks``, which has the rest.
"""

from contextvars import copy_context

from ._core_module import native
from ._lost import LostException
from ._python_tasks import (
    OUR_CODE,
    blank_futures,
    call_with_keywords,
    disarm,
    no_callable,
    no_value,
    without_our_frames,
)

_new_future = native.new_future
_queue = native.FutureBase._queue


def async_(fn, /, *args, **kwargs):
    """Run fn(*args, **kwargs) on a worker thread and return its hpyx.Future.

    The runtime starts on first use. The task sees the caller's context variables.

    Raises:
        RuntimeError: the runtime was shut down, or may not start by itself (HPYX_AUTOINIT=0).
        TypeError: no callable was given.

    Threads and cancellation: any thread; Future.cancel() works until the task starts.
    """
    if not callable(fn):
        raise no_callable()
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (fn, args, kwargs, copy_context())]
    blank_futures.append(_queue(future))
    return future


def submit(self, fn, /, *args, **kwargs):
    """Queue fn(*args, **kwargs) and return its hpyx.Future.

    Raises:
        RuntimeError: the executor, or the runtime, was shut down.
        concurrent.futures.BrokenExecutor: an initializer failed.

    Threads and cancellation: any thread. The task sees the caller's context variables.
    """
    if not callable(fn):
        raise no_callable()
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (fn, args, kwargs, copy_context())]
    blank_futures.append(self._queue(future))
    return future


def run_future(future):
    """Run the call of a future and keep its outcome there; say whether it returned a value."""
    task = future._hpyx_task
    fn, args, kwargs, context = task[1]
    task[1] = None
    try:
        if kwargs:
            task[0] = context.run(call_with_keywords, fn, args, kwargs)
        else:
            task[0] = context.run(fn, *args)
    except BaseException as error:
        error = error.with_traceback(without_our_frames(error.__traceback__))
        # In this order: who sees the error disarms what reports it.
        future._hpyx_lost = LostException(error)
        future._hpyx_error = error
        return False
    return True


OUR_CODE.add(run_future.__code__)


# What follows becomes part of the class Future.


def result(self, timeout=None):
    """Return the value of the task, waiting for it if necessary.

    Args: timeout: seconds to wait at most; None waits without limit.
    Raises:
        concurrent.futures.TimeoutError: not done within *timeout*.
        concurrent.futures.CancelledError: the future was cancelled.
        BaseException: whatever the task raised.

    Threads and cancellation: any thread; Ctrl-C interrupts the wait in the main thread. Inside a
    task, the task waited for may run on this thread.
    """
    value = self._hpyx_task[0]
    if value is not no_value:
        return value
    if self._hpyx_error is None:
        self._wait(timeout)
        if self._hpyx_error is None:
            return self._hpyx_task[0]
    disarm(self)
    try:
        raise self._hpyx_error
    finally:
        self = None


def _set_value(self, value):
    self._hpyx_task = [value, None]


def _set_call(self, call):
    self._hpyx_task = [no_value, call]


# For the core, where it gives a future its value or its call, or takes the call away.
attributes = {
    "_hpyx_task": (no_value, None),
    "_hpyx_value": property(lambda self: self._hpyx_task[0], _set_value),
    "_hpyx_call": property(lambda self: self._hpyx_task[1], _set_call),
}
