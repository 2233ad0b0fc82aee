"""Tool environments: virtual environments in the cache that hold pinned tools from PyPI.

Owns: ``tools/<hash of the pins>`` in the cache. Called by: the checks, the wheel build, uv.
Also the way to get pip into an environment when the interpreter's ``ensurepip`` is missing or
unusable, as on a plain Debian machine: the wheel of Debian's ``python3-pip-whl``.
Errors: ``Failure`` when the packages cannot be installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from common.places import cache_dir, made_once
from common.process import Failure, run


def tool_environment(pins: list[str]) -> Path:
    """Return a virtual environment of the running interpreter that holds *pins*."""
    key = hashlib.sha256("\n".join([sys.version, sys.prefix, *pins]).encode()).hexdigest()[:12]
    final = cache_dir() / "tools" / f"{pins[0].split('=')[0]}-{key}"
    with made_once(final / "ready") as work:
        if work is not None:
            python = make_venv(Path(sys.executable), final / "venv")
            run([python, "-m", "pip", "install", "--quiet", *pins])
    return final / "venv"


def make_venv(interpreter: Path, folder: Path) -> Path:
    """Make (or remake) a virtual environment with pip; return its interpreter."""
    run([interpreter, "-m", "venv", "--clear", "--without-pip", folder])
    python = folder / "bin" / "python"
    attempt = subprocess.run(
        [str(python), "-m", "ensurepip", "--upgrade"], capture_output=True, text=True
    )
    if attempt.returncode != 0:
        wheel = _pip_wheel(python)
        run([python, f"{wheel}/pip", "install", "--quiet", "--no-index", wheel])
    run([python, "-m", "pip", "--version"])
    return python


def _pip_wheel(python: Path) -> Path:
    """Return the pip wheel that belongs to *python*, else that of this machine's Debian."""
    prefix = run([python, "-I", "-c", "import sys; print(sys.base_prefix)"]).strip()
    wheels = sorted(Path(prefix, "share/python-wheels").glob("pip-*.whl"))
    if not wheels:
        from pythons.apt import PrivateApt, host_suite

        final = cache_dir() / "roots" / "pip"
        with made_once(final) as work:
            if work is not None:
                PrivateApt(host_suite()).unpack(
                    ["python3-pip-whl"], work, lambda name: name.startswith("python3-pip-whl")
                )
        wheels = sorted((final / "usr/share/python-wheels").glob("pip-*.whl"))
    if not wheels:
        raise Failure(f"{python} has no ensurepip, and no pip wheel was found for it")
    return wheels[-1]
