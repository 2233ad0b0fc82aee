#!/usr/bin/env python3
"""Run the test suite, or any script, on every interpreter with the very same wheel installed.

    python3 ci/matrix.py                                 tests/ on every interpreter
    python3 ci/matrix.py --only cp313t,pypy39 -k cancel -- -x     some columns, some tests
    python3 ci/matrix.py --suite ecosystem                        with numpy, dask, joblib ...
    python3 ci/matrix.py --run 'examples/stdlib_census.py'        a script instead of the tests

Builds the wheel if needed, gets missing interpreters, makes a fresh environment for each, installs
the wheel there with that interpreter's own pip, and runs from a folder where the source tree is
not importable. Logs go to the cache, one per column.
Exit code: 1 on any failure: a test, a required column missing, libraries that are not all equal, or
a column where nothing ran. A test run ends with the line ``N passed, N failed, N skipped`` and, if
anything failed, below it what and why.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import shlex
import sys
import zipfile
from pathlib import Path

from common.library import LIBRARY
from common.places import cache_dir
from common.process import main_guard, say
from pythons.columns import BY_NAME, COLUMNS
from pythons.failures import closing
from pythons.find import find_all, get_missing
from pythons.report import Outcome, table
from pythons.run import Plan, run_column, stop_all
from wheel import build_wheel


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; what follows ``--`` is for pytest."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="columns, by commas")
    parser.add_argument("-k", help="only tests whose name matches, as in pytest")
    parser.add_argument("--jobs", type=int, default=1, help="columns at the same time")
    parser.add_argument("--timeout", type=float, default=2400, help="seconds for one column")
    parser.add_argument("--run", help="a script and its arguments, run instead of the tests")
    parser.add_argument("--suite", default="", help="tests/<SUITE> instead of the suite of hpyx")
    parser.add_argument("--wheel", type=Path, help="this wheel, instead of building one")
    options = parser.parse_args(arguments[:cut])
    options.pytest_args = arguments[cut + 1 :] + (["-k", options.k] if options.k else [])
    options.columns = options.only.split(",") if options.only else list(BY_NAME)
    unknown = set(options.columns) - set(BY_NAME)
    if unknown:
        parser.error(f"no such column: {', '.join(sorted(unknown))}; have {', '.join(BY_NAME)}")
    return options


def main() -> int:
    """Run the matrix and print its table."""
    options = parse(sys.argv[1:])
    wheel = options.wheel.resolve() if options.wheel else build_wheel()
    found = find_all()
    reasons = get_missing(found, set(options.columns))
    logs = cache_dir() / "logs"
    logs.mkdir(exist_ok=True)
    script = shlex.split(options.run or "")
    plan = Plan(wheel, found, logs, options.timeout, script, options.suite, options.pytest_args)
    wanted = [column for column in COLUMNS if column.name in options.columns]
    pool = concurrent.futures.ThreadPoolExecutor(1 if script else options.jobs)
    running = {c: pool.submit(run_column, c, plan) for c in wanted if c.name in found}
    try:
        concurrent.futures.wait(running.values())
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()
        raise
    outcomes = [
        running[column].result()
        if column in running
        else Outcome(column, note=reasons.get(column.name, "not found"), missing=True)
        for column in wanted
    ]
    return summary(outcomes, wheel, bool(script))


def summary(outcomes: list[Outcome], wheel: Path, script: bool) -> int:
    """Print the table and the totals; return the exit code."""
    with zipfile.ZipFile(wheel) as archive:
        expected = hashlib.sha256(archive.read(LIBRARY)).hexdigest()
    for outcome in outcomes:
        if outcome.library and outcome.library != expected:
            outcome.note = f"loaded another library than the one of {wheel.name}"
    say(f"\n{table(outcomes, counts=not script)}")
    say(f"\nwheel {wheel.name}, library sha256 {expected}")
    failed = not all(outcome.ok for outcome in outcomes)
    if all(outcome.missing for outcome in outcomes):
        failed = True
        say("nothing was run")
    if not script:
        names = ("passed", "failed", "skipped")
        say(", ".join(f"{sum(getattr(o, name) for o in outcomes)} {name}" for name in names))
        if any(outcome.failures for outcome in outcomes):
            say(closing({outcome.column.name: outcome.failures for outcome in outcomes}))
    return int(failed)


if __name__ == "__main__":
    main_guard(main)
