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

    for submit in (hpyx.async_, executor.submit):
        per_task(burst(submit))
        print(json.dumps(per_task(burst(submit))))
"""

# Calls per task at most: into native code (submission; end of the task, or the result and the
# future's own end where these are native), and out of it.
# On GraalPy, four of those out of it put the future behind its attributes in the collector's list.
MOST = {"cpython": (3, 30), "pypy": (2, 3), "graalpy": (2, 10)}
MOST_FREE_THREADED = 3, 36
# The calls that each measurement makes once, spread over the tasks.
SLACK = 0.5


def test_a_task_takes_so_many_calls_between_python_and_native_code():
    most = MOST_FREE_THREADED if FREE_THREADED else MOST[sys.implementation.name]
    calls_in, calls_out = most
    for line in run_clean(COUNT, env={"HPYX_COUNT_CALLS": "1"}).splitlines():
        counted = json.loads(line)
        assert 1 < counted["in"] <= calls_in + SLACK, counted
        assert 1 < counted["out"] <= calls_out + SLACK, counted


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_counted_unless_asked_for(value):
    script = """
        import hpyx
        from hpyx._core_module import native
        hpyx.async_(abs, -1).result()
        assert native.call_counts() == {}, native.call_counts()
    """
    run_clean(script, env={} if value is None else {"HPYX_COUNT_CALLS": value})
