"""The one table of what some interpreters or platforms lack, and why that skips a test.

Use ``@needs("fork")`` on a test. A test is never skipped in any other way, so that this table is
the whole truth about how the suite differs between interpreters.
"""

import gc
import os
import signal
import sys
import sysconfig

import pytest

CPYTHON = sys.implementation.name == "cpython"
GRAALPY = sys.implementation.name == "graalpy"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# capability: (available here, reason why it is not elsewhere)
CAPABILITIES = {
    "affinity": (
        hasattr(os, "sched_setaffinity"),
        "needs os.sched_setaffinity (Linux, and an interpreter that exposes it)",
    ),
    "capi": (CPYTHON, "only CPython shows its C functions through ctypes.pythonapi"),
    "elf": (sys.platform == "linux", "reads the library as an ELF file"),
    "fork": (
        hasattr(os, "fork") and not GRAALPY,
        "GraalPy cannot fork a JVM, Windows has no fork",
    ),
    "free_threading": (FREE_THREADED, "needs a free-threaded build of CPython"),
    "gc_threshold": (
        hasattr(gc, "set_threshold"),
        "PyPy's collector has no threshold to set",
    ),
    "object_size": (
        hasattr(object, "__basicsize__") and CPYTHON,
        "only CPython tells the size of an object's header",
    ),
    "posix_signals": (
        hasattr(signal, "SIGUSR1") and hasattr(signal, "pthread_kill"),
        "needs POSIX signals, sent to a process and to one thread",
    ),
    "rss": (os.path.exists("/proc/self/statm"), "reads the resident set from /proc"),
    "subinterpreters": (
        CPYTHON and sys.version_info >= (3, 12),
        "isolated interpreters exist on CPython 3.12 and newer",
    ),
}


def needs(capability):
    """Return the mark that skips a test where *capability* is missing."""
    available, reason = CAPABILITIES[capability]
    return pytest.mark.skipif(not available, reason=f"{capability}: {reason}")
