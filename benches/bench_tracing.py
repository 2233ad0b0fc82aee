"""What tracing adds to a task: a burst with tracing off, and the same with it on."""

import os
import tempfile

import common
import hpyx

TASKS = 30_000


def burst():
    """Submit TASKS tasks and take all results."""
    futures = [hpyx.async_(common.increment, 1) for _ in range(TASKS)]
    for future in futures:
        future.result()


def traced_into(path):
    """Return a burst that is traced into *path*; the file is complete when it returns."""

    def run():
        hpyx.debug.enable_tracing(path)
        burst()
        hpyx.debug.disable_tracing()

    return run


def measure():
    """Return the figures: less is better, and there is nothing to compare with."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.jsonl")
        off, on = (s * 1e6 / TASKS for s in common.best(burst, traced_into(path)))
        with open(path, "rb") as file:
            lines = sum(1 for _ in file)
    if lines != TASKS:
        raise AssertionError(f"{lines} lines in the trace of {TASKS} tasks")
    return [
        common.cost("untraced", "burst, tracing off, per task", "µs", off, None),
        common.cost("traced", "burst, tracing on, per task", "µs", on, None),
        common.cost("tracing", "added by tracing, per task", "µs", on - off, None),
    ]


if __name__ == "__main__":
    common.main(measure)
