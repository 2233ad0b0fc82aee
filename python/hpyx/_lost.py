"""Failures that nobody looked at are logged when their future is collected, as asyncio does.

Owns: the reporter of one failed future, to which only that future refers. Called by: the core,
which makes one when a future fails and disarms it (``exception = None``) when somebody retrieves
the exception, or is told of the future's end by a callback, ``then`` or another combinator.
Threads: any. Errors: none; at the interpreter's exit it is silent.
"""

import logging
import sys

from ._core_module import native

_logger = logging.getLogger("hpyx.futures")


class LostException:
    """Logs *exception* when it is collected, unless it was disarmed before."""

    __slots__ = ("exception",)

    def __init__(self, exception):
        self.exception = exception

    def __del__(self, _is_finalizing=sys.is_finalizing):
        exception = self.exception
        if exception is None or _is_finalizing():
            return
        self.exception = None
        _logger.error(
            "hpyx: the exception of a future was never retrieved: call result() or exception(), "
            "or add a callback",
            exc_info=(type(exception), exception, exception.__traceback__),
        )


native.register("lost_exception", LostException)
