"""HPXExecutor.map beyond the plain case: chunks, the exact bound, order of completion, progress."""

import concurrent.futures
import itertools
import threading
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, all_dead

VARIANTS = [
    {"ordered": ordered, "chunksize": chunksize, "buffersize": buffersize}
    for ordered in (True, False)
    for chunksize in (1, 3)
    for buffersize in (None, 1, 7)
]


class Inputs:
    """Counts what is taken of range(count)."""

    def __init__(self, count):
        self.taken = 0
        self._count = count

    def __iter__(self):
        for index in range(self._count):
            self.taken += 1
            yield index


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_variant_gives_all_results(executor, variant, count):
    told = []
    for progress in (None, told.append):
        results = executor.map(pow, range(count), itertools.repeat(2), progress=progress, **variant)
        squares = [index * index for index in range(count)]
        assert (list(results) if variant["ordered"] else sorted(results)) == squares
    assert sum(told) == count and 0 not in told


@pytest.mark.parametrize("chunksize, buffersize", [(1, 1), (1, 4), (3, 4), (3, 3), (5, 2)])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_is_taken_than_the_bound_says(executor, chunksize, buffersize, ordered):
    inputs = Inputs(30)
    results = executor.map(abs, inputs, chunksize=chunksize, buffersize=buffersize, ordered=ordered)
    most = 0
    assert inputs.taken <= buffersize
    for yielded, _ in enumerate(results, start=1):
        most = max(most, inputs.taken - yielded)
    assert (inputs.taken, yielded) == (30, 30)
    assert most <= buffersize
    if chunksize == 1:
        assert most == buffersize


def test_the_bound_holds_while_the_first_result_is_waited_for(executor):
    inputs = Inputs(30)
    with Gate() as gate:
        results = executor.map(lambda index: index or gate(index), inputs, buffersize=4)
        gate.entered()
        getter = threading.Thread(target=next, args=(results,))
        getter.start()
        executor.submit(abs, -1).result()
        assert inputs.taken == 4
        gate.open()
        getter.join(sizes.PATIENCE)
    assert inputs.taken == 5
    results.close()


def test_a_chunksize_that_is_no_number_is_refused_before_anything_is_taken(executor):
    inputs = iter(range(3))
    with pytest.raises(TypeError, match=r"chunksize must be an int, not 1\.5"):
        executor.map(abs, inputs, chunksize=1.5)
    assert list(inputs) == [0, 1, 2]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_in_a_chunk_comes_at_its_place(executor, ordered):
    results = executor.map(lambda x: 6 // x, [1, 2, 0, 3], chunksize=4, ordered=ordered)
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []


def test_results_come_as_they_end_when_order_does_not_matter(executor):
    with Gate() as gate:
        results = executor.map(
            lambda index: index or gate(index), range(3), ordered=False, timeout=sizes.PATIENCE
        )
        assert sorted([next(results), next(results)]) == [1, 2]
        gate.open()
        assert list(results) == [0]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_cancels_the_rest(executor, ordered):
    ran = []
    with Gate() as gate:

        def fail_or_wait(index):
            if index == 0:
                raise ValueError("first")
            ran.append(index)
            gate()

        results = executor.map(fail_or_wait, range(50), ordered=ordered, progress=lambda _: None)
        with pytest.raises(ValueError, match="first"):
            next(results)
    executor.submit(abs, -1).result()
    assert len(ran) <= 2, "only what was running already may run"


@pytest.mark.parametrize("progress", [None, lambda _: None])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_time_is_counted_from_the_call(executor, ordered, progress):
    with Gate() as gate:
        results = executor.map(
            lambda wait: gate() if wait else "quick",
            [0, 1],
            timeout=0.1,
            ordered=ordered,
            progress=progress,
        )
        assert next(results) == "quick"
        with pytest.raises(concurrent.futures.TimeoutError):
            next(results)


def test_progress_is_told_before_the_order_lets_results_out(executor):
    told, consumer = [], threading.get_ident()
    with Gate() as gate:

        def progress(count):
            told.append((count, threading.get_ident()))
            if sum(count for count, _ in told) == 2:
                gate.open()

        results = executor.map(lambda index: index or gate(0), range(3), progress=progress)
        assert list(results) == [0, 1, 2]
    assert sum(count for count, _ in told) == 3
    assert {thread for _, thread in told} == {consumer}


def test_an_error_of_progress_comes_out_and_cancels_the_rest(executor):
    def progress(_):
        raise KeyError("progress")

    results = executor.map(abs, range(100), progress=progress)
    with pytest.raises(KeyError, match="progress"):
        list(results)


def test_what_cannot_be_called_is_refused_at_the_call(executor):
    with pytest.raises(TypeError, match=r"bar\.update"):
        executor.map(abs, [1], progress=7)
    for variant in VARIANTS:
        with pytest.raises(TypeError, match=r"callable: write map\(fn, \*iterables\)"):
            executor.map(7, [1], **variant)


@pytest.mark.parametrize("variant", VARIANTS[:6])
def test_no_variant_keeps_results_that_were_taken(executor, variant):
    results = executor.map(lambda _: Thing(), range(9), **variant)

    def take():  # what is in a frame may stay as long as the frame
        return weakref.ref(next(results))

    references = [take() for _ in range(5)]

    def settle(_):
        return hpyx.async_(int).result()

    settle(None)
    assert all_dead(references[:3])
    assert len(list(results)) == 4


def test_a_subclass_that_overrides_submit_is_asked(executor):
    class Counting(hpyx.HPXExecutor):
        count = 0

        def submit(self, fn, /, *args, **kwargs):
            Counting.count += 1
            return super().submit(fn, *args, **kwargs)

    with Counting() as counting:
        assert list(counting.map(abs, range(5))) == list(range(5))
    assert Counting.count == 5


def test_tasks_start_while_the_inputs_are_still_being_taken(executor):
    started = threading.Event()

    def inputs():
        yield 1
        assert started.wait(sizes.PATIENCE)
        yield 2

    assert list(executor.map(lambda index: started.set() or index, inputs())) == [1, 2]


def test_after_shutdown_map_is_refused_as_in_the_standard_library():
    executor = hpyx.HPXExecutor()
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.map(abs, [1])


def scene_inside_a_task(variant):
    executor = hpyx.HPXExecutor()

    def total(depth):
        if not depth:
            return 1
        return sum(executor.map(lambda _: total(depth - 1), range(4), **variant))

    return hpyx.async_(total, 3).result()


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[1], VARIANTS[6]])
def test_map_inside_tasks_never_deadlocks(one_worker_no_growth, variant):
    assert one_worker_no_growth.call(scene_inside_a_task, variant) == 64
