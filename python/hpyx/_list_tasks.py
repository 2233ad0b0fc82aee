"""Tasks packed and run in Python, where not even an attribute of a future is cheap (GraalPy).

There, an attribute of a native object and a call of a function written in Python cost as much as a
call into native code. So all that Python knows of a task is one list, an ordinary object: the value
(``no_value`` until it is there) and the packed call. It is the attribute ``_hpyx_task`` of the
future; and what each task goes through is one function.
Called by: ``_submit``, ``_executor``, ``_future`` and ``_runtime``, by way of ``_task_front``.
Invariants and threads: as in ``_python_tasks``, which has the rest.
"""

from contextvars import Context, copy_context

from . import _python_tasks
from ._core_module import native
from ._exit import ProcessEnds, stay
from ._python_tasks import (
    OUR_CODE,
    blank_futures,
    call_with_keywords,
    disarm,
    keep_error,
    no_callable,
    no_value,
)

# Fetched from the class once: from a future it would cost as much as the call.
_new_future = native.new_future
_queue = native.FutureBase._queue
_queue_for = native.ExecutorBase._queue
_succeeded = native.FutureBase._succeeded
_failed = native.FutureBase._failed
_wait = native.FutureBase._wait


def async_(fn, /, *args, **kwargs):
    if not callable(fn):
        raise no_callable("async_")
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (fn, args, kwargs, copy_context())]
    blank_futures.append(_queue(future))
    return future


def submit(self, fn, /, *args, **kwargs):
    if not callable(fn):
        raise no_callable("submit")
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    future._hpyx_task = [no_value, (fn, args, kwargs, copy_context())]
    blank_futures.append(_queue_for(self, future))
    return future


def run_future(future):
    """Run the call of a future and keep its outcome there; say whether it returned a value."""
    task = future._hpyx_task
    fn, args, kwargs, context = task[1]
    task[1] = None
    if context is None:
        context = Context()
    try:
        if kwargs:
            task[0] = context.run(call_with_keywords, fn, args, kwargs)
        else:
            task[0] = context.run(fn, *args)
    except BaseException as error:
        keep_error(future, error)
        return False
    return True


def run_thread(role, index):
    """The loop of a pool thread: as long as there is work, one call into native code per task."""
    native.enter_thread(role, index)
    future = None
    while True:
        future = _run_until_one_fails(future)
        if future is None:
            return
        future = _failed(future)


def _run_until_one_fails(future):
    """Run this task, if there is one, and those that follow; return the first that fails, or None
    when the thread is not needed any more.

    A frame in which an exception was caught holds on to it as long as it runs (on 25.0). So it ends
    there, and costs those that succeed nothing.
    """
    wait_for_task = native.wait_for_task
    while True:
        while future is not None:
            task = future._hpyx_task
            fn, args, kwargs, context = task[1]
            task[1] = None
            if context is None:  # a dependent's
                context = Context()
            try:
                if kwargs:
                    task[0] = context.run(call_with_keywords, fn, args, kwargs)
                else:
                    task[0] = context.run(fn, *args)
            except BaseException as error:
                keep_error(future, error)
                return future
            fn = args = kwargs = context = task = None
            future = _succeeded(future)
        future = wait_for_task()  # while it waits, this frame holds on to no task
        if future is None:
            return None


OUR_CODE.update([run_future.__code__, _run_until_one_fails.__code__])


# What follows becomes part of the class Future.


def result(self, timeout=None):
    value = self._hpyx_task[0]
    if value is not no_value:
        return value
    if self._hpyx_error is None:
        try:
            _wait(self, timeout)
        except ProcessEnds:
            stay()
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

# What they promise is the same there and here, and written there.
for _function in (async_, submit, result):
    _function.__doc__ = getattr(_python_tasks, _function.__name__).__doc__
