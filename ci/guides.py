#!/usr/bin/env python3
"""Run every block of code that the guides print, and check the outcomes that they state.

    python3 ci/guides.py ../shared/reference                 on five interpreters
    python3 ci/guides.py --only cp313 --match asyncio        one column, some sections
    python3 ci/guides.py --exceptions                        what is not run as printed, and why

Each section runs in a process of its own, its blocks in order; on GraalPy, where a process takes
seconds to start, in a life of its own: ``guides/run_sections.py`` says what that is. The folder of
documents is the argument, or ``HPYX_GUIDES``. numpy and dask are installed where they install.
Exit code: 1 if a block does not do what is stated, a comment that looks like an outcome is not
understood, or the table of exceptions names what no document has.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.places import ROOT, cache_dir
from common.process import Failure, main_guard, say
from guides import exceptions
from guides.outcomes import outcomes
from guides.parse import Section, sections
from guides.shared import SharedProcess
from pythons.columns import BY_NAME, COLUMNS, Column
from pythons.environment import Environment, make_environment
from pythons.find import find_all, get_missing
from wheel import build_wheel

HERE = Path(__file__).resolve().parent / "guides"
WANTED = ("cp39", "cp313", "cp313t", "pypy39", "graalpy251")
SECONDS = 180
PACKAGES = {"numpy": ["numpy"], "dask": ["dask[array]"]}


@dataclass
class Ready:
    """A column that is ready to run sections."""

    column: Column
    environment: Environment
    has: set[str]
    shared: SharedProcess | None = None

    @property
    def env(self) -> dict[str, str]:
        """The variables of the environment, without those that would configure hpyx."""
        env = self.environment.env
        return {name: value for name, value in env.items() if not name.startswith("HPYX_")}


def plans(section: Section) -> list[dict]:
    """Return what each process of *section* is to do: one, or one per block."""
    blocks = []
    for number, block in enumerate(section.blocks):
        stated, unknown = outcomes(block.text)
        unknown = [text for text in unknown if text not in exceptions.PROSE]
        if unknown:
            raise Failure(f"{section.document}, {section.title}: not understood: {unknown}")
        for outcome in stated:
            if outcome.get("message") in exceptions.DESCRIBED:
                outcome["message"] = None
        end = exceptions.ENDS_WITH.get((section.document, section.title, number), (None, ""))[0]
        blocks.append({"text": block.text, "line": block.line, "stated": stated, "raises": end})
    apart = (section.document, section.title) in exceptions.BLOCKS_APART
    groups = [[block] for block in blocks] if apart else [blocks]
    checks = exceptions.CHECKS.get((section.document, section.title), [])
    return [{"blocks": group, "checks": checks} for group in groups]


def preamble(section: Section) -> tuple[str, dict[str, str]]:
    """Return the code to run before the blocks of *section*, and variables to set."""
    text = (HERE / f"preamble_{section.document}.py").read_text(encoding="utf-8")
    general, *special = re.split(r"^# --- (.+)$", text, flags=re.M)
    own = dict(zip(special[::2], special[1::2])).get(section.title, "")
    return general + own, dict(re.findall(r"^# environment: (\w+)=(.*)$", own, re.M))


def start(ready: Ready, words: list[str], env: dict[str, str], folder: Path) -> str:
    """Run the column's interpreter in *folder*; return its output, or raise ``Failure``."""
    full = {**ready.env, **env}
    try:
        done = subprocess.run(
            words, cwd=folder, env=full, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"still running after {SECONDS} s") from error
    if done.returncode != 0:
        raise Failure(f"ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


def run_plan(ready: Ready, section: Section, plan: dict, executor: str | None) -> str:
    """Run one process of *section*; return what it printed; raise ``Failure`` on a problem."""
    code, env = preamble(section)
    as_text = section.document in exceptions.NEEDS_310 and "39" in ready.column.name
    plan = {**plan, "preamble": code, "executor": executor, "annotations_as_text": as_text}
    if ready.shared is not None:
        said = ready.shared.run(plan, env)
    else:
        words = [str(ready.environment.python), str(HERE / "run_section.py"), json.dumps(plan)]
        said = start(ready, words, env, ready.environment.folder)
    answer = json.loads(said.splitlines()[-1])
    if answer["problems"]:
        raise Failure("\n".join(answer["problems"]))
    return answer["printed"]


def run_shell(ready: Ready, section: Section) -> None:
    """Run the commands that *section* prints; ``python`` is the column's interpreter."""
    with tempfile.TemporaryDirectory(dir=ready.environment.folder) as folder:
        python = Path(folder, "python")
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(str(ready.environment.python))} "$@"\n')
        python.chmod(0o755)
        Path(folder, "my_script.py").write_text((HERE / "my_script.py").read_text())
        env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
        said = [
            start(ready, ["sh", "-c", block.text], env, Path(folder)) for block in section.blocks
        ]
    if said != ["16 threads\n", "started by hand\n", "4 threads\n"]:
        raise Failure(f"the commands of {section.title} printed {said}")


def normalised(printed: str, section: Section) -> list[str]:
    """Return the lines of *printed* without what differs between two runs."""
    for pattern, replacement in exceptions.VARIES.items():
        printed = re.sub(pattern, replacement, printed, flags=re.M)
    lines = printed.splitlines()
    unordered = (section.document, section.title) in exceptions.UNORDERED
    return sorted(lines) if unordered else lines


def run_section(ready: Ready, section: Section) -> str | None:
    """Run *section*; return why it could not be run, or None; raise ``Failure`` on a problem."""
    imported = {name for name in PACKAGES for b in section.blocks if f"import {name}" in b.text}
    missing = sorted(imported - ready.has)
    if missing:
        return f"{' and '.join(missing)} cannot be installed here"
    key = (section.document, section.title)
    if ready.column.name.startswith("pypy") and key in exceptions.NOT_ON_PYPY:
        return exceptions.NOT_ON_PYPY[key]
    if section.blocks[0].shell:
        return run_shell(ready, section)
    notebook = section.document == "003"
    for plan in plans(section):
        printed = run_plan(ready, section, plan, "hpyx" if notebook else None)
        if notebook:
            wanted = normalised(run_plan(ready, section, plan, "stdlib"), section)
            if normalised(printed, section) != wanted:
                raise Failure(f"printed\n{printed}\nwith ThreadPoolExecutor\n{wanted}")
    return None


def prepare(column: Column, found: dict, wheel: Path, folder: Path) -> Ready:
    """Make the environment of *column*, with those of the packages that install."""
    log = cache_dir() / "logs" / f"guides-{column.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("")
    wanted = [word for words in PACKAGES.values() for word in words]
    try:
        if column.environment == "target":  # another interpreter's pip would choose its own wheels
            raise Failure(f"no package that needs a compiler installs for {column.title}")
        packages = [str(wheel), "--only-binary", "numpy", *wanted]
        return Ready(
            column, make_environment(column, found, folder / "all", packages, log), set(PACKAGES)
        )
    except Failure:
        return Ready(
            column, make_environment(column, found, folder / "bare", [str(wheel)], log), set()
        )


def run_column(column: Column, found: dict, wheel: Path, wanted: list[Section]) -> bool:
    """Run the sections on *column*, say what failed, and return whether none did."""
    passed, failed, left_out = 0, [], {}
    with tempfile.TemporaryDirectory(prefix=f"guides-{column.name}-", dir=cache_dir()) as folder:
        ready = prepare(column, found, wheel, Path(folder))
        if column.name.startswith("graalpy"):
            ready.shared = SharedProcess(ready.environment, ready.env, SECONDS)
        for section in wanted:
            try:
                reason = run_section(ready, section)
            except Failure as failure:
                failed.append(
                    f"{section.document}, {section.title} (line {section.line}): {failure}"
                )
                continue
            if reason:
                left_out.setdefault(reason, []).append(section.title)
            else:
                passed += 1
        try:
            if ready.shared is not None:
                ready.shared.close()
        except Failure as failure:
            failed.append(str(failure))
    count = sum(map(len, left_out.values()))
    say(f"{column.name:12} {passed:4} passed {len(failed):4} failed {count:4} left out")
    for reason, titles in left_out.items():
        say(f"    left out, since {reason}: {', '.join(titles)}")
    for text in failed:
        say("    FAILED " + text.replace("\n", "\n    "))
    return not failed and passed > 0


def check_tables(found: list[Section]) -> None:
    """Complain about entries of the tables that no document needs."""
    known = {(section.document, section.title) for section in found}
    named = {key[:2] for key in exceptions.ENDS_WITH}
    named |= {
        *exceptions.NOT_ON_PYPY,
        *exceptions.BLOCKS_APART,
        *exceptions.CHECKS,
        *exceptions.UNORDERED,
    }
    comments = {t for s in found for b in s.blocks if not b.shell for t in outcomes(b.text)[1]}
    stale = sorted(map(str, (named - known) | (exceptions.PROSE - comments)))
    if stale:
        raise Failure(f"no document has this any more: {'; '.join(stale)}")


def main() -> int:
    """Run the sections asked for on the columns asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the documents (*.txt) are")
    parser.add_argument("--only", help="columns, by commas")
    parser.add_argument("--match", default="", help="only sections whose title has this in it")
    parser.add_argument("--wheel", type=Path, help="this wheel, instead of building one")
    parser.add_argument("--exceptions", action="store_true", help="print the table and stop")
    options = parser.parse_args()
    if options.exceptions:
        for key, (error, reason) in exceptions.ENDS_WITH.items():
            say(f"{key[0]}, {key[1]}: must raise {error}: {reason}")
        return 0
    folder = options.folder or Path(os.environ.get("HPYX_GUIDES", ROOT.parent / "shared/reference"))
    documents = sorted(folder.glob("*.txt"))
    if not documents:
        raise Failure(f"no documents (*.txt) in {folder}: name their folder, or set HPYX_GUIDES")
    every = [section for path in documents for section in sections(path)]
    check_tables(every)
    wanted = [section for section in every if options.match.lower() in section.title.lower()]
    names = options.only.split(",") if options.only else [n for n in WANTED if n in BY_NAME]
    wheel = options.wheel.resolve() if options.wheel else build_wheel()
    found = find_all()
    missing = get_missing(found, set(names))
    for name, reason in missing.items():
        say(f"{name}: NOT RUN: {reason}")
    columns = [column for column in COLUMNS if column.name in names and column.name in found]
    say(f"{len(wanted)} sections, {sum(len(section.blocks) for section in wanted)} blocks")
    ok = [run_column(column, found, wheel, wanted) for column in columns]
    lost = any(BY_NAME[name].required for name in missing)
    return int(not ok or not all(ok) or lost)


if __name__ == "__main__":
    main_guard(main)
