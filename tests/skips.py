"""The one table of what some interpreters or platforms lack, and why that skips a test.

Use ``@needs("fork")`` on a test. A test is never skipped in any other way, so that this table is
the whole truth about how the suite differs between interpreters.
"""

import gc
import importlib.util
import os
import signal
import socket
import sys
import sysconfig

import pytest

CPYTHON = sys.implementation.name == "cpython"
GRAALPY = sys.implementation.name == "graalpy"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _is_installed(name):
    return importlib.util.find_spec(name) is not None


def _try_sees_a_trace_function():
    """Whether ``try`` sees what a trace function raises in it, as if a signal handler did."""
    seen = []

    def tried():
        try:
            seen.append(False)
            seen.clear()
        except KeyboardInterrupt:
            seen[:] = [True]

    def trace(frame, event, _):
        if event == "line" and seen == [False]:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        tried()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return seen == [True]


# capability: (available here, reason why it is not elsewhere)
CAPABILITIES = {
    "affinity": (
        hasattr(os, "sched_setaffinity"),
        "needs os.sched_setaffinity (Linux, and an interpreter that exposes it)",
    ),
    "capi": (CPYTHON, "only CPython shows its C functions through ctypes.pythonapi"),
    "dev_full": (os.path.exists("/dev/full"), "needs /dev/full, a disk that is always full"),
    "eager_tasks": (
        sys.version_info >= (3, 12),
        "asyncio has eager tasks from Python 3.12 on",
    ),
    "cloudpickle": (
        CPYTHON or sys.version_info < (3, 10),
        "cloudpickle, which dask and joblib import, does not import on PyPy 8.0",
    ),
    "dask_array": (
        _is_installed("numpy") and CPYTHON,
        "numpy has no wheel for PyPy with Python 3.11, and dask.array asks for the size of objects,"
        " which PyPy does not tell",
    ),
    "elf": (sys.platform == "linux", "reads the library as an ELF file"),
    "finalizers": (not GRAALPY, "GraalPy never calls __del__ of a class written in Python"),
    "fork": (
        hasattr(os, "fork") and not GRAALPY,
        "GraalPy cannot fork a JVM, Windows has no fork",
    ),
    "frames_of_threads": (
        not GRAALPY or sys.implementation.version >= (25, 1),
        "sends a signal once it sees where a thread is, which GraalPy 25.0 does not tell",
    ),
    "free_threading": (FREE_THREADED, "needs a free-threaded build of CPython"),
    "gc_threshold": (
        hasattr(gc, "set_threshold"),
        "the collectors of PyPy and GraalPy have no threshold to set",
    ),
    "interrupts_anywhere": (
        hasattr(signal, "SIGUSR1") and not (GRAALPY and sys.implementation.version >= (25, 1)),
        "interrupts native code at any moment: on GraalPy 25.1 that may, rarely, end the JVM",
    ),
    "notes": (
        hasattr(BaseException, "add_note"),
        "tracebacks show the notes of an exception from Python 3.11 on",
    ),
    "numpy": (_is_installed("numpy"), "numpy has no wheel for PyPy with Python 3.11"),
    "object_size": (
        CPYTHON and hasattr(object, "__basicsize__"),
        "only CPython tells the size of an object's header",
    ),
    "posix_signals": (
        hasattr(signal, "SIGUSR1"),
        "needs POSIX signals",
    ),
    "rss": (
        os.path.exists("/proc/self/statm") and not GRAALPY,
        "reads the resident set from /proc; a JVM keeps what its heap has grown to",
    ),
    "thread_signals": (
        hasattr(signal, "pthread_kill"),
        "sends a signal to one thread, by signal.pthread_kill, which GraalPy has not",
    ),
    "thread_stacks": (
        sys.platform == "linux" and not GRAALPY,
        "asks the C library for the stack of a thread; a JVM gives its threads stacks of its own",
    ),
    "subinterpreters": (
        CPYTHON and sys.version_info >= (3, 12),
        "isolated interpreters exist on CPython 3.12 and newer",
    ),
    "task_group": (
        sys.version_info >= (3, 11),
        "asyncio has task groups from Python 3.11 on",
    ),
    "timeouts_under_signals": (
        not GRAALPY,
        "GraalPy's own locks begin a time-out anew after each signal",
    ),
    "trace_raises": (
        _try_sees_a_trace_function(),
        "on GraalPy 25.0 no try of a function sees what a trace function raises in it",
    ),
    "trio": (
        _is_installed("trio") and hasattr(socket.socket, "sendmsg"),
        "trio needs socket.sendmsg, which GraalPy lacks: it cannot be imported there",
    ),
    "uvloop": (
        _is_installed("uvloop"),
        "uvloop has wheels for CPython with a GIL only",
    ),
}


def module_needs(capability):
    """Skip the module that calls this where *capability* is missing, before it imports more."""
    available, reason = CAPABILITIES[capability]
    if not available:
        pytest.skip(f"{capability}: {reason}", allow_module_level=True)


def needs(capability):
    """Return the mark that skips a test where *capability* is missing."""
    available, reason = CAPABILITIES[capability]
    return pytest.mark.skipif(not available, reason=f"{capability}: {reason}")
