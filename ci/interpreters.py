#!/usr/bin/env python3
"""Get and list the interpreters of the matrix.

    python3 ci/interpreters.py get [--only cp313t,pypy39]    get what is missing, then list
    python3 ci/interpreters.py list [--json]                 name, version and path of each
    python3 ci/interpreters.py compiler     get GraalPy 25.0 with its compiler, print its path

``list`` prints one line per column: name, path, version, separated by tabs, so that other test
suites can use the same interpreters. A column that is missing has ``-`` as its path.
Exit code: 1 when a required column is missing (``pythons/columns.py`` says which are required).
Nothing on the system is changed; what is downloaded or built goes to the cache
(``HPYX_CACHE``, else ``~/.cache/hpyx``). The one that ``compiler`` gets is for measuring: it is no
column of the matrix, and ``HPYX_PYTHON_GRAALPY250`` puts it into the place of one.
"""

from __future__ import annotations

import argparse
import json

from common.process import main_guard, say
from pythons.columns import BY_NAME, COLUMNS
from pythons.find import find_all, get_missing
from pythons.graalpy import GraalPy


def main() -> int:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("get", help="get the interpreters that are missing")
    get.add_argument("--only", default=",".join(BY_NAME), help="columns, separated by commas")
    listing = commands.add_parser("list", help="print name, path and version of each")
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    commands.add_parser("compiler", help="get GraalPy with the Graal compiler, for measuring")
    options = parser.parse_args()

    if options.command == "compiler":
        say(str(GraalPy("25.0.3", compiled=True).get("compiler")))
        return 0
    found = find_all()
    if options.command == "get":
        only = set(options.only.split(","))
        unknown = only - set(BY_NAME)
        if unknown:
            parser.error(f"no such column: {', '.join(sorted(unknown))}; have {', '.join(BY_NAME)}")
        get_missing(found, only)
    if options.command == "list" and options.json:
        rows = [
            {
                "name": column.name,
                "title": column.title,
                "required": column.required,
                "path": str(found[column.name].path) if column.name in found else None,
                "version": found[column.name].version if column.name in found else None,
            }
            for column in COLUMNS
        ]
        say(json.dumps(rows, indent=2))
    else:
        for column in COLUMNS:
            if column.name in found:
                say(f"{column.name}\t{found[column.name].path}\t{found[column.name].version}")
            else:
                kind = "REQUIRED, MISSING" if column.required else "optional, missing"
                say(f"{column.name}\t-\t{kind}")
    return int(any(c.required and c.name not in found for c in COLUMNS))


if __name__ == "__main__":
    main_guard(main)
