"""Submitting: the native functions, and what they need from Python where they need it.

Owns: ``async_`` and ``ready_future``. Called by: users, the native core.
Where an interpreter has no native context variables, and calls into native code are dear (PyPy,
GraalPy), the arguments are packed in Python and handed over in one call.
"""

import contextvars

from ._core_module import native

ready_future = native.ready_future


def copy_context():
    """Return the caller's context variables, or None if it has none."""
    context = contextvars.copy_context()
    return context if len(context) else None


def run_in_context(context, fn, args, kwargs):
    """Call a task in its own context variables."""
    if context is None:
        context = contextvars.Context()
    if kwargs is None:
        return context.run(fn, *args)
    return context.run(fn, *args, **kwargs)


native.register("copy_context", copy_context)
native.register("run_in_context", run_in_context)

if native.probe()["native_context_vars"]:
    async_ = native.async_
else:
    _submit_packed = native.submit_packed

    def async_(fn, /, *args, **kwargs):
        """Run fn(*args, **kwargs) on a worker thread and return its hpyx.Future.

        The runtime starts on first use. The task sees the caller's context variables.

        Raises:
            RuntimeError: the runtime was shut down, or may not start by itself (HPYX_AUTOINIT=0).
            TypeError: no callable was given.

        Threads and cancellation: any thread; Future.cancel() works until the task starts.
        """
        return _submit_packed(None, fn, args, kwargs or None, copy_context())
