"""The Rust bindings are those of the C header: ``ci/bindings.py --check``."""

from __future__ import annotations

import sys

from common.places import ROOT
from common.process import Failure, run

FAST = False  # the first run builds the generator


def check() -> list[str]:
    """Return complaints."""
    try:
        run([sys.executable, ROOT / "ci" / "bindings.py", "--check"], cwd=ROOT)
    except Failure as failure:
        return [str(failure)]
    return []
