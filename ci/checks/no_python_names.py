"""The core knows no Python: no ``Py…`` name in ``src/``, outside comments and texts.

The core works on handles and on a host; what an interpreter is belongs to ``hpy-shim``. Allowed
are the entry point that every interpreter looks for, ``PyInit_…``, and ``PyResult``, the result
type of the safe API of ``hpy-shim``, which is no name of the C API.
"""

from __future__ import annotations

import re

from checks.sources import files, name_of, rust_code
from common.places import ROOT

FAST = True
NAME = re.compile(r"\b_?Py(?!Init_|Result\b)[A-Z_]\w*")


def check() -> list[str]:
    """Return complaints."""
    complaints = []
    for path in files(".rs"):
        if ROOT / "src" not in path.parents:
            continue
        for number, line in rust_code(path):
            complaints += [
                f"{name_of(path)}:{number}: the core names {name}" for name in NAME.findall(line)
            ]
    return complaints
