"""Tasks packed and run in Python, where not even an attribute of a future is cheap (GraalPy).

There, an attribute of a native object and a call of a function written in Python cost as much as a
call into native code. So all that Python knows of a task is one list, an ordinary object: the value
(``no_value`` until it is there), the packed call (the context variables, and the callable with its
arguments behind it), and the error. It is the attribute ``_hpyx_task`` of the future; each side
reads it once per task, and what each task goes through is one function.
Called by: ``_lane``, which submits and runs those tasks that it leaves to the core; ``_future``.
Invariants and threads: as in ``_python_tasks``, which has the rest.
"""

from contextvars import Context

from . import _python_tasks
from ._core_module import native
from ._exit import ProcessEnds, stay
from ._python_tasks import (
    OUR_CODE,
    call_with_keywords,
    disarm,
    keep_error,
    no_value,
)

# Fetched from the class once: from a future it would cost as much as the call.
_new_future = native.new_future
_queue = native.FutureBase._queue
_queue_for = native.ExecutorBase._queue
_wait = native.FutureBase._wait


def run_future(future):
    """Run the call of a future and keep its outcome there; say whether it returned a value."""
    task = future._hpyx_task
    context, call = task[1]
    task[1] = None
    try:
        task[0] = context.run(*call)
    except BaseException as error:
        keep_error(future, error)
        return False
    return True


OUR_CODE.add(run_future.__code__)


# What follows becomes part of the class Future.


def result(self, timeout=None):
    task = self._hpyx_task
    value = task[0]
    if value is not no_value:
        return value
    if task[2] is None:
        try:
            _wait(self, timeout)
        except ProcessEnds:
            stay()
        value = task[0]
        if value is not no_value:
            return value
        task = self._hpyx_task  # the core may have put another one there
        if task[2] is None:
            return task[0]
    disarm(self)
    try:
        raise task[2]
    finally:
        self = task = None


def _set_value(self, value):
    self._hpyx_task = [value, None, None]


def _set_error(self, error):
    self._hpyx_task = [no_value, None, error]


def _get_call(self):
    """The callable and its arguments; None: taken away."""
    if self._hpyx_task[1] is None:
        return None
    call = self._hpyx_task[1][1]
    return call[1:3] if call[0] is call_with_keywords else (call[0], call[1:])


def _set_call(self, call):
    """The other front end's form of a call: what a dependent is to do. None: it is taken away."""
    if call is not None:
        fn, args, kwargs, context = call
        call = (call_with_keywords, fn, args, kwargs) if kwargs else (fn, *args)
        call = Context() if context is None else context, call
    self._hpyx_task = [no_value, call, None]


# The properties are for the core, where it gives a future its value, its error or its call, or
# takes the call away; and for what is rare in Python.
members = {
    **_python_tasks.members,
    "_hpyx_task": (no_value, None, None),
    "_hpyx_value": property(lambda self: self._hpyx_task[0], _set_value),
    "_hpyx_error": property(lambda self: self._hpyx_task[2], _set_error),
    "_hpyx_call": property(_get_call, _set_call),
    "result": result,
}

result.__doc__ = _python_tasks.result.__doc__
