#!/usr/bin/env python3
"""Count what the standard library is made of, with one task per file.

    python examples/stdlib_census.py [--workers N] [--limit N] [--tests]

Parses every ``.py`` file of the running interpreter's own standard library with ``ast``, three
times: in a plain loop, with ThreadPoolExecutor, and with hpyx, where each folder is a task that
starts a task per file and waits for them. Prints the census and the three times.
Exit code: 1 if the three do not agree. The same file runs on every interpreter that hpyx serves.
"""

import argparse
import ast
import concurrent.futures
import gc
import os
import sys
import sysconfig
import time
import warnings
from collections import namedtuple

import hpyx

NOT_THE_LIBRARY = {"site-packages", "dist-packages", "__pycache__"}
TIME_FOR_REPEATS = 6.0  # seconds; a slow interpreter does each way once

Census = namedtuple("Census", "files skipped lines functions classes longest")
Function = namedtuple("Function", "length file name")
NOTHING = Census(0, 0, 0, 0, 0, Function(0, "", ""))


def library():
    """Return the folder of the standard library."""
    return os.path.dirname(os.path.abspath(os.__file__))


def find_files(with_tests):
    """Return the library's files, sorted; its own test suite (about as large) only if asked for."""
    top = library()
    left_out = NOT_THE_LIBRARY if with_tests else NOT_THE_LIBRARY | {os.path.join(top, "test")}
    found = []
    for folder, folders, files in os.walk(top):
        folders[:] = [
            name
            for name in folders
            if name not in left_out and os.path.join(folder, name) not in left_out
        ]
        found += [os.path.join(folder, name) for name in files if name.endswith(".py")]
    return sorted(found)


def census_of_file(path):
    """Parse one file. One that is not meant to be parsed (a bad sample of a test) is skipped."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return NOTHING._replace(skipped=1)
    functions = classes = 0
    longest = NOTHING.longest
    name_of_file = os.path.relpath(path, library())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            classes += 1
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions += 1
            length = node.end_lineno - node.lineno + 1
            longest = max(longest, Function(length, name_of_file, node.name))
    return Census(1, 0, len(source.splitlines()), functions, classes, longest)


def add(parts):
    """Combine censuses into one. The order of *parts* makes no difference."""
    total = NOTHING
    for part in parts:
        sums = [mine + its for mine, its in zip(total[:-1], part[:-1])]
        total = Census(*sums, max(total.longest, part.longest))
    return total


def census_of_folder(paths):
    """Start a task per file and wait for all: inside a task that is safe, even with one worker."""
    files = [hpyx.async_(census_of_file, path) for path in paths]
    return add(file.result() for file in files)


class Progress:
    """A line on stderr: rewritten on a terminal, else printed anew at every quarter."""

    def __init__(self, what, total):
        self.what, self.total, self.done, self.shown = what, total, 0, 0

    def advance(self, files):
        """So many more files are done."""
        self.done += files
        quarter = 4 * self.done // max(1, self.total)
        if sys.stderr.isatty():
            print(f"\r{self.what}: {self.done}/{self.total} files ", end="", file=sys.stderr)
        elif quarter > self.shown:
            print(f"{self.what}: {self.done}/{self.total} files", file=sys.stderr, flush=True)
        self.shown = quarter

    def end(self):
        """The work is done."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def with_loop(paths, _workers, progress):
    """Parse one file after the other."""
    parts = []
    for path in paths:
        parts.append(census_of_file(path))
        progress.advance(1)
    return add(parts)


def with_thread_pool(paths, workers, progress):
    """Parse on the threads of the standard library's executor."""
    parts = []
    with concurrent.futures.ThreadPoolExecutor(workers) as executor:
        for part in executor.map(census_of_file, paths):
            parts.append(part)
            progress.advance(1)
    return add(parts)


def with_hpyx(paths, _workers, progress):
    """Parse in tasks of hpyx: folders first, which start the tasks of their files."""
    folders = {}
    for path in paths:
        folders.setdefault(os.path.dirname(path), []).append(path)
    sizes = {hpyx.async_(census_of_folder, files): len(files) for files in folders.values()}
    parts = []
    for folder in concurrent.futures.as_completed(sizes):
        parts.append(folder.result())
        progress.advance(sizes[folder])
    return add(parts)


WAYS = (("in a loop", with_loop), ("ThreadPoolExecutor", with_thread_pool), ("hpyx", with_hpyx))


def read_all(paths):
    """Have the files in memory, so that whoever comes first does not pay for the disk."""
    for path in paths:
        with open(path, "rb") as file:
            file.read()


def measure(paths, workers):
    """Do the census all ways, again while there is time; return censuses and best times."""
    censuses, seconds = {}, {}
    read_all(paths)
    began = time.perf_counter()
    while not seconds or time.perf_counter() - began < TIME_FOR_REPEATS:
        for name, way in WAYS:
            progress = Progress(f"{name}, again" if name in seconds else name, len(paths))
            gc.collect()
            start = time.perf_counter()
            censuses[name] = way(paths, workers, progress)
            elapsed = time.perf_counter() - start
            seconds[name] = min(elapsed, seconds.get(name, elapsed))
            progress.end()
    return censuses, seconds


def describe_interpreter():
    """Return the interpreter's name and whether several of its threads run Python at once."""
    name = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}.get(
        sys.implementation.name, sys.implementation.name
    )
    version = ".".join(map(str, sys.implementation.version[:3]))
    if sysconfig.get_config_var("Py_GIL_DISABLED") and not sys._is_gil_enabled():
        return f"{name} {version}, free-threaded: threads run Python in parallel"
    return f"{name} {version}, with a GIL: one thread runs Python at a time"


def report(censuses, seconds, workers):
    """Print the census and the times; return whether all ways agree."""
    census = censuses["in a loop"]
    longest = census.longest
    print(f"{describe_interpreter()}; {workers} workers")
    print(
        f"  {census.files:,} files ({census.skipped} skipped), {census.lines:,} lines, "
        f"{census.functions:,} functions, {census.classes:,} classes"
    )
    print(f"  longest function: {longest.name} in {longest.file}, {longest.length:,} lines")
    for name, _ in WAYS:
        ratio = seconds["in a loop"] / seconds[name]
        agrees = "" if censuses[name] == census else "   DIFFERENT CENSUS"
        print(f"  {name:20}{seconds[name]:7.2f} s   {ratio:5.2f} x the loop{agrees}")
    return all(other == census for other in censuses.values())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, help="threads (default: one per usable CPU)")
    parser.add_argument("--limit", type=int, help="only so many files")
    parser.add_argument("--tests", action="store_true", help="the library's own test suite, too")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    warnings.simplefilter("ignore")  # old code in the library, not ours to mend
    hpyx.init(os_threads=arguments.workers)
    workers = hpyx.debug.get_num_worker_threads()
    paths = find_files(arguments.tests)[: arguments.limit]
    censuses, seconds = measure(paths, workers)
    if not report(censuses, seconds, workers):
        return "error: the censuses differ"
    return 0


if __name__ == "__main__":
    sys.exit(main())
