"""What threads sleep on where they may not wait in native code (GraalPy): locks of the interpreter.

Called by: the core (``src/bridge/parking``), and only by subscription, since a signal handler may
raise at any moment of that. At the end of a plain call from native code, what it raises ends the
process on GraalPy 25.1. Imported by: ``_runtime``.
Invariant: a lock is held but for the moment between a wake-up and the end of the sleep.
Threads: any may wake, one sleeps at a time.
"""

from _thread import allocate_lock

from ._core_module import native

_NANOSECOND = 1e-9


class Lock:
    """``lock[True]`` sleeps until ``lock[False]`` wakes, ``lock[n]`` for n nanoseconds at most."""

    def __init__(self):
        lock = allocate_lock()
        lock.acquire()
        self._acquire, self._release = lock.acquire, lock.release

    def __getitem__(self, key):
        if key is True:
            return self._acquire()
        if key is False:
            return self._release()
        return self._acquire(True, key * _NANOSECOND)


class NoLock:
    """In its place when there is no memory for one: it only lets other threads in."""

    def __getitem__(self, key):
        return None


native.register("new_lock", Lock)
native.register("no_lock", NoLock())
