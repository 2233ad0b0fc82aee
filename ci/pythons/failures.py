"""Which tests failed and why, in so few characters that the last screen of a log holds it all.

Owns: `FailedTest`, read from pytest's JUnit report, and the text that closes a run of the matrix.
Called by: `report`, `run` and `matrix.py`.
Invariant: the names come first, and all of the text fits into `CHARACTERS`, however much failed.
"""

from __future__ import annotations

import xml.etree.ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

CHARACTERS = 1400
LINES = 40
LINES_OF_ONE = 15
COLUMNS_OF_ONE = 120
NAMES = 8  # more than that have one cause, or need the log anyway


@dataclass(frozen=True)
class FailedTest:
    """A test by its name, and the lines that say why it failed."""

    name: str
    why: list[str]


def failed_tests(report: xml.etree.ElementTree.Element) -> Iterator[FailedTest]:
    """Yield the failed tests of a JUnit *report* by pytest; an error of a fixture is one, too."""
    for case in report.iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        for kind in ("failure", "error"):
            for problem in case.iter(kind):
                yield FailedTest(name, _why((problem.text or "").splitlines()))


def _why(text: list[str]) -> list[str]:
    """Return what pytest marks as the exception, and where it was raised; else all of *text*."""
    lines = [line for line in text if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    if not marked:
        return lines
    return [line for line in marked if line] + ([] if lines[-1].startswith("E ") else lines[-1:])


def closing(failed: dict[str, list[FailedTest]]) -> str:
    """Return the names of what *failed*, by column, and below them why."""
    columns: dict[str, list[str]] = {}
    why: dict[str, list[str]] = {}
    for column, tests in failed.items():
        for test in tests:
            columns.setdefault(test.name, []).append(column)
            why.setdefault(test.name, test.why)
    shown = list(columns)[:NAMES]
    names = [_cut(f"FAILED on {', '.join(columns[name])}: {name}") for name in shown]
    if len(columns) > len(shown):
        names.append(f"and {len(columns) - len(shown)} more: see the logs")
    return "\n".join(names + _reasons({name: why[name] for name in shown}, names))


def _reasons(why: dict[str, list[str]], names: list[str]) -> list[str]:
    """Return for each test as many lines as there is room for below *names*."""
    lines = LINES - len(names)
    room = CHARACTERS - sum(len(name) + 1 for name in names)
    reasons = []
    for left, (name, text) in zip(range(len(why), 0, -1), why.items()):
        title = _cut(f"-- {name.rpartition('::')[2]}")
        part = _clip(text, min(LINES_OF_ONE, lines // left - 1), room // left - len(title) - 1)
        if part:
            reasons += [title, *part]
            lines -= 1 + len(part)
            room -= sum(len(line) + 1 for line in [title, *part])
    return reasons


def _clip(text: list[str], lines: int, characters: int) -> list[str]:
    """Return the first and the last of *text* within both limits: how it began and how it ended."""
    text = [_cut(line) for line in text]
    gap = ["   ..."]
    for dropped in range(len(text)):
        tail = text[1 + dropped :]
        part = text[:1] + (gap if dropped else []) + tail
        if len(part) <= lines and sum(len(line) + 1 for line in part) <= characters:
            return part
    return []


def _cut(line: str) -> str:
    return line if len(line) <= COLUMNS_OF_ONE else line[: COLUMNS_OF_ONE - 3] + "..."
