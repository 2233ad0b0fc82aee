"""Exceptions of tasks: they travel as objects, with their traceback, whatever their kind.

See also test_waiting_isolation.py for the exception state of a waiter, test_cycles.py for memory.
"""

import concurrent.futures
import sys
import traceback

import pytest

import hpyx


class Custom(Exception):
    def __init__(self, code, *, detail):
        super().__init__(code)
        self.detail = detail


def innermost_function():
    raise Custom(7, detail="all of it")


def outer_function():
    return innermost_function()


def function_names(error):
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_the_exception_is_the_very_object_that_was_raised():
    error = Custom(1, detail=[])

    def fail():
        raise error

    future = hpyx.async_(fail)
    assert future.exception() is error
    with pytest.raises(Custom) as caught:
        future.result()
    assert caught.value is error


def test_the_traceback_shows_where_the_task_failed():
    future = hpyx.async_(outer_function)
    with pytest.raises(Custom) as caught:
        future.result()
    names = function_names(caught.value)
    assert names[-2:] == ["outer_function", "innermost_function"]
    assert caught.value.detail == "all of it"


def test_the_traceback_shows_who_asked_for_the_result():
    def asks_for_the_result():
        hpyx.async_(outer_function).result()

    with pytest.raises(Custom) as caught:
        asks_for_the_result()
    names = function_names(caught.value)
    assert "asks_for_the_result" in names
    assert names.index("asks_for_the_result") < names.index("innermost_function")


def test_exception_has_the_traceback_before_anybody_raised_it():
    error = hpyx.async_(outer_function).exception()
    assert function_names(error)[-2:] == ["outer_function", "innermost_function"]


def test_formatting_the_exception_shows_the_failing_line():
    error = hpyx.async_(outer_function).exception()
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert 'raise Custom(7, detail="all of it")' in text


def test_causes_travel_with_the_exception():
    def fail():
        try:
            int("x")
        except ValueError as error:
            raise KeyError("later") from error

    error = hpyx.async_(fail).exception()
    assert isinstance(error, KeyError) and isinstance(error.__cause__, ValueError)


def test_an_exception_crosses_several_tasks_unchanged():
    def middle():
        return hpyx.async_(outer_function).result()

    error = hpyx.async_(middle).exception()
    names = function_names(error)
    assert type(error) is Custom
    assert names.index("middle") < names.index("outer_function")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_exceptions_that_stop_other_things_are_captured_too(kind):
    def fail():
        raise kind("captured")

    future = hpyx.async_(fail)
    with pytest.raises(kind):
        future.result()
    assert hpyx.async_(abs, -1).result() == 1


def test_an_exception_raised_by_c_code_is_a_proper_object():
    error = hpyx.async_(int, "not a number").exception()
    assert type(error) is ValueError
    assert error.args and "not a number" in error.args[0]


def test_a_wrong_call_is_the_task_s_own_failure():
    error = hpyx.async_(lambda: None, "unexpected").exception()
    assert type(error) is TypeError


def test_a_task_that_returns_an_exception_has_not_failed():
    error = ValueError("just a value")
    future = hpyx.async_(lambda: error)
    assert future.exception() is None
    assert future.result() is error


def test_a_task_that_raises_cancelled_error_has_failed_and_is_not_cancelled():
    def fail():
        raise concurrent.futures.CancelledError("mine")

    future = hpyx.async_(fail)
    assert isinstance(future.exception(), concurrent.futures.CancelledError)
    assert not future.cancelled()


def test_infinite_recursion_in_a_task_is_a_recursion_error():
    def recurse(depth):
        return recurse(depth + 1) + 1

    assert isinstance(hpyx.async_(recurse, 0).exception(), RecursionError)
    assert hpyx.async_(abs, -1).result() == 1


def test_a_failed_task_leaves_no_exception_set_for_the_next_one():
    futures = []
    for _ in range(100):
        futures.append(hpyx.async_(int, "x"))
        futures.append(hpyx.async_(sys.exc_info))
    assert all(isinstance(future.exception(), ValueError) for future in futures[::2])
    assert {future.result() for future in futures[1::2]} == {(None, None, None)}


def test_an_exception_whose_class_cannot_be_built_again_still_travels():
    class Stubborn(Exception):
        def __init__(self):
            raise TypeError("never twice")

        def __new__(cls, *args):
            return Exception.__new__(cls)

    prepared = Stubborn.__new__(Stubborn)

    def fail():
        raise prepared

    assert hpyx.async_(fail).exception() is prepared


class ForgetsToReturn(Exception):
    def with_traceback(self, traceback):
        super().with_traceback(traceback)


class RaisesInstead(Exception):
    def with_traceback(self, traceback):
        raise RuntimeError("no traceback, please")


@pytest.mark.parametrize("kind", [ForgetsToReturn, RaisesInstead])
@pytest.mark.parametrize("count", [1, 200])
def test_an_exception_with_a_with_traceback_of_its_own_still_travels(kind, count):
    def fail():
        raise kind

    futures = [hpyx.async_(fail) for _ in range(count)]
    assert {type(future.exception()) for future in futures} == {kind}
    assert hpyx.async_(abs, -1).result() == 1


@pytest.mark.parametrize("count", [1, 200])
def test_a_call_that_does_not_fit_shows_nothing_of_ours(count):
    futures = [hpyx.async_(outer_function, 1) for _ in range(count)]
    errors = [future.exception() for future in futures]
    assert all(isinstance(error, TypeError) for error in errors)
    assert [function_names(error) for error in errors] == [[]] * count
