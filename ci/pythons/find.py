"""Find the interpreters that this machine has, and get those that it lacks.

Called by: ``interpreters.py`` and ``matrix.py``.
Order: ``HPYX_PYTHON_<COLUMN>``, the cache, pyenv, uv, ``/opt``, PATH. Each candidate is started;
only what it answers counts, never its name.
Errors: ``get_missing`` collects the reasons; it does not stop at the first column that fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from common.places import cache_dir
from common.process import Failure, say
from pythons.columns import COLUMNS, Column
from pythons.probe import Interpreter, probe

PATTERNS = ("bin/python", "bin/python3", "bin/pypy3", "bin/graalpy")
NAMES = ("python3", "python", "pypy3", "graalpy")


def find_all() -> dict[str, Interpreter]:
    """Return the interpreter of each column that is on this machine, by column name."""
    found: dict[str, Interpreter] = {}
    seen: set[Path] = set()
    for column in COLUMNS:
        given = os.environ.get(f"HPYX_PYTHON_{column.name.upper()}")
        if given:
            found[column.name] = check(column, Path(given))
    for candidate in _candidates():
        real = candidate.resolve()
        if real in seen or not os.access(real, os.X_OK):
            continue
        seen.add(real)
        interpreter = probe(candidate)
        if interpreter is not None:
            found.setdefault(interpreter.column, interpreter)
    return found


def get_missing(found: dict[str, Interpreter], only: set[str]) -> dict[str, str]:
    """Get the columns *only* that are not in *found*, and add them; return failures by column."""
    reasons: dict[str, str] = {}
    for column in COLUMNS:
        if column.name not in only or column.name in found:
            continue
        tried = []
        for source in column.sources:
            try:
                found[column.name] = check(column, source.get(column.name))
                break
            except Failure as failure:
                tried.append(str(failure))
        else:
            reasons[column.name] = "\n".join(tried)
            say(f"{column.name}: NOT AVAILABLE: {reasons[column.name]}")
    return reasons


def check(column: Column, path: Path) -> Interpreter:
    """Return the interpreter at *path*; raise ``Failure`` unless it is what *column* wants."""
    interpreter = probe(path)
    if interpreter is None:
        raise Failure(f"{path} was to be {column.title}, but does not start")
    if interpreter.column != column.name:
        raise Failure(f"{path} was to be {column.title}, but is {interpreter.column}")
    return interpreter


def _candidates() -> Iterator[Path]:
    cache, home = cache_dir(), Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    yield from sorted((cache / "built").glob("*/bin/python3.*[0-9t]"), reverse=True)
    yield from sorted((cache / "roots").glob("*/usr/bin/python3.[0-9]*"))
    yield from sorted((cache / "roots").glob("*/usr/bin/pypy3"))
    yield from sorted((cache / "graalpy").glob("*/bin/graalpy"))
    for folder in (pyenv / "versions", cache / "uv", data / "uv/python", Path("/opt")):
        for pattern in PATTERNS:
            yield from sorted(folder.glob(f"*/{pattern}"))
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in NAMES:
            yield Path(folder, name)
        yield from sorted(Path(folder).glob("python3.*[0-9t]"))
