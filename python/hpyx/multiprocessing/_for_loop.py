"""``for_loop``: replace each element of a sequence by what a function makes of it.

Owns: the checks, how the indices are cut into tasks, and what an error tells. Called by: users.
Invariants: bad input raises before any element is touched; when the call returns or raises, no task
of it runs any more; each element is the old one or the new one. Threads: any, tasks included: the
caller of a parallel loop waits for its tasks as every task may.
"""

import threading
from collections.abc import Mapping

from .. import _runtime
from .._core_module import native
from .._notes import add_note
from .._submit import async_

# Tasks per worker: enough to even out elements that take longer than others.
_TASKS_PER_WORKER = 4


def for_loop(function, data, policy="seq"):
    """Do ``data[i] = function(data[i])`` for every index of *data*, in place.

    Args:
        function: called with one element; for arrays of two and more dimensions, with a row.
        data: a list, array, numpy array or any other mutable sequence.
        policy: "seq": in this thread, in order. "par": in tasks on the workers, in any order.

    Raises:
        TypeError: *function* is not callable, or *data* is not a mutable sequence.
        ValueError: *policy* is neither of the two.
        RuntimeError: the runtime was shut down ("par").
        Whatever *function* raises, with the index in a note and in ``for_loop_index``. The elements
        are then partly old and partly new; of several failures the one of the lowest index is
        raised, and the rest of a parallel loop is given up.

    Threads and cancellation: any thread, tasks included. *function* must be safe to call from
    several threads for "par". Ctrl-C gives up the rest.
    """
    _check(function, data, policy)
    if policy == "seq":
        _run(function, data, range(len(data)), threading.Event())
    else:
        _run_in_parallel(function, data)


def _check(function, data, policy):
    if not callable(function):
        raise TypeError(
            f"for_loop() takes a callable first, not {type(function).__name__}: write "
            'for_loop(fn, data, "par")'
        )
    if policy not in ("seq", "par"):
        raise ValueError(
            f'for_loop() policy must be "seq" or "par", not {policy!r}: write '
            'for_loop(fn, data, "par")'
        )
    kind = type(data)
    has_items = all(hasattr(kind, name) for name in ("__len__", "__getitem__", "__setitem__"))
    if not has_items or isinstance(data, Mapping):
        raise TypeError(
            f"for_loop() works in place on a mutable sequence, not on {kind.__name__}: write "
            "for_loop(fn, list(data))"
        )
    if getattr(data, "readonly", False) or not getattr(
        getattr(data, "flags", None), "writeable", True
    ):
        raise TypeError(f"for_loop() works in place, and this {kind.__name__} is read-only")


def _run(function, data, indices, given_up):
    for index in indices:
        if given_up.is_set():
            return
        try:
            data[index] = function(data[index])
        except BaseException as error:
            given_up.set()
            _tell_index(error, index)
            raise


def _tell_index(error, index):
    add_note(error, f"hpyx: raised by for_loop at index {index}")
    try:
        error.for_loop_index = index
    except Exception:  # an exception that takes no attributes
        pass


def _run_in_parallel(function, data):
    _runtime.ensure_running()
    count = len(data)
    size = max(1, -(-count // (_TASKS_PER_WORKER * native.os_threads())))
    given_up = threading.Event()
    futures = []
    try:
        for start in range(0, count, size):
            indices = range(start, min(start + size, count))
            futures.append(async_(_run, function, data, indices, given_up))
        errors = [future.exception() for future in futures]
    except BaseException:
        given_up.set()
        _let_end(futures)
        raise
    for error in errors:
        if error is not None:
            raise error


def _let_end(futures):
    """Wait for what cannot be cancelled: it holds on to the caller's data."""
    for future in futures:
        if not future.cancel():
            future.exception()
