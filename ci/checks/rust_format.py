"""Rust is formatted: ``cargo fmt --check``."""

from __future__ import annotations

from common.places import ROOT
from common.process import Failure, run

FAST = True


def run_in(folder: str) -> list[str]:
    """Check the workspace in *folder*."""
    try:
        run(["cargo", "fmt", "--all", "--check", "--", "--color", "never"], cwd=ROOT / folder)
    except Failure as failure:
        return [f"{failure}\nrun: cargo fmt --all"]
    return []


def check() -> list[str]:
    """Return complaints."""
    return run_in(".") + run_in("ci/bindgen")
