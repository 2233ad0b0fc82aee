"""What it costs to hand one task over and wait for it: ``submit(...).result()`` in a loop."""

import common
import hpyx

TRIPS = 4_000


def trips(submit):
    """Return a function that makes TRIPS round trips."""

    def run():
        for i in range(TRIPS):
            if submit(common.increment, i).result() != i + 1:
                raise AssertionError("wrong result")

    return run


def measure():
    """Return the figure."""
    with common.thread_pool() as threads:
        times = common.best(trips(threads.submit), trips(hpyx.async_))
    theirs, ours = (seconds * 1e6 / TRIPS for seconds in times)
    return [common.cost("round_trip", "round trip", "µs", ours, theirs)]


if __name__ == "__main__":
    common.main(measure)
