"""How much faster CPU-bound Python gets on two workers than in a plain loop.

With a GIL that is 1 at best, whatever runs the tasks; on a free-threaded build it is the number of
workers at best.
"""

import common
import hpyx

TASKS = 16
STEPS = 100_000


def collatz(first):
    """Walk STEPS steps along Collatz sequences: integers and branches.

    The loop looks at nothing that another task holds: on a free-threaded build, counting references
    to a shared object is what would be measured otherwise.
    """
    n = first
    for _ in range(STEPS):
        n = 3 * n + 1 if n % 2 else n // 2
        if n == 1:
            first += 1
            n = first
    return first


def in_a_loop():
    """Run the tasks one after the other."""
    return [collatz(i + 2) for i in range(TASKS)]


def in_tasks(submit):
    """Return a function that runs them as tasks."""
    expected = in_a_loop()

    def run():
        futures = [submit(collatz, i + 2) for i in range(TASKS)]
        if [future.result() for future in futures] != expected:
            raise AssertionError("wrong results")

    return run


def measure():
    """Return the figure."""
    with common.thread_pool() as threads:
        contestants = (in_a_loop, in_tasks(threads.submit), in_tasks(hpyx.async_))
        sequential, theirs, ours = common.best(*contestants)
    title = "CPU-bound speed-up, 2 workers"
    return [common.gain("cpu", title, "x", sequential / ours, sequential / theirs)]


if __name__ == "__main__":
    common.main(measure)
