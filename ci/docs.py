#!/usr/bin/env python3
"""Build the documentation as a site into ``target/site``; a warning is an error.

    python3 ci/docs.py            build it
    python3 ci/docs.py --serve    build it again at each change, on http://127.0.0.1:8000

The reference is made from the docstrings of the package as it is in the wheel, native ones
included. Tools come from PyPI into the cache, pinned.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import zipfile

from common.places import ROOT
from common.process import main_guard, run, say
from common.tools import tool_environment
from wheel import build_wheel

TOOLS = [
    "mkdocs-material==9.8.2",
    "mkdocs==1.6.1",
    "mkdocstrings==1.0.8",
    "mkdocstrings-python==2.0.11",
    "joblib==1.6.0",
]


def main() -> int:
    """Build the site, or serve it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", action="store_true", help="serve it while it is written")
    options = parser.parse_args()
    package = ROOT / "target" / "site-package"
    shutil.rmtree(package, ignore_errors=True)
    with zipfile.ZipFile(build_wheel()) as archive:
        archive.extractall(package)
    mkdocs = tool_environment(TOOLS) / "bin" / "mkdocs"
    env = {"PYTHONPATH": str(package), "NO_MKDOCS_2_WARNING": "1"}
    if options.serve:
        return subprocess.call([mkdocs, "serve"], cwd=ROOT, env={**os.environ, **env})
    run([mkdocs, "build", "--strict", "--quiet", "--clean"], cwd=ROOT, env=env)
    say(f"{sum(1 for _ in (ROOT / 'target/site').rglob('index.html'))} pages in target/site")
    return 0


if __name__ == "__main__":
    main_guard(main)
