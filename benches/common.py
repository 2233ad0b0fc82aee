"""What the benchmarks share: timing, the contestants, how figures look.

Called by: every ``bench_*`` module and ``run.py``. Standard library and hpyx only, so that the same
files run on every interpreter.
"""

import gc
import os
import sys
import sysconfig
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import hpyx

WORKERS = 2
ROUNDS = 5


def _has_graal_compiler():
    """Whether this is GraalPy on a runtime that compiles Python, as those of GraalVM do."""
    if sys.implementation.name != "graalpy":
        return False
    try:
        import java

        return java.type("com.oracle.truffle.api.Truffle").getRuntime().getName() != "Interpreted"
    except Exception:  # a native launcher, which compiles, shows no Java
        return True


HAS_GRAAL_COMPILER = _has_graal_compiler()


def _warm_up_seconds():
    """How long compilers take for a benchmark: their threads take processors from contestants."""
    if HAS_GRAAL_COMPILER:
        return 40
    return 10 if sys.implementation.name == "graalpy" else 0  # a JVM compiles the interpreter


WARM_UP_SECONDS = _warm_up_seconds()

Figure = namedtuple("Figure", "name title unit hpyx threads ratio")
Figure.__doc__ = """One line of the table.

hpyx, threads: what was measured, in *unit*. ratio: how many times better hpyx is; None if unknown.
"""


def cost(name, title, unit, hpyx_value, threads_value):
    """Make a figure of which less is better."""
    ratio = threads_value / hpyx_value if hpyx_value and threads_value else None
    return Figure(name, title, unit, hpyx_value, threads_value, ratio)


def gain(name, title, unit, hpyx_value, threads_value):
    """Make a figure of which more is better."""
    return Figure(name, title, unit, hpyx_value, threads_value, hpyx_value / threads_value)


def best(*functions, rounds=ROUNDS, warm_ups=2):
    """Return a list with the shortest time in seconds that each function took.

    They take turns, so that what else the machine does meets all of them. The first rounds are for
    warming up (a JIT compiles what it has seen often) and do not count: *warm_ups* of them, or
    those of WARM_UP_SECONDS, whatever takes longer.
    """
    end = time.perf_counter() + WARM_UP_SECONDS
    while warm_ups > 0 or time.perf_counter() < end:
        _one_round(functions)
        warm_ups -= 1
    return [min(taken) for taken in zip(*(_one_round(functions) for _ in range(rounds)))]


def _one_round(functions):
    times = []
    for function in functions:
        gc.collect()
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def start_hpyx():
    """Start the runtime with the number of workers that all contestants have."""
    hpyx.init(os_threads=WORKERS)


def thread_pool():
    """Return the contestant."""
    return ThreadPoolExecutor(WORKERS)


def increment(x):
    """Do next to nothing: the task whose overhead is measured."""
    return x + 1


def describe_interpreter():
    """Return what is needed to name the interpreter in a table."""
    name = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}.get(
        sys.implementation.name, sys.implementation.name
    )
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    compiled = " with the Graal compiler" if HAS_GRAAL_COMPILER else ""
    return {
        "name": name + " " + ".".join(map(str, sys.implementation.version[:3])) + compiled,
        "column": _column(free_threaded),
        "python": ".".join(map(str, sys.version_info[:3])),
        "free_threaded": free_threaded,
        "hpyx": hpyx.__version__,
        "cpus": os.cpu_count(),
        "workers": WORKERS,
    }


def _column(free_threaded):
    if sys.implementation.name == "graalpy":  # several are one version of Python
        compiled = "-compiler" if HAS_GRAAL_COMPILER else ""
        return "graalpy{}{}".format(*sys.implementation.version) + compiled
    prefix = {"cpython": "cp"}.get(sys.implementation.name, sys.implementation.name)
    return f"{prefix}{sys.version_info[0]}{sys.version_info[1]}{'t' if free_threaded else ''}"


def cache_dir():
    """Return the folder outside the tree where results are kept."""
    cache = os.environ.get("HPYX_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "hpyx")
    return os.path.join(cache, "benches")


def amount(value, unit):
    """Write a number with three digits and its unit."""
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def ratio_text(ratio):
    """Write how many times better."""
    return "-" if ratio is None else amount(ratio, "x")


def markdown(header, rows):
    """Return a table whose columns line up, in Markdown."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in table
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def figures_table(figures):
    """Return the table of one interpreter."""
    rows = [
        (f.title, amount(f.hpyx, f.unit), amount(f.threads, f.unit), ratio_text(f.ratio))
        for f in figures
    ]
    return markdown(("figure", "hpyx", "ThreadPoolExecutor", "better by"), rows)


def main(measure):
    """Run one benchmark by itself: the last line of every ``bench_*`` module."""
    start_hpyx()
    print(figures_table(measure()))
