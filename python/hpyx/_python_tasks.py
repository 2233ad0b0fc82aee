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

_dependent = native.dependent
_new_future = native.new_future
_push = native.push


def submit(executor, fn, args, kwargs):
    """Queue fn(*args, **kwargs) for *executor* (None: nobody's) and return its future."""
    if not callable(fn):
        raise TypeError(
            "the first argument must be callable: write async_(fn, *args, **kwargs), not "
            "async_(fn())"
        )
    context = submitters_context()
    future = _new_future()
    future._hpyx_call = (fn, args, kwargs, context)
    _push(future, executor)
    return future


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
    fn, args, kwargs, context = future._hpyx_call
    future._hpyx_call = None
    if context is None:
        context = Context()
    try:
        if kwargs:
            future._hpyx_value = context.run(_call_with_keywords, fn, args, kwargs)
        else:
            future._hpyx_value = context.run(fn, *args)
    except BaseException as error:
        future._hpyx_error = error.with_traceback(_without_our_frames(error.__traceback__))
        return False
    return True


def _call_with_keywords(fn, args, kwargs):
    """Keep the task's keywords apart from the parameters of ``Context.run`` itself."""
    return fn(*args, **kwargs)


def run_thread(role, index):
    """The loop of a pool thread: as long as there is work, one call into native code per task."""
    next_task = native.next_task
    native.enter_thread(role, index)
    while True:
        future = next_task(None, False)  # waits; while it does, this frame holds on to no task
        if future is None:
            return
        while future is not None:
            future = next_task(future, run_future(future))


def _without_our_frames(traceback):
    """The traceback from the task on: what lies above it is the same for every task."""
    while traceback is not None and traceback.tb_next is not None:
        if traceback.tb_frame.f_code not in _OUR_CODE:
            break
        traceback = traceback.tb_next
    return traceback


_OUR_CODE = {
    run_future.__code__,
    _call_with_keywords.__code__,
    call_with_results.__code__,
    getattr(Context.run, "__code__", None),
}


# What follows becomes part of the class Future.

no_call = None
no_error = None
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
    if not self.done():
        self._wait(timeout)
    if self._hpyx_error is not None:
        try:
            raise self._hpyx_error
        finally:
            self = None
    value = self._hpyx_value
    if value is no_value:
        self._wait(timeout)  # raises CancelledError
    return value


def exception(self, timeout=None):
    """Return the exception that the task raised, or None; waits and raises as result()."""
    self._wait(timeout)
    return self._hpyx_error


def then(self, fn, /):
    """Return a future of fn(self), which runs on a worker once this future has a value.

    If this future fails or is cancelled, fn is not called, and the new one ends the same way.

    Raises: TypeError if fn is not callable. RuntimeError: the runtime was shut down.

    Threads and cancellation: any thread; fn sees the caller's context variables. Cancelling the new
    future leaves this one alone.
    """
    if not callable(fn):
        raise TypeError("then() takes one callable: write future.then(lambda f: use(f.result()))")
    return _dependent((fn, (self,), {}, submitters_context()), self)


native.register("run_future", run_future)
