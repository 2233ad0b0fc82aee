"""Where the tests of an interpreter's standard library are: in it, or in a package of Debian.

Owns: ``roots/tests-<suite>-<package>`` in the cache, for interpreters that come without the tests.
Called by: ``stdlib_tests.py``.
Errors: ``Failure`` with the reason when the tests of a version cannot be had.
"""

from __future__ import annotations

from pathlib import Path

from common.places import cache_dir, made_once
from common.process import Failure, run, say
from pythons.apt import PrivateApt
from pythons.probe import Interpreter

# Suites whose testsuite package belongs to the version of the column.
PACKAGES = {
    "cp39": ("bullseye", "libpython3.9-testsuite"),
    "cp311": ("bookworm", "libpython3.11-testsuite"),
    # No suite of Debian has 3.12: the tests of the version before it are the next best.
    "cp312": ("bookworm", "libpython3.11-testsuite"),
    "cp313": ("trixie", "libpython3.13-testsuite"),
    "cp313t": ("trixie", "libpython3.13-testsuite"),
    "cp314": ("sid", "libpython3.14-testsuite"),
    "cp315": ("sid", "libpython3.15-testsuite"),
    "pypy39": ("bookworm", "pypy3-lib-testsuite"),
    "pypy311": ("sid", "pypy3-lib-testsuite"),
}
NAMES = ("test_concurrent_futures", "test_concurrent_futures.py")


def find_tests(interpreter: Interpreter) -> Path:
    """Return the folder that is the package ``test`` of *interpreter*, with the tests in it."""
    question = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    library = Path(run([interpreter.path, "-I", "-c", question], timeout=120).strip())
    if _has_tests(library / "test"):
        return library / "test"
    if interpreter.column not in PACKAGES:
        raise Failure("it comes without the package test, and no suite of Debian has its tests")
    suite, package = PACKAGES[interpreter.column]
    final = cache_dir() / "roots" / f"tests-{suite}-{package}"
    with made_once(final) as work:
        if work is not None:
            say(f"{interpreter.column}: unpacking {package} of Debian {suite}")
            PrivateApt(suite).unpack([package], work, lambda name: name.startswith(package))
    for folder in sorted(final.glob("usr/lib/*/test")):
        if _has_tests(folder):
            return folder
    raise Failure(f"{package} of Debian {suite} has no test_concurrent_futures")


def _has_tests(folder: Path) -> bool:
    return any((folder / name).exists() for name in NAMES)
