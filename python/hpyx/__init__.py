"""hpyx: one task-parallel runtime for every Python.

What it owns: the public names. Who calls it: users. Everything here is safe to call from any
thread. The core (scheduler, futures) is native and the same file on every interpreter: see
``_loader``.
"""

from . import (
    _notes,  # noqa: F401  (the core calls it)
    aio,
    config,
    debug,
)
from ._as_completed import as_completed
from ._compose import dataflow, shared_future, when_all, when_any
from ._core_module import native as _native  # noqa: F401  (importable as hpyx._native)
from ._executor import HPXExecutor
from ._future import Future
from ._runtime import HPXRuntime, init, is_running, shutdown
from ._submit import async_, ready_future

__all__ = [
    "Future",
    "HPXExecutor",
    "HPXRuntime",
    "aio",
    "as_completed",
    "async_",
    "config",
    "dataflow",
    "debug",
    "init",
    "is_running",
    "ready_future",
    "shared_future",
    "shutdown",
    "when_all",
    "when_any",
]

__version__ = "0.1.0"
