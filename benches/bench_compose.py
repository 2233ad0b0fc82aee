"""What composing costs: a link of a chain of ``then``, a node of a tree of ``dataflow``.

The standard library has nothing to compare with: the figures stand by themselves.
"""

import common
import hpyx

LINKS = 20_000
LEAVES = 10_000


def link(future):
    return future.result() + 1


def chain():
    """Build a chain of LINKS links and wait for its end."""
    future = hpyx.ready_future(0)
    for _ in range(LINKS):
        future = future.then(link)
    if future.result() != LINKS:
        raise AssertionError("links were lost")


def add(left, right):
    return left + right


def tree():
    """Sum up LEAVES leaves by LEAVES - 1 nodes, and wait for the root."""
    futures = leaves
    while len(futures) > 1:
        odd = futures[len(futures) // 2 * 2 :]
        futures = [hpyx.dataflow(add, a, b) for a, b in zip(futures[::2], futures[1::2])] + odd
    if futures[0].result() != LEAVES:
        raise AssertionError("nodes were lost")


leaves = [hpyx.ready_future(1) for _ in range(LEAVES)]


def measure():
    """Return the figures."""
    chain_seconds, tree_seconds = common.best(chain, tree)
    return [
        common.cost("then", "then, per link", "µs", chain_seconds * 1e6 / LINKS, None),
        common.cost("dataflow", "dataflow, per node", "µs", tree_seconds * 1e6 / LEAVES, None),
    ]


if __name__ == "__main__":
    common.main(measure)
