#!/usr/bin/env python3
"""Run CPython's own tests of executors and futures with HPXExecutor as the thread pool.

    python3 ci/stdlib_tests.py                       on every interpreter
    python3 ci/stdlib_tests.py --only cp313,pypy39   on some
    python3 ci/stdlib_tests.py --exclusions          the tests that are left out, with reasons

The tests are those of the interpreter's own library, or of the Debian package that belongs to its
version; nothing of them is kept in the tree. The same wheel is installed everywhere.
Exit code: 1 on any failure, when a required column has no tests, or when the table of exclusions
names a test that no version has.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from common.places import cache_dir
from common.process import Failure, main_guard, say
from pythons.columns import BY_NAME, COLUMNS, Column
from pythons.environment import make_environment
from pythons.find import find_all, get_missing
from pythons.run import wait
from stdlib.exclusions import EXCLUDED, EXCLUDED_BEFORE_313, excluded
from stdlib.sources import find_tests
from wheel import build_wheel

HERE = Path(__file__).resolve().parent / "stdlib"
SECONDS = 240  # for one column; it takes about thirty
PTH = "import stdlib_swap\n"


@dataclass
class Outcome:
    """What became of one column; ``note`` says why nothing could be run."""

    column: Column
    tests: list[list[str]] = field(default_factory=list)
    note: str = ""

    def count(self, kind: str) -> int:
        """Return how many tests ended as *kind*."""
        return sum(outcome == kind for _, outcome, _ in self.tests)

    @property
    def ok(self) -> bool:
        """Say whether the column lets the run pass."""
        if self.note:
            return not self.column.required
        return self.count("failed") == 0 and self.count("passed") > 0


def run_column(column: Column, found: dict, wheel: Path) -> Outcome:
    """Run the tests on *column*; every problem ends up in the outcome."""
    if column.name not in found:
        return Outcome(column, note="no such interpreter here")
    log = cache_dir() / "logs" / f"stdlib-{column.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("")
    try:
        folder = find_tests(found[column.name])
        with tempfile.TemporaryDirectory(prefix=f"std-{column.name}-", dir=cache_dir()) as work:
            environment = make_environment(column, found, Path(work), [str(wheel)], log)
            site = next(Path(work).glob("venv/lib/*/site-packages"), None)
            if site is None:
                raise Failure("it has no virtual environment, which the tests need")
            shutil.copy(HERE / "swap.py", site / "stdlib_swap.py")
            (site / "stdlib_swap.pth").write_text(PTH)
            words = [str(HERE / "driver.py"), json.dumps(excluded(column.name))]
            environment.env["HPYX_STDLIB_TESTS"] = str(folder)
            answer = Path(work) / "answer"
            with open(log, "a") as errors, open(answer, "w") as output:
                process = environment.start(
                    words, stdout=output, stderr=errors, start_new_session=True
                )
                code = wait(process, SECONDS)
            if code != 0:
                raise Failure(f"the tests ended with {code}; log: {log}")
            return Outcome(column, json.loads(answer.read_text().splitlines()[-1]))
    except (Failure, subprocess.TimeoutExpired) as failure:
        return Outcome(column, note=f"{failure} (log: {log})")


def report(outcomes: list[Outcome], complete: bool) -> int:
    """Print the table; return the exit code."""
    kinds = ("passed", "failed", "excluded", "skipped")
    say(f"\n{'column':10}" + "".join(f"{kind:>10}" for kind in kinds))
    for outcome in outcomes:
        counts = "".join(f"{outcome.count(kind):10}" for kind in kinds)
        say(f"{outcome.column.name:10}{counts}" if not outcome.note else outcome.column.name)
        if outcome.note:
            say(f"    NOT RUN: {outcome.note}")
        for name, kind, details in outcome.tests:
            if kind == "failed":
                say(f"    FAILED {name}\n{details}")
            elif kind == "skipped":
                say(f"    skipped by itself: {name}: {details}")
    known = {name for outcome in outcomes for name, _, _ in outcome.tests}
    unknown = sorted(set(EXCLUDED) - known) if complete else []
    for name in unknown:
        say(f"no version has the excluded test {name}: take it out of the table")
    total = collections.Counter(kind for o in outcomes for _, kind, _ in o.tests)
    say("\n" + ", ".join(f"{total[kind]} {kind}" for kind in kinds))
    return int(bool(unknown) or not all(outcome.ok for outcome in outcomes))


def main() -> int:
    """Run the tests on the columns asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default=",".join(BY_NAME), help="columns, by commas")
    parser.add_argument("--jobs", type=int, default=4, help="columns at a time: they mostly sleep")
    parser.add_argument("--wheel", type=Path, help="this wheel, instead of building one")
    parser.add_argument("--exclusions", action="store_true", help="print the table and stop")
    options = parser.parse_args()
    if options.exclusions:
        for name, reason in {**EXCLUDED, **EXCLUDED_BEFORE_313}.items():
            say(f"{name}\n    {reason}")
        return 0
    names = options.only.split(",")
    unknown = set(names) - set(BY_NAME)
    if unknown:
        parser.error(f"no such column: {', '.join(sorted(unknown))}; have {', '.join(BY_NAME)}")
    wheel = options.wheel.resolve() if options.wheel else build_wheel()
    found = find_all()
    get_missing(found, set(names))
    columns = [column for column in COLUMNS if column.name in names]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda column: run_column(column, found, wheel), columns))
    return report(outcomes, complete=len(columns) == len(COLUMNS))


if __name__ == "__main__":
    main_guard(main)
