"""hpyx.async_, hpyx.ready_future and the reading side of hpyx.Future.

Claims: values travel unchanged, arguments of every shape reach the function, time-outs and states
are those of concurrent.futures.Future, and only the runtime makes or completes a future.
"""

import concurrent.futures
import copy
import functools
import operator
import pickle
import re
import threading
import time
import weakref

import pytest

import hpyx
import sizes
from helpers import Gate, Thing, parallel


def collect(*args, **kwargs):
    return args, kwargs


def test_result_is_the_very_object_that_the_function_returned():
    thing = Thing()
    future = hpyx.async_(lambda: thing)
    assert future.result() is thing
    assert future.result() is thing


def test_none_is_a_result_like_any_other():
    assert hpyx.async_(lambda: None).result() is None


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 8, 9, 20, 100])
def test_any_number_of_positional_arguments_arrives_in_order(count):
    assert hpyx.async_(collect, *range(count)).result() == (tuple(range(count)), {})


@pytest.mark.parametrize("count", [1, 3, 8, 50])
def test_any_number_of_keyword_arguments_arrives(count):
    keywords = {f"key_{index}": index for index in range(count)}
    assert hpyx.async_(collect, "first", **keywords).result() == (("first",), keywords)


def test_keywords_named_like_our_own_parameters_belong_to_the_function():
    keywords = {"fn": 1, "self": 2, "args": 3, "kwargs": 4, "timeout": 5}
    assert hpyx.async_(collect, **keywords).result() == ((), keywords)


class Callable:
    def __call__(self, value):
        return value + 1

    def method(self, value):
        return value + 2

    @classmethod
    def of_class(cls, value):
        return value + 3

    @staticmethod
    def of_nobody(value):
        return value + 4


@pytest.mark.parametrize(
    "function, expected",
    [
        (abs, 10),
        ((10).__add__, 20),
        (Callable(), 11),
        (Callable().method, 12),
        (Callable.of_class, 13),
        (Callable.of_nobody, 14),
        (functools.partial(operator.mul, 5), 50),
        (operator.neg, -10),
        (str, "10"),
    ],
)
def test_every_kind_of_callable_can_be_a_task(function, expected):
    assert hpyx.async_(function, 10).result() == expected


@pytest.mark.parametrize("thing", [None, 5, "text", [abs]])
def test_what_cannot_be_called_is_refused_at_the_call(thing):
    with pytest.raises(TypeError, match="callable"):
        hpyx.async_(thing)


def test_a_call_without_a_function_is_refused():
    with pytest.raises(TypeError):
        hpyx.async_()
    with pytest.raises(TypeError):
        hpyx.async_(fn=abs)


def test_a_future_returned_by_a_task_is_not_unpacked():
    inner = hpyx.async_(abs, -1)
    assert hpyx.async_(lambda: inner).result() is inner


def test_tasks_never_run_on_the_submitting_thread():
    here = threading.get_ident()
    idents = {hpyx.async_(threading.get_ident).result() for _ in range(200)}
    assert here not in idents


def test_result_of_a_pending_future_times_out(held):
    future = hpyx.async_(abs, -1)
    for timeout in (0, 0.01, -1):
        with pytest.raises(concurrent.futures.TimeoutError):
            future.result(timeout=timeout)
        with pytest.raises(concurrent.futures.TimeoutError):
            future.exception(timeout)
    held.open()
    assert future.result(timeout=30) == 1


def test_a_timeout_is_honoured_to_the_end(held):
    future = hpyx.async_(abs, -1)
    start = time.monotonic()
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0.2)
    assert time.monotonic() - start >= 0.19


@pytest.mark.parametrize("method", ["result", "exception"])
def test_an_argument_of_another_name_is_refused_even_when_the_future_is_done(method):
    future = hpyx.ready_future(1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tmeout'"):
        getattr(future, method)(tmeout=1)
    getattr(future, method)(timeout=0)


def test_a_timeout_of_the_wrong_type_is_refused(held):
    future = hpyx.async_(abs, -1)
    with pytest.raises(TypeError):
        future.result("soon")


def test_exception_of_a_successful_future_is_none():
    future = hpyx.async_(abs, -1)
    assert future.exception() is None
    assert future.exception(timeout=0) is None


def test_states_follow_the_life_of_a_task(held):
    pending = hpyx.async_(abs, -1)
    assert (pending.done(), pending.running(), pending.cancelled()) == (False, False, False)
    held.open()
    with Gate() as gate:
        running = hpyx.async_(gate)
        gate.entered()
        assert (running.done(), running.running(), running.cancelled()) == (False, True, False)
    running.result()
    assert (running.done(), running.running(), running.cancelled()) == (True, False, False)


def test_once_a_result_is_there_all_methods_agree():
    for value in range(sizes.RACES):
        called = []
        future = hpyx.async_(operator.neg, value)
        assert future.result() == -value
        future.add_done_callback(called.append)
        assert called == [future]
        assert future.done() and not future.running() and not future.cancelled()
        assert not future.cancel()
        assert future.exception() is None


def test_once_an_exception_is_there_all_methods_agree():
    for _ in range(sizes.RACES):
        called = []
        future = hpyx.async_(operator.truediv, 1, 0)
        with pytest.raises(ZeroDivisionError):
            future.result()
        future.add_done_callback(called.append)
        assert called == [future]
        assert future.done() and not future.running() and not future.cancelled()
        assert not future.cancel()


@pytest.mark.parametrize("method", ["done", "running", "cancelled", "cancel"])
def test_methods_without_parameters_refuse_arguments(method):
    with pytest.raises(TypeError):
        getattr(hpyx.ready_future(1), method)(1)


def test_repr_reads_like_the_standard_library(held):
    pending = hpyx.async_(abs, -1)
    assert re.fullmatch(r"<Future at 0x[0-9a-f]+ state=pending>", repr(pending))
    dropped = hpyx.async_(abs, -1)
    dropped.cancel()
    assert re.fullmatch(r"<Future at 0x[0-9a-f]+ state=cancelled>", repr(dropped))
    held.open()
    pending.result()
    assert re.fullmatch(r"<Future at 0x[0-9a-f]+ state=finished returned int>", repr(pending))
    failed = hpyx.async_(operator.truediv, 1, 0)
    failed.exception()
    expected = r"<Future at 0x[0-9a-f]+ state=finished raised ZeroDivisionError>"
    assert re.fullmatch(expected, repr(failed))


def test_repr_of_a_running_future_says_so():
    with Gate() as gate:
        future = hpyx.async_(gate)
        gate.entered()
        assert re.fullmatch(r"<Future at 0x[0-9a-f]+ state=running>", repr(future))


def test_ready_future_is_done_at_once():
    thing = Thing()
    future = hpyx.ready_future(thing)
    assert future.done() and not future.running() and not future.cancelled()
    assert future.result(timeout=0) is thing
    assert future.exception(timeout=0) is None
    assert not future.cancel()
    assert isinstance(future, hpyx.Future)


def test_ready_future_keeps_an_exception_object_as_a_plain_value():
    error = ValueError("only a value")
    assert hpyx.ready_future(error).result() is error


def test_a_future_is_a_future_of_the_standard_library():
    assert issubclass(hpyx.Future, concurrent.futures.Future)
    for future in (hpyx.async_(abs, -1), hpyx.ready_future(1)):
        assert isinstance(future, concurrent.futures.Future)
        assert isinstance(future, hpyx.Future)


def test_a_future_cannot_be_made_by_hand():
    with pytest.raises(TypeError, match="async_"):
        hpyx.Future()


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("make", [lambda: hpyx.ready_future(1), hpyx.HPXExecutor])
def test_futures_and_executors_stay_in_their_process_and_are_not_copied(make, copied):
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        copied(make())


@pytest.mark.parametrize("done", [False, True])
def test_only_the_runtime_completes_a_future(held, done):
    future = hpyx.ready_future(1) if done else hpyx.async_(abs, -1)
    with pytest.raises(RuntimeError):
        future.set_result(5)
    with pytest.raises(RuntimeError):
        future.set_exception(ValueError("no"))
    with pytest.raises(RuntimeError):
        future.set_running_or_notify_cancel()
    held.open()
    assert future.result() == 1


def test_a_future_can_be_referred_to_weakly_and_carry_attributes():
    future = hpyx.async_(abs, -1)
    future.label = "mine"
    assert weakref.ref(future)() is future
    assert future.label == "mine"
    assert future.result() == 1


def test_a_future_is_its_own_key():
    first, second = hpyx.ready_future(1), hpyx.ready_future(1)
    assert first != second
    assert {first: "first", second: "second"}[first] == "first"


def test_future_can_be_subscripted_in_annotations():
    assert hpyx.Future[int] is not None


def test_many_threads_get_the_result_of_one_future():
    with Gate() as gate:
        future = hpyx.async_(gate, "value")
        gate.entered()

        def last_one_opens(index):
            if index == 15:
                gate.open()
            return future.result()

        assert parallel(last_one_opens, 16) == ["value"] * 16
