"""Tracing: on, off, and how tasks and threads are called in the trace.

Owns: the path that is being traced to. Called by: ``debug`` (users), ``_runtime`` (HPYX_TRACE_PATH,
exit, fork), the native core (names). What is recorded, and the file, are the core's: see
``src/trace``. Invariants: one file at a time; a forked child never writes into its parent's file.
Threads: any; ``_lock`` guards turning on and off.
"""

import functools
import logging
import os
import threading

from ._core_module import native
from ._task_front import has_lane

if has_lane:
    from . import _lane

_logger = logging.getLogger("hpyx.debug")
_lock = threading.RLock()
_path = None  # absolute; None while tracing is off
_numbers = {}


def enable(path):
    """See ``hpyx.debug.enable_tracing``."""
    global _path
    wanted = os.path.abspath(os.fsdecode(path))
    with _lock:
        if _path == wanted:
            return
        if _path is not None:
            raise RuntimeError(
                f"tracing is on already, into {_path!r}, and cannot go into {wanted!r} as well: "
                "call hpyx.debug.disable_tracing() first"
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        file = os.open(path, flags, 0o666)
        try:
            if has_lane:
                _lane.trace(True)
            native.trace_enable(file)
        except BaseException:
            if has_lane:
                _lane.trace(False)
            os.close(file)
            raise
        _path = wanted


def disable():
    """See ``hpyx.debug.disable_tracing``."""
    global _path
    with _lock:
        path, _path = _path, None
        error = native.trace_disable()
        if has_lane:
            _lane.trace(False)
    if error:
        raise OSError(error, os.strerror(error), path)


def start_with_runtime(path, is_forked):
    """Obey HPYX_TRACE_PATH, unless tracing is on already; say whether this turned it on."""
    if path is None or _path is not None or (is_forked and "{pid}" not in path):
        return False
    enable(path.replace("{pid}", str(os.getpid())))
    return True


def finish():
    """The runtime has ended: all that there is goes into the file."""
    try:
        disable()
    except OSError as error:
        _logger.warning("the trace is not complete: %s", error)


def after_fork_in_child():
    """Forget what belongs to the parent process."""
    global _lock, _path
    _lock, _path = threading.RLock(), None
    _numbers.clear()


def path_in_use():
    """Return the absolute path of the file that is being written, or None."""
    return _path


def task_name(fn):
    """Return the name that a task of the callable *fn* has in the trace."""
    if isinstance(fn, functools.partial):
        return f"partial({task_name(fn.func)})"
    try:
        name = fn.__qualname__
    except Exception:  # whatever a __getattr__ does
        name = None
    return name if isinstance(name, str) else type(fn).__qualname__


def _number_of_callable(fn):
    name = task_name(fn)
    number = _numbers.get(name)
    if number is None:
        number = _numbers[name] = native.trace_name(name)
    return number


def _number_of_future(future):
    fn, args = future._hpyx_call[:2]
    return _number_of_callable(args[0] if fn is call_with_results else fn)


def _thread_name():
    return threading.current_thread().name


natively = native.probe()["runs_tasks_natively"]
if not natively:
    from ._python_tasks import call_with_results

native.register("qualname", "__qualname__")
native.register("trace_name", _number_of_callable if natively else _number_of_future)
native.register("thread_name", _thread_name)
