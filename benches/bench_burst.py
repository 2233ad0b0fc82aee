"""What a task costs: submit many, then take all results.

Measured for ``hpyx.async_`` and for ``HPXExecutor.submit``, each against ThreadPoolExecutor.submit.
"""

import common
import hpyx

TASKS = 30_000


def burst(submit):
    """Return a function that submits TASKS tasks and checks all results."""

    def run():
        futures = [submit(common.increment, i) for i in range(TASKS)]
        total = sum([future.result() for future in futures])
        if total != TASKS * (TASKS + 1) // 2:
            raise AssertionError(f"wrong sum of results: {total}")

    return run


def measure():
    """Return the figures."""
    with common.thread_pool() as threads, hpyx.HPXExecutor() as executor:
        contestants = (threads.submit, hpyx.async_, executor.submit)
        times = common.best(*map(burst, contestants))
        theirs, with_async, with_submit = (seconds * 1e6 / TASKS for seconds in times)
    return [
        common.cost("burst", "burst, async_, per task", "µs", with_async, theirs),
        common.cost("burst_submit", "burst, executor, per task", "µs", with_submit, theirs),
    ]


if __name__ == "__main__":
    common.main(measure)
