"""Names that the sections of document 000 use and do not define.

The part above the first marker is for all sections, the part below ``# --- TITLE`` for one.
``# environment: NAME=value`` sets a variable before the interpreter of that section starts.
"""

import asyncio
import time

import hpyx
from hpyx import HPXRuntime
from hpyx._core import futures as core_futures

asyncio, time, HPXRuntime, core_futures  # noqa: B018  (for the sections)


def your_function(data):
    """Stand for what a reader would do with *data*."""
    return data * 2


def soon(condition):
    """Return whether *condition* comes true; a callback may run after result() has returned."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def raised(kind, function):
    """Return whether *function* raises *kind*."""
    try:
        function()
    except kind:
        return True
    return False


# --- Disabling auto-init
# environment: HPYX_AUTOINIT=0

# --- Future methods
fut = hpyx.async_(lambda: 42)


def fn(future):
    """Be called with a future that is done."""
    return future.result()
