"""Futures without the sugar: inputs come as lists and dictionaries.

Owns: nothing; everything here is the native core's, and what is returned is a ``hpyx.Future``,
whose native part ``HPXFuture`` is. Differences from the public functions: arguments are not
unpacked, and ``when_any([])`` returns a future that is never done instead of raising.
Threads: any.
"""

from .. import _compose
from .._core_module import native
from .._future import Future
from .._submit import async_, ready_future
from .._task_front import has_lane

# Where Python keeps a future (see ``_lane``), there is no other part of it.
HPXFuture = Future if has_lane else native.FutureBase

shared_future = _compose.shared_future


def async_submit(fn, args=(), kwargs=None):
    """Run ``fn(*args, **kwargs)`` on a worker and return its future; raises as ``hpyx.async_``."""
    return async_(fn, *args, **(kwargs or {}))


def when_all(inputs):
    """Return a future of the tuple of the results of the futures in *inputs*."""
    return native.when_all(*inputs)


def when_any(inputs):
    """Return a future of ``(index, list of inputs)``: which of *inputs* was done first."""
    return native.when_any(*inputs)


def dataflow(fn, inputs, kwargs=None):
    """Return a future of ``fn(*results of inputs, **kwargs)``, run on a worker."""
    return _compose.dataflow(fn, *inputs, **(kwargs or {}))


__all__ = [
    "HPXFuture",
    "async_submit",
    "dataflow",
    "ready_future",
    "shared_future",
    "when_all",
    "when_any",
]
