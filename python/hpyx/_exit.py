"""The end of the process, where the interpreter ends daemon threads by an exception (GraalPy).

That exception must not meet a frame of native code on its way: the JVM would crash. So when the
process ends, threads that wait in native code are sent away from there, and stay in Python code
until they are ended, as a daemon thread that comes back from a wait does on other interpreters.
Called by: whatever waits in native code, through ``stays_at_exit``; ``atexit``, which runs once all
other threads were joined. Where threads may wait in native code nothing of this is needed.
Threads: any. Errors: none.
"""

import _thread
import atexit
import time

from ._core_module import native

_WAITS_NATIVELY = native.probe()["waits_natively"]
_SECONDS, _PAUSE = 1.0, 0.001


class ProcessEnds(BaseException):
    """Ends a wait in native code when the process ends; no user sees it."""


def stays_at_exit(wait):
    """Return *wait*, which waits in native code, so that who is sent away does not come back."""
    if _WAITS_NATIVELY:
        return wait

    def waits(*args):
        try:
            return wait(*args)
        except ProcessEnds:
            stay()

    return waits


def stay():
    """Stay in Python code until the process has ended."""
    never = _thread.allocate_lock()
    while True:
        never.acquire()


def _send_waiters_away():
    end = time.monotonic() + _SECONDS
    while native.end_waits() and time.monotonic() < end:
        time.sleep(_PAUSE)


native.register("process_ends", ProcessEnds)
if not _WAITS_NATIVELY:
    atexit.register(_send_waiters_away)
