"""Free-threaded builds: the GIL stays off, and two workers are inside Python at the same time."""

import gc
import sys
import threading
import weakref

import hpyx
from child import run_clean
from helpers import wait_until
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


def _burst(count):
    futures = [hpyx.async_(int, index) for index in range(count)]
    assert [future.result() for future in futures] == list(range(count))


def test_a_burst_after_another_one_does_not_call_the_collector():
    collections = []

    def count(phase, _):
        if phase == "start":
            collections.append(phase)

    _burst(20_000)
    gc.collect()
    gc.callbacks.append(count)
    try:
        _burst(20_000)
    finally:
        gc.callbacks.remove(count)
    inline_values = 1 << 2
    allocates = hpyx.Future.__flags__ & inline_values  # CPython 3.14 and newer
    assert allocates or len(collections) <= 2  # ten, if each future were an allocation


def test_a_future_in_the_memory_of_another_has_nothing_of_it():
    class Marked(hpyx.Future):
        pass

    def fill(future, deaths):
        future.note = future.result()
        future.__class__ = Marked
        weakref.finalize(future, deaths.append, None)

    for _ in range(5):
        deaths = []
        futures = [hpyx.async_(int, index) for index in range(1_000)]
        for future in futures:
            fill(future, deaths)
        del future, futures
        assert wait_until(lambda deaths=deaths: len(deaths) == 1_000)
        for future in [hpyx.async_(str, index) for index in range(1_000)]:
            assert type(future) is hpyx.Future
            assert vars(future) == {}
            assert weakref.getweakrefcount(future) == 0
            assert future.result().isdigit()


def test_memory_of_futures_goes_from_thread_to_thread():
    results = []

    def drop(share):
        results.extend([future.result() for future in share])
        share.clear()

    for _ in range(20):
        made = [hpyx.async_(int, index) for index in range(4_000)]
        shares = [made[part::4] for part in range(4)]
        made.clear()
        threads = [threading.Thread(target=drop, args=(share,)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == sorted(list(range(4_000)) * 20)


def test_a_future_keeps_its_result_for_whoever_can_still_ask():
    # The submitter drops each future at once; what is left of it is found in some other way.
    called, listed, weak, failures = [], [], [], []
    is_over = threading.Event()

    def ask_for_what_is_listed():
        try:
            while not is_over.is_set() or listed:
                for future in listed[-20:]:
                    assert future.result() >= 1_000_000
                del listed[:1]
        except BaseException as error:
            failures.append(error)

    def submit_and_drop(index):
        future = hpyx.async_(int, 1_000_000 + index)
        if index % 4 == 0:
            future.add_done_callback(called.append)
        elif index % 4 == 1:
            listed.append(future)
        elif index % 4 == 2:
            weak.append(weakref.ref(future))

    def ask_for_what_is_referred_to():
        future = weak[-1]() if weak else None
        assert future is None or future.result() >= 1_000_000

    asking = [threading.Thread(target=ask_for_what_is_listed) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for index in range(8_000):
            submit_and_drop(index)
            ask_for_what_is_referred_to()
    finally:
        is_over.set()
        for thread in asking:
            thread.join()
    assert failures == []
    assert wait_until(lambda: len(called) == 2_000)
    assert sorted(future.result() for future in called) == list(range(1_000_000, 1_008_000, 4))


def test_results_nobody_asks_for_are_given_up():
    deaths = []

    class Result(str):
        def __del__(self):
            deaths.append(None)

    def all_are_dead():
        # A worker learns what others have let go of when it runs Python code.
        hpyx.when_all(*[hpyx.async_(lambda: None) for _ in range(20)]).result()
        return len(deaths) == 2_000

    for index in range(2_000):
        hpyx.async_(Result, index)
    assert wait_until(all_are_dead)


def test_a_runtime_that_was_shut_down_keeps_no_memory_of_futures():
    script = """
        import sys, hpyx
        futures = [hpyx.async_(int, index) for index in range(30_000)]
        results = [future.result() for future in futures]
        before = sys.getallocatedblocks()
        del futures, results
        hpyx.shutdown()
        print(before - sys.getallocatedblocks() > 29_000)
    """
    assert run_clean(script) == "True\n"
