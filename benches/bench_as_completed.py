"""What it costs to take futures in the order in which they end."""

import concurrent.futures

import common
import hpyx

FUTURES = 10_000


def completed(submit, as_completed):
    """Return a function that submits FUTURES tasks and takes all as they end."""

    def run():
        futures = [submit(common.increment, i) for i in range(FUTURES)]
        total = sum([future.result() for future in as_completed(futures)])
        if total != FUTURES * (FUTURES + 1) // 2:
            raise AssertionError(f"wrong sum of results: {total}")

    return run


def measure():
    """Return the figure."""
    with common.thread_pool() as threads:
        theirs, ours = common.best(
            completed(threads.submit, concurrent.futures.as_completed),
            completed(hpyx.async_, hpyx.as_completed),
        )
    title = "as_completed, per future"
    unit = 1e6 / FUTURES
    return [common.cost("as_completed", title, "µs", ours * unit, theirs * unit)]


if __name__ == "__main__":
    common.main(measure)
