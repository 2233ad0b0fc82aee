from . import aio as aio
from . import config as config
from . import debug as debug
from ._as_completed import as_completed as as_completed
from ._compose import dataflow as dataflow
from ._compose import shared_future as shared_future
from ._compose import when_all as when_all
from ._compose import when_any as when_any
from ._executor import HPXExecutor as HPXExecutor
from ._future import Future as Future
from ._runtime import HPXRuntime as HPXRuntime
from ._runtime import init as init
from ._runtime import is_running as is_running
from ._runtime import shutdown as shutdown
from ._submit import async_ as async_
from ._submit import ready_future as ready_future

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

__version__: str
