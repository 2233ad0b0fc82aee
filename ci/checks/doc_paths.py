"""Paths that the documentation names in backticks exist.

A path is a word in backticks that starts with a folder or file of the tree and has a slash, such as
a script under ``ci``. Patterns (``*``, ``<name>``) and what a build makes are left out.
"""

from __future__ import annotations

import re

from checks.sources import files, lines_of, name_of
from common.places import ROOT

FAST = True
SPAN = re.compile(r"`+([^`\n]+?)`+")
PATH = re.compile(r"(?:\.?/)?([\w.-]+(?:/[\w.-]+)+/?)(?::\d+)?$")
MADE_BY_BUILD = ("dist", "target")


def check() -> list[str]:
    """Return complaints."""
    tops = {path.name for path in ROOT.iterdir()}
    complaints = []
    for path in files(".md", ".rs", ".py", ".c", ".h", ".toml"):
        for number, line in enumerate(lines_of(path), 1):
            for span in SPAN.findall(line):
                for word in span.split():
                    match = PATH.match(word.rstrip(".,;:)"))
                    if not match or match.group(1).split("/")[0] not in tops:
                        continue
                    name = match.group(1)
                    bases = (ROOT, path.parent)
                    if name.startswith(MADE_BY_BUILD) or any((b / name).exists() for b in bases):
                        continue
                    complaints.append(f"{name_of(path)}:{number}: no such path: {name}")
    return complaints
