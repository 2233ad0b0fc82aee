"""Ask an interpreter what it is, by running it.

Called by: ``find`` (is this file the interpreter that a column wants?).
An interpreter that takes seconds to start, and that we made ourselves in a folder of the cache, is
asked once, when it is made: the answer is kept beside it (``remember``).
Errors: an interpreter that does not start, or does not answer, is None.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

QUESTION = """
import json, platform, sys, sysconfig
name = platform.python_implementation()
full = platform.python_version()
if name == "PyPy":
    full = "%d.%d.%d (%s)" % (tuple(sys.pypy_version_info[:3]) + (full,))
elif name == "GraalVM":
    full = "%d.%d.%d (%s)" % (tuple(sys.implementation.version[:3]) + (full,))
print(json.dumps({
    "implementation": name,
    "major_minor": list(sys.version_info[:2]),
    "own_version": list(sys.implementation.version[:2]),
    "version": full,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "base_prefix": sys.base_prefix,
    "base_executable": getattr(sys, "_base_executable", None) or sys.executable,
}))
"""

SHORT_NAMES = {"CPython": "cp", "PyPy": "pypy", "GraalVM": "graalpy"}


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that was started and answered."""

    path: Path
    column: str
    version: str
    base_prefix: Path


def ask(path: Path) -> dict | None:
    """Return what the interpreter at *path* answers, or what was remembered of it."""
    remembered = _memory(path)
    if remembered.is_file() and path.is_file():
        return json.loads(remembered.read_text())
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", QUESTION],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
        return json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def remember(path: Path) -> None:
    """Keep what the interpreter at *path* answers now, for good."""
    memory = _memory(path)
    memory.unlink(missing_ok=True)
    answer = ask(path)
    if answer is not None:
        memory.write_text(json.dumps(answer))


def _memory(path: Path) -> Path:
    return path.parent.parent / "answer.json"


def probe(path: Path) -> Interpreter | None:
    """Return what the interpreter at *path* says it is; None if it does not start."""
    answer = ask(path)
    if answer is None or answer["implementation"] not in SHORT_NAMES:
        return None
    # A shim (pyenv) or a virtual environment stands for another file: name that file.
    real = Path(answer["base_executable"])
    if not real.is_file():
        real = path
    major, minor = answer["major_minor"]
    if answer["implementation"] == "GraalVM":  # several of its versions are one Python version
        major, minor = answer["own_version"]
    suffix = "t" if answer["free_threaded"] else ""
    return Interpreter(
        path=real,
        column=f"{SHORT_NAMES[answer['implementation']]}{major}{minor}{suffix}",
        version=answer["version"],
        base_prefix=Path(answer["base_prefix"]),
    )
