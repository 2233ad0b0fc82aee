"""Free-threaded builds: the GIL stays off, and two workers are inside Python at the same time."""

import sys

import hpyx
from child import run_clean
from hpyx import _native
from skips import needs

pytestmark = needs("free_threading")


def test_the_gil_stays_off_after_import_without_a_warning():
    script = """
        import sys
        before = sys._is_gil_enabled()
        import hpyx
        assert hpyx.async_(abs, -1).result() == 1
        print(before, sys._is_gil_enabled())
    """
    assert run_clean(script).split() == ["False", "False"]


def test_the_probe_knows_the_build():
    assert _native.probe()["free_threaded"] is True
    assert not sys._is_gil_enabled()


def test_two_workers_are_inside_python_at_the_same_time():
    script = """
        import sys, hpyx
        sys.setswitchinterval(1000)  # with a GIL, a spinning task would now keep it
        hpyx.init(os_threads=2)
        ball = [0]
        def player(mine):
            for hit in range(mine, 2000, 2):
                while ball[0] != hit:
                    pass
                ball[0] = hit + 1
            return True
        print([f.result() for f in [hpyx.async_(player, side) for side in (0, 1)]])
    """
    assert run_clean(script) == "[True, True]\n"


def test_objects_shared_by_all_workers_survive_contention():
    shared, futures = {"list": [], "dict": {}}, []

    def work(index):
        shared["list"].append(index)
        shared["dict"][index % 7] = index
        return sys.getrefcount(shared) > 0

    futures = [hpyx.async_(work, index) for index in range(20_000)]
    assert all(future.result() for future in futures)
    assert sorted(shared["list"]) == list(range(20_000))
