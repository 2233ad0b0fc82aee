"""Run the tests of executors and futures; print one JSON line with what became of each.

    python driver.py EXCLUDED_TESTS_AS_JSON

Runs inside an environment where ``swap.py`` is in force, on every interpreter. Tests of classes
that are bound to a pool of processes or interpreters are left out: nothing is replaced there.
``FutureTests`` looks at ready-made futures in every state; here these are futures of hpyx.
"""

import contextlib
import importlib
import json
import sys
import threading
import time
import unittest
from unittest import mock

import hpyx

MODULES = ("as_completed", "future", "init", "shutdown", "thread_pool", "wait")
WORKERS = 5  # what the tests ask for
SLOWEST = 60  # seconds for one test; none takes ten


def load():
    """Import the test modules, which ``stdlib_swap`` makes importable."""
    from test import support

    support.use_resources = ["cpu", "walltime"]  # tests that take seconds are wanted too
    package = importlib.import_module("test.test_concurrent_futures")
    if not hasattr(package, "__path__"):
        return [package]
    return [importlib.import_module(f"{package.__name__}.test_{name}") for name in MODULES]


def cases(modules):
    """Give the tests that are meant for a thread pool, or for a future by itself."""
    for module in modules:
        for suite in unittest.defaultTestLoader.loadTestsFromModule(module):
            for case in suite:
                kind = getattr(case, "executor_type", None)
                if kind is hpyx.HPXExecutor or type(case).__name__ == "FutureTests":
                    yield case


@contextlib.contextmanager
def futures_of_hpyx(module):
    """Let *module* find futures of hpyx under the names of its ready-made ones."""
    gate = threading.Event()
    running = []

    def make(state="PENDING", exception=None, result=None):
        if state == "PENDING":
            return hpyx._native.new_future()
        if state == "RUNNING":
            entered = threading.Event()
            running.append(hpyx.async_(lambda: entered.set() or gate.wait()))
            entered.wait(SLOWEST)
            return running[-1]
        if state.startswith("CANCELLED"):
            future = hpyx._native.new_future()
            future.cancel()
            return future
        future = hpyx.async_(fail_with, exception) if exception else hpyx.ready_future(result)
        future.exception()
        return future

    ready_made = {
        "create_future": make,
        "PENDING_FUTURE": make(),
        "RUNNING_FUTURE": make("RUNNING"),
        "CANCELLED_FUTURE": make("CANCELLED"),
        "CANCELLED_AND_NOTIFIED_FUTURE": make("CANCELLED_AND_NOTIFIED"),
        "EXCEPTION_FUTURE": make("FINISHED", OSError()),
        "SUCCESSFUL_FUTURE": make("FINISHED", None, 42),
    }
    try:
        with mock.patch.multiple(module, **ready_made):
            yield
    finally:
        gate.set()
        for future in running:
            future.result()


def fail_with(exception):
    """Raise *exception*, in a task."""
    raise exception


def run(case, excluded):
    """Run one test; return (its name, outcome, details)."""
    name = f"{type(case).__name__}.{case._testMethodName}"
    if name in excluded:
        return name, "excluded", ""
    result = unittest.TestResult()
    scope = contextlib.nullcontext()
    if type(case).__name__ == "FutureTests":
        scope = futures_of_hpyx(sys.modules[type(case).__module__])
    with scope:
        case.run(result)
    problems = result.errors + result.failures
    if problems:
        return name, "failed", "\n".join(text for _, text in problems)
    if result.skipped:
        return name, "skipped", result.skipped[0][1]
    return name, "passed", ""


def main():
    """Run all; the runtime has as many workers as the tests ask for."""
    excluded = set(json.loads(sys.argv[1]))
    hpyx.init(os_threads=WORKERS)
    outcomes = []
    for case in cases(load()):
        start = time.monotonic()
        with contextlib.redirect_stdout(sys.stderr):
            print(case.id(), flush=True)
            outcomes.append(run(case, excluded))
            print(f"    {outcomes[-1][1]}, {time.monotonic() - start:.2f} s", flush=True)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
