#!/usr/bin/env python3
"""Build the one wheel into ``dist/``, as ``make wheel`` does, and check what it promises.

    python3 ci/wheel.py            build, unless the sources are those of the last build
    python3 ci/wheel.py --force    build in any case

Goes through the PEP 517 back end (``ci/backend/hpyx_build.py``) as ``pip`` does, in an isolated
environment. Prints the wheel's name, the size and the sha256 of the library in it.
Exit code: 1 if the build fails, or the library is too big, refers to a Python symbol or needs a
glibc newer than 2.17. ``dist/`` then holds no wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

from common.library import check_wheel
from common.places import ROOT, cache_dir, locked
from common.process import Failure, main_guard, run, say
from common.tools import tool_environment

DIST = ROOT / "dist"
TAG = "py3-none-manylinux_2_17_"
BUILD = "build==1.3.0"
# All that the wheel is made of.
INPUTS = (
    ".cargo",
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "ci/backend",
    "hpy-shim",
    "python",
    "src",
)
SKIPPED_FOLDERS = {"__pycache__", "target"}
SKIPPED_SUFFIXES = {".pyc", ".so"}


def build_wheel(force: bool = False) -> Path:
    """Build the wheel if needed, check it, and return its path."""
    with locked(f"wheel-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]}"):
        stamp = DIST / ".sources"
        sources = hash_of_inputs()
        wheels = sorted(DIST.glob("*.whl"))
        fresh = len(wheels) == 1 and stamp.exists() and stamp.read_text() == sources
        if fresh and not force:
            say(f"{wheels[0].name}: sources unchanged, not built again")
        else:
            for old in [*wheels, stamp]:
                old.unlink(missing_ok=True)
            wheels = [_build()]
        wheel = wheels[0]
        try:
            with tempfile.TemporaryDirectory() as folder:
                library = check_wheel(wheel, Path(folder))
        except Failure:
            wheel.unlink()
            raise
        stamp.write_text(sources)
    say(f"wheel:   {wheel.relative_to(ROOT)} ({wheel.stat().st_size:,} bytes)")
    say(f"library: {library.size:,} bytes, sha256 {library.sha256}")
    return wheel


def hash_of_inputs() -> str:
    """Return one hash over the names and contents of everything that the wheel is made of."""
    digest = hashlib.sha256()
    for name in INPUTS:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            inside = file.relative_to(ROOT)
            if SKIPPED_FOLDERS.intersection(inside.parts) or file.suffix in SKIPPED_SUFFIXES:
                continue
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{inside}\0{content}\n".encode())
    return digest.hexdigest()


def _build() -> Path:
    python = tool_environment([BUILD]) / "bin" / "python"
    log = cache_dir() / "wheel.log"
    log.write_text("")
    say(f"building the wheel (log: {log})")
    start = time.monotonic()
    run([python, "-m", "build", "--wheel", "--outdir", DIST, ROOT], log=log)
    wheels = sorted(DIST.glob("*.whl"))
    if len(wheels) != 1 or TAG not in wheels[0].name:
        raise Failure(f"expected one wheel tagged {TAG}*, got {[w.name for w in wheels]}")
    say(f"built in {time.monotonic() - start:.0f} s")
    return wheels[0]


def main() -> int:
    """Parse the command line, build, check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    build_wheel(parser.parse_args().force)
    return 0


if __name__ == "__main__":
    main_guard(main)
