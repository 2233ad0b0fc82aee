"""Rust is without warnings: ``cargo clippy``, warnings denied."""

from __future__ import annotations

from common.places import ROOT
from common.process import Failure, run

FAST = True


def check() -> list[str]:
    """Return complaints."""
    words = ["cargo", "clippy", "--quiet", "--locked", "--workspace", "--all-targets"]
    try:
        run([*words, "--", "-D", "warnings"], cwd=ROOT)
    except Failure as failure:
        return [str(failure)]
    return []
