"""Fixtures: the runtime of the pytest process, gates, and child interpreters by configuration.

The pytest process itself runs hpyx with two workers and without blind growth, so that a test can
keep a future pending by holding both workers (`held`). What the default configuration promises is
tested in children: `one_worker` and `two_workers` have it, with os_threads=1 and 2.
Errors: a test that hangs in native code ends the whole run with the stacks of all threads. Not on
GraalPy, whose faulthandler overlooks a cancellation that comes before its timer has begun, and then
ends a run in which nothing hangs; there, whoever runs the suite has to watch (ci/pythons/run.py).
"""

import faulthandler
import os
import sys

import pytest

import hpyx
import sizes
from child import Server, close_lives
from helpers import Gate

WORKERS = 2
TEST_SECONDS = 4 * sizes.PATIENCE
HARD_LIMIT = TEST_SECONDS + 30  # pytest-timeout needs a main thread that still runs Python code
WATCHES = hasattr(faulthandler, "dump_traceback_later") and sizes.IMPLEMENTATION != "graalpy"

_stderr = None


def pytest_configure(config):
    global _stderr
    _stderr = os.dup(2)


def pytest_report_header(config):
    native = hpyx._loader.library_path()
    return f"hpyx: {native} on {sys.implementation.name} {sys.version.split()[0]}"


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    if WATCHES:
        faulthandler.dump_traceback_later(HARD_LIMIT, exit=True, file=_stderr)
    yield
    if WATCHES:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session", autouse=True)
def runtime():
    """Start the runtime of this process, once."""
    hpyx.init(os_threads=WORKERS, cfg=["hpyx.max_spare_workers=0"])
    if sizes.IMPLEMENTATION == "graalpy":
        # Here two tasks are enough for the lane; in the children it begins where it does for users.
        hpyx._lane.FEW = 1


@pytest.fixture(scope="session", autouse=True)
def lives():
    """End the process that lives shared, if there was one."""
    yield
    close_lives()


@pytest.fixture
def executor():
    with hpyx.HPXExecutor() as pool:
        yield pool


@pytest.fixture
def held():
    """Hold every worker of this process at a gate: what is submitted now stays pending."""
    with Gate() as gate:
        holders = [hpyx.async_(gate, "held") for _ in range(WORKERS)]
        gate.entered(WORKERS)
        yield gate
    assert [holder.result(sizes.PATIENCE) for holder in holders] == ["held"] * WORKERS


def _server(**init):
    server = Server(**init)
    yield server
    server.close()


@pytest.fixture(scope="session")
def one_worker():
    """A child with os_threads=1 and everything else as it comes."""
    yield from _server(os_threads=1)


@pytest.fixture(scope="session")
def two_workers():
    """A child with os_threads=2 and everything else as it comes."""
    yield from _server(os_threads=2)


@pytest.fixture(scope="session")
def one_worker_no_growth():
    """A child with os_threads=1 whose pool never grows blindly."""
    yield from _server(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
