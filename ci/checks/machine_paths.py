"""The scripts of ``ci/`` name no machine: no host name and no absolute path of one machine.

Mirrors and registries are those that the machine's own tools are set up with.
"""

from __future__ import annotations

import re

from checks.sources import files, lines_of, name_of

FAST = True
FORBIDDEN = re.compile(r"(?:/home/\w+/|/" + r"root/|/" + r"work/)")


def check() -> list[str]:
    """Return complaints."""
    return [
        f"{name_of(path)}:{number}: a path of one machine"
        for path in files(".py", ".rs", ".c", ".h", ".toml", ".md", ".sh", "")
        for number, line in enumerate(lines_of(path), 1)
        if FORBIDDEN.search(line)
    ]
