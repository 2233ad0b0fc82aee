"""How many calls a task makes between Python and native code, each way, stated as numbers.

On GraalPy and PyPy such a call may cost as much as the task itself, so one more of them per task is
a loss that no other test would notice. They are counted in children, with HPYX_COUNT_CALLS=1.
"""

import json
import sys

import pytest

from child import run_clean
from skips import FREE_THREADED

COUNT = """
    import json, sys, weakref, hpyx
    from hpyx._core_module import native
    from helpers import Gate, all_dead, wait_until

    TASKS = 500
    hpyx.init(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
    executor = hpyx.HPXExecutor()

    def increment(x):
        return x + 1

    def per_task(work, count=TASKS):
        before = native.call_counts()
        alive = work(count)
        after = native.call_counts()
        # GraalPy frees them at a moment of its own: it is not to be in the next burst.
        assert all_dead(alive)
        used = {name: (after[name] - before[name]) / count for name in after}
        calls_in = used.pop("in")
        return {"in": calls_in, "out": sum(used.values()), "all": used}

    def burst(submit):
        # One worker, held until all is queued: who takes which task is the same each time.
        def run(count):
            alive = results_of_burst(count)
            # On CPython the end of a future counts, too: it is to be that of this burst, whoever
            # lets go of it last.
            if sys.implementation.name == "cpython":
                assert wait_until(lambda: not any(reference() for reference in alive))
            return alive

        def results_of_burst(count):
            with Gate() as gate:
                held = hpyx.async_(gate)
                gate.entered()
                futures = [submit(increment, i) for i in range(count)]
            held.result()
            futures[-1].result()
            assert sum([future.result() for future in futures]) == count * (count + 1) // 2
            return [weakref.ref(future) for future in futures]
        return run

    def round_trips(submit):
        def run(count):
            alive = []
            for i in range(count):
                future = submit(increment, i)
                assert future.result() == i + 1
                alive.append(weakref.ref(future))
                del future
            return alive
        return run

    for way in (burst, round_trips):
        for submit in (hpyx.async_, executor.submit):
            per_task(way(submit))
            print(json.dumps(per_task(way(submit))))
"""

# Calls per task at most, when many are submitted at once: into native code (submission; end of the
# task, or the result and the future's own end where these are native), and out of it. On GraalPy
# all but the first of them stay in Python altogether.
MOST = {"cpython": (3, 30), "pypy": (2, 5), "graalpy": (0.5, 2)}
MOST_FREE_THREADED = 3, 36
# The same into native code, when each is waited for before the next. Those out of it depend on how
# often a thread falls asleep.
MOST_OF_ROUND_TRIP = {"cpython": 3, "pypy": 3, "graalpy": 3}
# The calls that each measurement makes once, spread over the tasks.
SLACK = 0.5


def test_a_task_takes_so_many_calls_between_python_and_native_code():
    most = MOST_FREE_THREADED if FREE_THREADED else MOST[sys.implementation.name]
    lines = run_clean(COUNT, env={"HPYX_COUNT_CALLS": "1"}).splitlines()
    *bursts, by_async, by_submit = map(json.loads, lines)
    for counted in bursts:
        assert 0 < counted["in"] <= most[0] + SLACK, counted
        assert 0 < counted["out"] <= most[1] + SLACK, counted
    for counted in (by_async, by_submit):
        assert 0 < counted["in"] <= MOST_OF_ROUND_TRIP[sys.implementation.name] + SLACK, counted


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_counted_unless_asked_for(value):
    script = """
        import hpyx
        from hpyx._core_module import native
        hpyx.async_(abs, -1).result()
        assert native.call_counts() == {}, native.call_counts()
    """
    run_clean(script, env={} if value is None else {"HPYX_COUNT_CALLS": value})
