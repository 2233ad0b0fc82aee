"""``async_`` and ``ready_future``: tasks without an executor.

Owns: which front end is used, the native one or the one in ``_python_tasks``. Called by: users.
"""

from ._core_module import native

ready_future = native.ready_future

if native.probe()["runs_tasks_natively"]:
    async_ = native.async_
else:
    from ._python_tasks import submit as _submit

    def async_(fn, /, *args, **kwargs):
        """Run fn(*args, **kwargs) on a worker thread and return its hpyx.Future.

        The runtime starts on first use. The task sees the caller's context variables.

        Raises:
            RuntimeError: the runtime was shut down, or may not start by itself (HPYX_AUTOINIT=0).
            TypeError: no callable was given.

        Threads and cancellation: any thread; Future.cancel() works until the task starts.
        """
        return _submit(None, fn, args, kwargs)
