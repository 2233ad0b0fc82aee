"""HPXExecutor.map: order, eagerness, time-outs, errors, and buffersize on every Python."""

import concurrent.futures
import gc
import itertools
import threading
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, wait_until


def test_results_come_in_the_order_of_the_inputs(executor):
    assert list(executor.map(lambda x: x * x, range(1000))) == [x * x for x in range(1000)]


def test_several_iterables_are_walked_together_to_the_end_of_the_shortest(executor):
    assert list(executor.map(pow, [1, 2, 3], [10, 20])) == [1, 2**20]


def test_an_empty_iterable_gives_no_results(executor):
    assert list(executor.map(abs, [])) == []
    assert list(executor.map(abs)) == []


def test_tasks_are_submitted_before_the_first_result_is_asked_for(executor):
    done = threading.Event()
    results = executor.map(lambda _: done.set(), [1])
    assert done.wait(sizes.PATIENCE)
    assert list(results) == [None]


def test_the_inputs_are_all_taken_before_map_returns(executor):
    inputs = iter(range(100))
    results = executor.map(abs, inputs)
    assert next(inputs, "exhausted") == "exhausted"
    assert list(results) == list(range(100))


def test_an_error_comes_out_at_its_place(executor):
    results = executor.map(lambda x: 6 // x, [1, 2, 0, 3])
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_an_error_of_the_input_iterable_comes_out_of_map(executor):
    def inputs():
        yield 1
        raise KeyError("input")

    with pytest.raises(KeyError, match="input"):
        list(executor.map(abs, inputs()))


def test_after_an_error_the_pending_tasks_are_cancelled(executor):
    ran = []
    with Gate() as gate:

        def fail_or_wait(index):
            if index == 0:
                raise ValueError("first")
            ran.append(index)
            gate()

        results = executor.map(fail_or_wait, range(50))
        with pytest.raises(ValueError, match="first"):
            next(results)
    executor.submit(abs, -1).result()
    assert len(ran) <= 2, "only what was running already may run"


def test_closing_the_results_cancels_the_pending_tasks(executor):
    ran = []
    with Gate() as gate:
        results = executor.map(lambda index: ran.append(index) or (index and gate()), range(50))
        next(results)
        results.close()
    executor.submit(abs, -1).result()
    assert len(ran) <= 3, "only the first and what was running already may run"


def test_results_time_out_counted_from_the_call_of_map(executor):
    with Gate() as gate:
        results = executor.map(lambda wait: gate() if wait else "quick", [0, 1], timeout=0.1)
        assert next(results) == "quick"
        with pytest.raises(concurrent.futures.TimeoutError):
            next(results)


def test_time_enough_gives_all_results(executor):
    assert list(executor.map(abs, [-1, -2], timeout=sizes.PATIENCE)) == [1, 2]


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
def test_chunksize_changes_nothing_in_the_results(executor, chunksize):
    assert list(executor.map(abs, range(-10, 0), chunksize=chunksize)) == list(range(10, 0, -1))


def test_with_a_buffersize_only_so_many_inputs_are_taken_ahead(executor):
    taken = []

    def inputs():
        for index in range(10):
            taken.append(index)
            yield index

    results = executor.map(abs, inputs(), buffersize=2)
    assert taken == [0, 1]
    assert next(results) == 0
    assert taken == [0, 1, 2]
    assert list(results) == list(range(1, 10))


def test_with_a_buffersize_an_endless_input_is_fine(executor):
    results = executor.map(abs, itertools.count(), buffersize=3)
    assert [next(results) for _ in range(100)] == list(range(100))
    results.close()


@pytest.mark.parametrize("size, error", [(0, ValueError), (-1, ValueError), ("2", TypeError)])
def test_a_wrong_buffersize_is_refused_at_the_call(executor, size, error):
    with pytest.raises(error, match="buffersize"):
        executor.map(abs, [1], buffersize=size)


def test_map_works_inside_a_task(executor):
    assert executor.submit(lambda: sum(executor.map(abs, range(-100, 0)))).result() == 5050


def test_map_does_not_keep_the_results_that_were_taken(executor):
    def make(_):
        return Thing()

    results = executor.map(make, range(5))
    first = weakref.ref(next(results))
    next(results)

    def freed():
        gc.collect()
        hpyx.async_(int).result()
        return first() is None

    assert wait_until(freed, 10)
    assert len(list(results)) == 3
