"""What a column of the matrix came to, read from pytest's report, and the table of all of them.

Called by: ``matrix.py``.
"""

from __future__ import annotations

import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from pythons.columns import Column
from pythons.failures import FailedTest, failed_tests


@dataclass
class Outcome:
    """The result of one column; ``note`` says what went wrong apart from failing tests."""

    column: Column
    version: str = "-"
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    library: str = ""
    note: str = ""
    missing: bool = False
    failures: list[FailedTest] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether this column lets the matrix pass."""
        if self.missing:
            return not self.column.required
        return self.failed == 0 and not self.note


def read_report(file: Path, outcome: Outcome) -> None:
    """Add the counts and the failures of pytest's JUnit report *file* to *outcome*."""
    try:
        report = xml.etree.ElementTree.parse(file).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        outcome.failed += 1
        outcome.note = "the interpreter died before pytest could report"
        return
    outcome.failures += failed_tests(report)
    for suite in report.iter("testsuite"):
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        outcome.failed += failed
        outcome.skipped += skipped
        outcome.passed += max(0, tests - failed - skipped)


def table(outcomes: list[Outcome], counts: bool) -> str:
    """Return the table interpreter x passed/failed/skipped/time/library, with notes below it."""
    head = ["column", "version", "passed", "failed", "skipped", "time", "library sha256"]
    if not counts:
        head = ["column", "version", "result", "time", "library sha256"]
    rows = [head]
    notes = []
    for outcome in outcomes:
        name, note = outcome.column.name, outcome.note
        if outcome.missing:
            kind = "REQUIRED" if outcome.column.required else "optional"
            rows.append([name, "MISSING", *["-"] * (len(head) - 2)])
            notes.append(f"!!! {name} NOT RUN ({kind}): {note}")
            continue
        time, library = f"{outcome.seconds:.0f} s", outcome.library[:16] or "-"
        if counts:
            numbers = [str(n) for n in (outcome.passed, outcome.failed, outcome.skipped)]
        else:
            numbers = ["ok" if outcome.ok else "FAILED"]
        rows.append([name, outcome.version, *numbers, time, library])
        if note:
            notes.append(f"!!! {name}: {note}")
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines + notes)
