#!/usr/bin/env python3
"""Run all benchmarks on this interpreter and print a table.

    python benches/run.py [--json FILE] [--only burst,cpu]

hpyx and ThreadPoolExecutor are measured in the same run, with two workers each, after a warm-up;
the best of several rounds counts. The figures also go to FILE as JSON, by default into the cache
outside the tree, one file per interpreter; ``table.py`` makes one table of all of them.
"""

import argparse
import importlib
import json
import os
import sys
import time

import common

NAMES = (
    "burst",
    "roundtrip",
    "callbacks",
    "compose",
    "map",
    "asyncio",
    "as_completed",
    "cpu",
    "memory",
    "tracing",
)


def measure_all(names):
    """Run the benchmarks called *names*; return their figures."""
    common.start_hpyx()
    figures = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"bench_{name}").measure()
    return figures


def write_json(path, interpreter, figures):
    """Keep the results for ``table.py``."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    results = {
        "interpreter": interpreter,
        "date": time.strftime("%Y-%m-%d"),
        "figures": [figure._asdict() for figure in figures],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="where to keep the figures")
    parser.add_argument("--only", default=",".join(NAMES), help="benchmarks, by commas")
    arguments = parser.parse_args()
    arguments.names = arguments.only.split(",")
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; have {', '.join(NAMES)}")
    return arguments


def main():
    arguments = parse_arguments()
    interpreter = common.describe_interpreter()
    figures = measure_all(arguments.names)
    kind = "free-threaded" if interpreter["free_threaded"] else "GIL"
    print(
        f"{interpreter['name']} ({kind}), Python {interpreter['python']}, {common.WORKERS} workers"
    )
    print(common.figures_table(figures))
    path = arguments.json
    if path is None and arguments.names == list(NAMES):
        path = os.path.join(common.cache_dir(), f"{interpreter['column']}.json")
    if path is not None:
        write_json(path, interpreter, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
