"""What a call costs in ``HPXExecutor.map``: all results are taken, in order."""

import common
import hpyx

CALLS = 30_000


def mapped(executor, **options):
    """Return a function that maps over CALLS numbers and checks the sum of the results."""

    def run():
        total = sum(executor.map(common.increment, range(CALLS), **options))
        if total != CALLS * (CALLS + 1) // 2:
            raise AssertionError(f"wrong sum of results: {total}")

    return run


def measure():
    """Return the figures."""
    with common.thread_pool() as threads, hpyx.HPXExecutor() as executor:
        times = common.best(
            mapped(threads),
            mapped(executor),
            mapped(executor, chunksize=100),
            mapped(executor, buffersize=1000),
            mapped(executor, ordered=False),
        )
    theirs, plain, chunks, bounded, unordered = (seconds * 1e6 / CALLS for seconds in times)
    return [
        common.cost("map", "map, per call", "µs", plain, theirs),
        common.cost("map_chunks", "map, chunksize=100", "µs", chunks, theirs),
        common.cost("map_bounded", "map, buffersize=1000", "µs", bounded, theirs),
        common.cost("map_unordered", "map, ordered=False", "µs", unordered, theirs),
    ]


if __name__ == "__main__":
    common.main(measure)
