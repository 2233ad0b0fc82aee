"""Python is formatted and without warnings: ruff."""

from __future__ import annotations

from common.places import ROOT
from common.process import Failure, run
from common.tools import tool_environment

FAST = True
RUFF = "ruff==0.17.6"
FOLDERS = ("python", "tests", "ci", "examples", "benches")


def check() -> list[str]:
    """Return complaints."""
    ruff = tool_environment([RUFF]) / "bin" / "ruff"
    folders = [folder for folder in FOLDERS if (ROOT / folder).is_dir()]
    complaints = []
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        try:
            run([ruff, *words, *folders], cwd=ROOT)
        except Failure as failure:
            complaints.append(f"{failure}\nrun: {ruff} {words[0]} {' '.join(folders)}")
    return complaints
