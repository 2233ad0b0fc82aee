#!/usr/bin/env python3
"""Run every static check of the tree.

    python3 ci/check.py                    all of them
    python3 ci/check.py --fast             those that take seconds (under a minute in all)
    python3 ci/check.py sizes justified    these only
    python3 ci/check.py --list             names and what they check

The checks are the modules of ``ci/checks``. Tools (ruff, clang-format, libclang) come from PyPI
into the cache, pinned. Exit code: 1 if any check has a complaint.
"""

from __future__ import annotations

import argparse
import importlib
import time
from types import ModuleType

from common.process import Failure, main_guard, say

NAMES = (
    "rust_format",
    "python_lint",
    "c_format",
    "no_python_names",
    "sizes",
    "justified",
    "doc_paths",
    "machine_paths",
    "bindings",
    "types",
    "rust_lint",
)
SHOWN = 40


def load(name: str) -> ModuleType:
    """Import the check *name*."""
    return importlib.import_module(f"checks.{name}")


def run_one(name: str) -> bool:
    """Run one check, print its complaints, and say whether it had none."""
    start = time.monotonic()
    try:
        complaints = load(name).check()
    except Failure as failure:
        complaints = [str(failure)]
    verdict = "ok" if not complaints else "FAILED"
    say(f"{name:16} {verdict:7} {time.monotonic() - start:5.1f} s")
    for complaint in complaints[:SHOWN]:
        say(f"    {complaint}")
    if len(complaints) > SHOWN:
        say(f"    ... and {len(complaints) - SHOWN} more")
    return not complaints


def main() -> int:
    """Parse the command line and run the checks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="check", help="run these only")
    parser.add_argument("--fast", action="store_true", help="leave out the slow ones")
    parser.add_argument("--list", action="store_true", help="print names and what they check")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}; have {', '.join(NAMES)}")
    if options.list:
        for name in NAMES:
            say(f"{name:16} {(load(name).__doc__ or '').splitlines()[0]}")
        return 0
    chosen = options.names or [name for name in NAMES if load(name).FAST or not options.fast]
    failed = [name for name in chosen if not run_one(name)]
    say(f"{len(chosen) - len(failed)} of {len(chosen)} checks passed")
    return int(bool(failed))


if __name__ == "__main__":
    main_guard(main)
