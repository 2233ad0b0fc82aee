"""hpyx.multiprocessing.for_loop: in place, over any mutable sequence, in order or in parallel."""

import array
import collections
import threading

import pytest

import hpyx
import sizes
from hpyx.multiprocessing import for_loop

POLICIES = pytest.mark.parametrize("policy", ["seq", "par"])


class Failure(Exception):
    pass


def double(x):
    return x * 2


@POLICIES
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100, 1000])
def test_every_element_is_replaced_once(policy, count):
    data = list(range(count))
    assert for_loop(double, data, policy) is None
    assert data == [2 * index for index in range(count)]


@POLICIES
@pytest.mark.parametrize(
    "make",
    [
        list,
        bytearray,
        collections.deque,
        collections.UserList,
        lambda items: array.array("d", items),
        lambda items: memoryview(bytearray(items)),
    ],
    ids=["list", "bytearray", "deque", "UserList", "array", "memoryview"],
)
def test_any_mutable_sequence_will_do(policy, make):
    data = make([1, 2, 3])
    for_loop(double, data, policy)
    assert list(data) == [2, 4, 6]


def test_seq_is_the_default_and_runs_here_in_order():
    seen = []
    for_loop(lambda x: seen.append((x, threading.get_ident())), [3, 1, 2])
    assert seen == [(x, threading.get_ident()) for x in (3, 1, 2)]


def test_par_runs_on_the_workers_at_the_same_time():
    together = threading.Barrier(2)
    data = [None, None]

    def meet(_):
        together.wait(sizes.PATIENCE)
        return hpyx.debug.get_worker_thread_id()

    for_loop(meet, data, "par")
    assert sorted(data) == [0, 1]


@POLICIES
def test_an_error_keeps_its_type_and_names_the_index(policy):
    def fail_at_five(x):
        if x == 5:
            raise Failure("five")
        return -x

    data = list(range(10))
    with pytest.raises(Failure, match="five") as caught:
        for_loop(fail_at_five, data, policy)
    assert caught.value.for_loop_index == 5
    assert caught.value.__notes__ == ["hpyx: raised by for_loop at index 5"]
    assert data[5] == 5
    assert all(element in (index, -index) for index, element in enumerate(data))


def test_of_several_failures_the_lowest_index_is_raised_and_nothing_runs_on():
    running = []

    def fail(x):
        running.append(x)
        raise Failure(x)

    with pytest.raises(Failure) as caught:
        for_loop(fail, list(range(100)), "par")
    count = len(running)
    assert caught.value.args[0] == min(running)
    hpyx.async_(abs, -1).result()
    assert len(running) == count


@POLICIES
@pytest.mark.parametrize("data", [(1, 2), "ab", b"ab", range(3), {0: 1}, {1}, 3, None, iter([1])])
def test_what_is_no_mutable_sequence_is_a_type_error(policy, data):
    with pytest.raises(TypeError, match=type(data).__name__):
        for_loop(double, data, policy)


def test_a_read_only_view_is_a_type_error_before_anything_runs():
    with pytest.raises(TypeError, match="read-only"):
        for_loop(double, memoryview(b"abc"), "par")


def test_a_wrong_policy_is_a_value_error_that_shows_the_right_ones():
    with pytest.raises(ValueError, match='"seq" or "par", not \'parallel\''):
        for_loop(double, [1], "parallel")


def test_what_is_not_callable_is_a_type_error():
    with pytest.raises(TypeError, match="callable first"):
        for_loop([1], double)


@POLICIES
def test_a_sequence_that_shrinks_meanwhile_gives_an_index_error(policy):
    data = list(range(50))

    def shrink(x):
        data.clear()
        return x

    with pytest.raises(IndexError):
        for_loop(shrink, data, policy)


def scene_nested(count):
    def row(values):
        for_loop(double, values, "par")
        return values

    rows = [list(range(count)) for _ in range(count)]
    hpyx.async_(for_loop, row, rows, "par").result()
    return rows


def test_loops_may_be_nested_in_tasks_with_one_worker(one_worker):
    assert one_worker.call(scene_nested, 10) == [[2 * i for i in range(10)]] * 10
