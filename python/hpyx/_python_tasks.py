"""Tasks packed and run in Python, for interpreters where native code is not the faster place.

Owns: the attributes ``_hpyx_call``, ``_hpyx_value`` and ``_hpyx_error`` of such futures. Called by:
``_submit``, ``_executor`` and ``_future`` where ``probe()["runs_tasks_natively"]`` is False (PyPy,
GraalPy): there every call between Python and native code costs as much as a short task, and a
reference held in native code could never be part of a collectable cycle. The queues and the state
of each future are the core's, as everywhere.
Invariant: ``_hpyx_value`` or ``_hpyx_error`` is there before the core says that the future is done.
Threads: submit on any, run_future on the pool's.
"""

from contextvars import Context, copy_context

from ._core_module import native
from ._exit import stays_at_exit
from ._lost import LostException

_dependent = native.dependent
_new_future = native.new_future
_done = native.FutureBase.done
_running = native.FutureBase.running
_cancelled = native.FutureBase.cancelled
_add_done_callback = native.FutureBase.add_done_callback

# Futures made in advance: queueing one makes the next, all in a single call into native code. There
# are as many as threads have submitted at the same time.
blank_futures = []


def async_(fn, /, *args, **kwargs):
    """Run fn(*args, **kwargs) on a worker thread and return its hpyx.Future.

    The runtime starts on first use. The task sees the caller's context variables.

    Raises:
        RuntimeError: the runtime was shut down, or may not start by itself (HPYX_AUTOINIT=0).
        TypeError: no callable was given.

    Threads and cancellation: any thread; Future.cancel() works until the task starts.
    """
    return _submit(None, fn, args, kwargs)


def submit(self, fn, /, *args, **kwargs):
    """Queue fn(*args, **kwargs) and return its hpyx.Future.

    Raises:
        RuntimeError: the executor, or the runtime, was shut down.
        concurrent.futures.BrokenExecutor: an initializer failed.

    Threads and cancellation: any thread. The task sees the caller's context variables.
    """
    return _submit(self, fn, args, kwargs)


def _submit(executor, fn, args, kwargs):
    """Queue fn(*args, **kwargs) for *executor* (None: nobody's) and return its future."""
    if not callable(fn):
        raise no_callable(SUBMIT if executor else ASYNC, fn)
    try:
        future = blank_futures.pop()
    except IndexError:
        future = _new_future()
    # The place for the value is made while the future is young: later it would be another object
    # for the collector to move.
    future._hpyx_value = no_value
    future._hpyx_call = _pack(fn, args, kwargs)
    blank_futures.append(future._queue() if executor is None else executor._queue(future))
    return future


# How tasks are submitted, for who did it wrong.
ASYNC = "async_(fn, *args, **kwargs)"
SUBMIT = "submit(fn, *args, **kwargs)"


def no_callable(usage, *given):
    """What there is to say to somebody who submits something else, or nothing."""
    if not given:
        return TypeError(f"the callable is missing: write {usage}")
    return TypeError(f"the first argument must be callable: write {usage}; pass fn, do not call it")


def no_callable_for_then():
    """The same for somebody who attaches something else."""
    return TypeError("then() takes one callable: write future.then(lambda f: use(f.result()))")


def _pack(fn, args, kwargs):
    """Keep a call in as few objects as its shape allows: what waits is the collector's work."""
    context = submitters_context()
    if kwargs or context is not None:
        return fn, args, kwargs, context
    if len(args) == 1:
        return fn, args[0]
    return fn, args, None, None


def _run_packed(call):
    if len(call) == 2:
        fn, arg = call
        return Context().run(fn, arg)
    fn, args, kwargs, context = call
    if context is None:
        context = Context()
    if kwargs:
        return context.run(call_with_keywords, fn, args, kwargs)
    return context.run(fn, *args)


def call_with_results(fn, given, flags, names):
    """The call of a ``dataflow``: what is flagged among *given* is a future, and done."""
    values = [value.result() if flag else value for value, flag in zip(given, flags)]
    cut = len(values) - len(names)
    return fn(*values[:cut], **dict(zip(names, values[cut:])))


def submitters_context():
    """Return the context variables to run a task with; None where there are none."""
    context = copy_context()
    return context if len(context) else None


def run_future(future):
    """Run the call of a future and keep its outcome there; say whether it returned a value."""
    call = future._hpyx_call
    future._hpyx_call = None
    try:
        future._hpyx_value = _run_packed(call)
    except BaseException as error:
        keep_error(future, error)
        return False
    return True


def keep_error(future, error):
    """The call of a future raised: keep the error there, and what reports it if nobody looks."""
    error = trimmed(error)
    # In this order: who sees the error disarms what reports it.
    future._hpyx_lost = LostException(error)
    future._hpyx_error = error


def trimmed(error):
    """Return *error*, which a call raised, with a traceback that begins at the task."""
    # Not error.with_traceback, which may be the user's.
    return BaseException.with_traceback(error, _without_our_frames(error.__traceback__))


def call_with_keywords(fn, args, kwargs):
    """Keep the task's keywords apart from the parameters of ``Context.run`` itself."""
    return fn(*args, **kwargs)


def _run_task(future):
    return None if future is None else run_future(future)


def run_thread(role, index, run_task=_run_task):
    """The loop of a pool thread: one call into native code per task, which ends the last one, too.

    run_task: runs the call of a future; says whether it returned a value, or None if it got None.

    This frame has no variable for a task: it would hold on to it while it waits for the next.
    """
    next_task = native.next_task
    native.enter_thread(role, index)
    is_value = True
    while is_value is not None:
        is_value = run_task(next_task(is_value))


def _without_our_frames(traceback):
    """The traceback from the task on: what lies above it is the same for every task."""
    while traceback is not None and traceback.tb_frame.f_code in OUR_CODE:
        traceback = traceback.tb_next
    return traceback


OUR_CODE = {
    run_future.__code__,
    _run_packed.__code__,
    call_with_keywords.__code__,
    call_with_results.__code__,
    getattr(Context.run, "__code__", None),
}


def disarm(future):
    """Somebody retrieves the exception of *future*: see ``_lost``."""
    if future._hpyx_lost is not None:
        future._hpyx_lost.exception = None


# What follows becomes part of the class Future. An outcome that is there is what counts: the core
# learns of it a moment later, when the worker tells it.

wait = stays_at_exit(native.FutureBase._wait)

no_value = object()


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
    value = self._hpyx_value
    if value is not no_value:
        return value
    if self._hpyx_error is None:
        self._wait(timeout)
        if self._hpyx_error is None:
            return self._hpyx_value
    disarm(self)
    try:
        raise self._hpyx_error
    finally:
        self = None


def exception(self, timeout=None):
    """Return the exception that the task raised, or None; waits and raises as result()."""
    if not _has_outcome(self):
        self._wait(timeout)
    disarm(self)
    return self._hpyx_error


def then(self, fn, /):
    """Return a future of fn(self), which runs on a worker once this future has a value.

    If this future fails or is cancelled, fn is not called, and the new one ends the same way.

    Raises: TypeError if fn is not callable. RuntimeError: the runtime was shut down.

    Threads and cancellation: any thread; fn sees the caller's context variables. Cancelling the new
    future leaves this one alone.
    """
    if not callable(fn):
        raise no_callable_for_then()
    return _dependent((fn, (self,), {}, submitters_context()), self)


def done(self):
    """Return True if the task has ended or was cancelled."""
    return _has_outcome(self) or _done(self)


def running(self):
    """Return True if the task has started and not ended."""
    return not _has_outcome(self) and _running(self)


def cancelled(self):
    """Return True if the task was cancelled before it started."""
    return not _has_outcome(self) and _cancelled(self)


def add_done_callback(self, fn):
    """Call fn(future) when the task has ended or was cancelled.

    Callbacks are called in the order added, on the thread that ended it, or at once if that has
    happened. An ``Exception`` that *fn* raises is logged on hpyx.futures.
    """
    if not _has_outcome(self):
        _add_done_callback(self, fn)
        return
    disarm(self)
    try:
        fn(self)
    except Exception as error:
        from ._future import _log_callback_error

        _log_callback_error(self, error)


def _has_outcome(future):
    return future._hpyx_value is not no_value or future._hpyx_error is not None


members = {
    "_hpyx_call": None,
    "_hpyx_value": no_value,
    "_hpyx_error": None,
    "_hpyx_lost": None,
    "result": result,
    "exception": exception,
    "_wait": wait,
    "done": done,
    "running": running,
    "cancelled": cancelled,
    "add_done_callback": add_done_callback,
    "then": then,
}
