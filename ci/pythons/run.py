"""Do one column of the matrix: make its environment, run the tests or a script there, count.

Called by: ``matrix.py``, from one thread per column that runs at the same time.
Invariant: what is started is ended with all its children: when it is done, when its time is up,
and by ``stop_all`` when the user interrupts.
Errors: none; whatever goes wrong is in the ``Outcome``.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from common.places import ROOT, cache_dir
from common.process import Failure, say
from pythons.columns import Column
from pythons.environment import Environment, make_environment
from pythons.failures import FailedTest
from pythons.probe import Interpreter
from pythons.report import Outcome, read_report

TESTS = ROOT / "tests"

_running: set[subprocess.Popen] = set()


@dataclass(frozen=True)
class Plan:
    """What is to be done on each column."""

    wheel: Path
    found: dict[str, Interpreter]
    logs: Path
    timeout: float
    script: list[str]  # empty: the tests
    suite: str  # a folder of tests with packages of its own; empty: the suite of hpyx
    pytest_args: list[str]


def run_column(column: Column, plan: Plan) -> Outcome:
    """Do on *column* what *plan* says; every problem ends up in the outcome."""
    outcome = Outcome(column, plan.found[column.name].version)
    log = plan.logs / f"{column.name}.log"
    log.write_text("")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"env-{column.name}-", dir=cache_dir()) as folder:
        packages = [str(plan.wheel)]
        if not plan.script:
            packages += [word for file in requirements(column, plan.suite) for word in ("-r", file)]
        try:
            environment = make_environment(column, plan.found, Path(folder), packages, log)
            outcome.library = environment.library()
            start = time.monotonic()
            if plan.script:
                run_script(environment, plan, outcome)
            else:
                run_tests(environment, plan, outcome, log)
        except (Failure, subprocess.TimeoutExpired) as failure:
            outcome.failed += 1
            outcome.note = str(failure)
    outcome.seconds = time.monotonic() - start
    if not plan.script:
        counts = f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        say(f"{column.name}: {counts} in {outcome.seconds:.0f} s; log: {log}")
        if not outcome.ok:
            end = log.read_text(errors="replace").splitlines()[-100:]
            say("\n".join(f"    {column.name} | {line[:200]}" for line in end[-40:]))
            if not outcome.failures:
                ours = [line for line in end if not re.search("site-packages|<frozen", line)]
                outcome.failures.append(FailedTest(f"no test, but {outcome.note}", ours))
    return outcome


def requirements(column: Column, suite: str) -> list[str]:
    """Return the files that name what the tests need; with a GIL there may be more of it."""
    folders = [TESTS, TESTS / suite] if suite else [TESTS]
    names = ["requirements.txt"]
    if not column.name.endswith("t"):
        names.append("requirements-gil.txt")
    files = [folder / name for folder in folders for name in names]
    return [str(file) for file in files if file.is_file()]


def run_tests(environment: Environment, plan: Plan, outcome: Outcome, log: Path) -> None:
    """Run pytest on ``tests/`` and count."""
    report = environment.folder / "report.xml"
    words = ["-m", "pytest", str(TESTS / plan.suite), "-p", "no:cacheprovider"]
    if plan.suite:
        words += ["-W", "default"]  # the warnings of others are theirs
    words += [f"--junitxml={report}", "-o", "junit_family=xunit2"]
    with open(log, "a") as file:
        code = wait(
            environment.start(
                [*words, *plan.pytest_args], stdout=file, stderr=file, start_new_session=True
            ),
            plan.timeout,
        )
    read_report(report, outcome)
    if code != 0 and not outcome.failed and not outcome.note:
        outcome.failed += 1
        outcome.note = f"pytest ended with {code}"
    elif outcome.passed + outcome.failed == 0:
        outcome.note = "no test was executed"


def run_script(environment: Environment, plan: Plan, outcome: Outcome) -> None:
    """Run the script, its output going where ours goes."""
    title = outcome.column.title
    say(f"\n=== {outcome.column.name}: {title}, {outcome.version} ===")
    first = ROOT / plan.script[0]
    words = [str(first) if first.exists() else plan.script[0], *plan.script[1:]]
    code = wait(environment.start(words, start_new_session=True), plan.timeout)
    if code != 0:
        outcome.failed += 1
        outcome.note = f"{plan.script[0]} ended with {code}"


def wait(process: subprocess.Popen, timeout: float) -> int:
    """Wait for *process* and return its code; end what it leaves behind, and it when late."""
    _running.add(process)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired as error:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGQUIT)  # a JVM answers with the stacks of its threads
            process.wait(10)
        raise Failure(f"still running after {timeout:.0f} s, ended") from error
    finally:
        _kill(process)
        process.wait()
        _running.discard(process)


def stop_all() -> None:
    """End everything that runs now."""
    for process in list(_running):
        _kill(process)


def _kill(process: subprocess.Popen) -> None:
    # Each was started as the leader of a session: its children are in its process group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
