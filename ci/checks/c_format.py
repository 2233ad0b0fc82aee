"""C is formatted: clang-format."""

from __future__ import annotations

from checks.sources import files
from common.places import ROOT
from common.process import Failure, run
from common.tools import tool_environment

FAST = True
CLANG_FORMAT = "clang-format==20.1.8"


def check() -> list[str]:
    """Return complaints."""
    program = tool_environment([CLANG_FORMAT]) / "bin" / "clang-format"
    sources = files(".c", ".h")
    if not sources:
        return ["no C file found"]
    try:
        run([program, "--dry-run", "-Werror", *sources], cwd=ROOT)
    except Failure as failure:
        return [f"{failure}\nrun: {program} -i {' '.join(str(file) for file in sources)}"]
    return []
