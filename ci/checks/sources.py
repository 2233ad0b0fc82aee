"""The source files of the tree, and pieces of them that several checks look at.

Called by: the checks. A file counts unless it is generated, built, or not ours: what git ignores
and what is not text is never looked at.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from common.places import ROOT

GENERATED = {"hpy-shim/src/bindings.rs"}
SKIPPED_FOLDERS = {".git", "target", "dist", "__pycache__", ".venv", "node_modules"}


@cache
def files(*suffixes: str, generated: bool = False) -> tuple[Path, ...]:
    """Return the files of the tree with one of *suffixes*; generated ones if asked for."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if names.returncode == 0:
        found = [ROOT / name for name in names.stdout.split("\0") if name]
    else:  # an unpacked source archive
        found = [p for p in ROOT.rglob("*") if not SKIPPED_FOLDERS.intersection(p.parts)]
    return tuple(
        path
        for path in sorted(set(found))
        if path.suffix in suffixes
        and path.is_file()
        and (generated or name_of(path) not in GENERATED)
    )


def name_of(path: Path) -> str:
    """Return the name of *path* as complaints show it."""
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> list[str]:
    """Return the lines of *path*."""
    return path.read_text(encoding="utf-8").splitlines()


def rust_code(path: Path) -> Iterator[tuple[int, str]]:
    """Give number and text of each line of a Rust file, without comments, texts and char literals.

    Lines keep their numbers. Good enough for our own sources; it is no parser.
    """
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|c?b?"(?:\\.|[^"\\])*"|b?\'(?:\\[^\n]{1,8}|[^\\\n])\'',
        re.S,
    )
    blanked = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    yield from enumerate(blanked.splitlines(), 1)


def first_test_line(path: Path) -> int:
    """Return the line where the file's test module starts, or one past its end."""
    lines = lines_of(path)
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*#\[cfg\((?:test|loom|all\(test|any\(test|all\(loom)", line):
            following = [later for later in lines[number : number + 3] if "mod " in later]
            if following and not following[0].rstrip().endswith(";"):
                return number
    return len(lines) + 1


def is_test(path: Path) -> bool:
    """Say whether the whole file is test code."""
    name = name_of(path)
    return bool(re.search(r"(^|/)tests?(/|\.rs$)|(^|/)loom|_loom\.rs$|_tests?\.rs$", name))
