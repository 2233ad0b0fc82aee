"""mypy --strict and pyright find nothing in the stubs, nor in a file that uses the whole API.

That file, ``tests/typing/whole_api.py``, says of each result what type the checkers must find.
"""

from __future__ import annotations

import json
import subprocess

from common.places import ROOT
from common.tools import tool_environment

FAST = False
# basedpyright is pyright with the node that it needs in its wheel; here it judges as pyright does.
TOOLS = ["mypy==2.4.1", "basedpyright==1.40.2", "typing_extensions==4.16.0"]
OLDEST, NEWEST = "3.10", "3.14"  # mypy no longer takes 3.9 for a target
FILES = ["tests/typing/whole_api.py"]


def check() -> list[str]:
    """Return complaints."""
    tools = tool_environment(TOOLS) / "bin"
    complaints = []
    for version in (OLDEST, NEWEST):
        words = [tools / "mypy", "--strict", "--python-version", version, "--cache-dir=/dev/null"]
        done = subprocess.run(
            [*map(str, words), *FILES],
            cwd=ROOT,
            env={"MYPYPATH": str(ROOT / "python")},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            complaints += [f"mypy {version}: {line}" for line in _lines(done)]
    complaints += _pyright(tools)
    return complaints


def _pyright(tools) -> list[str]:
    settings = ROOT / "tests" / "typing" / "pyrightconfig.json"
    words = [tools / "basedpyright", "--project", settings, "--pythonpath", tools / "python"]
    done = subprocess.run(
        [*map(str, words), "--outputjson"], cwd=ROOT, capture_output=True, text=True
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return [f"pyright: {line}" for line in _lines(done)]
    if found["summary"]["filesAnalyzed"] == 0:
        return ["pyright looked at no file"]
    return [
        f"pyright: {item['file']}:{item['range']['start']['line'] + 1}: {item['message']}"
        for item in found["generalDiagnostics"]
        if item["severity"] == "error"
    ]


def _lines(done: subprocess.CompletedProcess) -> list[str]:
    return (done.stdout + done.stderr).strip().splitlines()
