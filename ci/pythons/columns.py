"""The columns of the matrix: which interpreters we promise, and where a missing one comes from.

To add one: append a ``Column``; its ``name`` is what ``probe`` makes of a running interpreter
(cp = CPython, pypy: then the Python version, ``t`` = free-threaded; graalpy: then its own version,
as several are one Python version), ``sources`` are tried in order when it is not on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pythons.debian import DebianRoot
from pythons.free_threaded import FreeThreadedBuild
from pythons.graalpy import GraalPy
from pythons.uv import Uv


class Source(Protocol):
    """A way to get an interpreter."""

    def get(self, column: str) -> Path:
        """Return the path of the executable; raise ``Failure`` if it cannot be had this way."""


@dataclass(frozen=True)
class Column:
    """One interpreter of the matrix.

    environment: "venv" (a virtual environment, its own pip), or "target" (no venv there:
    ``pip install --target`` into a folder that is put on PYTHONPATH).
    pip_from: column whose pip does the installing where the interpreter has none.
    """

    name: str
    title: str
    required: bool
    sources: tuple[Source, ...]
    environment: str = "venv"
    pip_from: str | None = None


COLUMNS = (
    Column("cp39", "CPython 3.9", True, (DebianRoot("bullseye", "python3.9", False), Uv("3.9"))),
    Column("cp310", "CPython 3.10", True, (Uv("3.10"),)),
    Column("cp311", "CPython 3.11", True, (DebianRoot("bookworm", "python3.11"), Uv("3.11"))),
    Column("cp312", "CPython 3.12", True, (Uv("3.12"),)),
    Column("cp313", "CPython 3.13", True, (DebianRoot("trixie", "python3.13"), Uv("3.13"))),
    Column("cp313t", "CPython 3.13t", True, (FreeThreadedBuild("python3.13", ("trixie", "sid")),)),
    Column("pypy39", "PyPy 7.3 (3.9)", True, (DebianRoot("bookworm", "pypy3"),)),
    Column("cp314", "CPython 3.14", False, (DebianRoot("sid", "python3.14"), Uv("3.14"))),
    Column("cp315", "CPython 3.15", False, (DebianRoot("sid", "python3.15"), Uv("3.15"))),
    Column("pypy311", "PyPy 8.0 (3.11)", False, (DebianRoot("sid", "pypy3"),)),
    Column("graalpy250", "GraalPy 25.0", False, (GraalPy("25.0.3"),), "target", "cp313"),
    Column("graalpy251", "GraalPy 25.1", False, (GraalPy("25.1.3"),), "target", "cp313"),
)

BY_NAME = {column.name: column for column in COLUMNS}
