"""hpyx.HPXExecutor as a concurrent.futures.Executor: submit, and the size of the pool.

See also test_executor_map.py, test_executor_shutdown.py, test_executor_initializer.py.
"""

import concurrent.futures
import inspect
import re
import threading
import warnings

import pytest

import hpyx
from child import run_clean_life
from helpers import Gate


def add(a, b, *, c=0):
    return a + b + c


def test_the_executor_is_an_executor_of_the_standard_library(executor):
    assert issubclass(hpyx.HPXExecutor, concurrent.futures.Executor)
    assert isinstance(executor, concurrent.futures.Executor)


def test_submit_returns_a_future_of_ours_with_the_result(executor):
    future = executor.submit(add, 1, 2, c=10)
    assert isinstance(future, hpyx.Future)
    assert future.result() == 13


def test_keywords_named_like_our_own_parameters_belong_to_the_function(executor):
    keywords = {"fn": 1, "self": 2}
    assert executor.submit(lambda **received: received, **keywords).result() == keywords


def test_an_exception_of_the_task_comes_out_of_result(executor):
    future = executor.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        future.result()


def test_a_call_without_a_function_is_refused(executor):
    with pytest.raises(TypeError):
        executor.submit()
    with pytest.raises(TypeError):
        executor.submit(fn=abs)


def test_what_cannot_be_called_is_refused_at_the_call(executor):
    with pytest.raises(TypeError, match=r"callable: write submit\("):
        executor.submit(5)


def test_a_subclass_may_have_attributes_and_a_submit_of_its_own():
    class Crawlers(hpyx.HPXExecutor):
        def __init__(self, group):
            super().__init__()
            self._group = self._core = self._native = group
            self.submitted = 0

        def submit(self, fn, /, *args, **kwargs):
            self.submitted += 1
            return super().submit(fn, *args, **kwargs)

    with Crawlers("news") as executor:
        futures = [executor.submit(abs, -i) for i in range(200)]
        assert [future.result() for future in futures] == list(range(200))
    assert executor.submitted == 200
    assert executor._group == "news"


@pytest.mark.parametrize("wrong", [(), (5,), (None,), ("abs", -1)])
def test_what_cannot_be_called_is_refused_while_many_wait(executor, wrong):
    with Gate() as gate:
        held = executor.submit(gate)
        gate.entered()
        waiting = [executor.submit(abs, -i) for i in range(100)]
        for submit in (executor.submit, hpyx.async_):
            with pytest.raises(TypeError, match=r"callable|missing"):
                submit(*wrong)
        waiting += [executor.submit(abs, -i) for i in range(100, 200)]
    assert [future.result() for future in waiting] == list(range(200))
    assert held.result() is None


def test_the_constructor_takes_what_thread_pool_executor_takes():
    ours = inspect.signature(hpyx.HPXExecutor).parameters
    theirs = inspect.signature(concurrent.futures.ThreadPoolExecutor).parameters
    assert [name for name in theirs if name not in ours and name != "ctxkwargs"] == []
    assert list(ours)[:4] == ["max_workers", "thread_name_prefix", "initializer", "initargs"]


def test_thread_name_prefix_is_accepted_and_does_not_rename_shared_threads():
    with hpyx.HPXExecutor(thread_name_prefix="mine") as executor:
        name = executor.submit(lambda: threading.current_thread().name).result()
    assert re.fullmatch(r"hpyx-(worker|spare)-\d+", name)


def test_two_executors_share_one_pool():
    with hpyx.HPXExecutor() as first, hpyx.HPXExecutor() as second:
        meeting = threading.Barrier(2)
        futures = [pool.submit(meeting.wait, 30) for pool in (first, second)]
        assert sorted(future.result() for future in futures) == [0, 1]
    assert hpyx.debug.get_num_worker_threads() == 2


def test_max_workers_equal_to_the_pool_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hpyx.HPXExecutor(max_workers=2)._max_workers == 2
        assert hpyx.HPXExecutor()._max_workers == 2


def test_another_max_workers_warns_with_both_numbers_and_uses_the_pool():
    with pytest.warns(UserWarning) as caught:
        executor = hpyx.HPXExecutor(max_workers=99)
    text = str(caught[0].message)
    assert "max_workers=99" in text and "os_threads=2" in text
    assert caught[0].filename == __file__
    assert hpyx.debug.get_num_worker_threads() == 2
    with executor:
        assert executor.submit(abs, -1).result() == 1


@pytest.mark.parametrize("count", [0, -1])
def test_a_pool_without_workers_is_refused(count):
    with pytest.raises(ValueError, match="max_workers"):
        hpyx.HPXExecutor(max_workers=count)


@pytest.mark.parametrize("count", ["2", 1.5])
def test_a_number_of_workers_that_is_no_integer_is_refused(count):
    with pytest.raises(TypeError):
        hpyx.HPXExecutor(max_workers=count)


def test_the_first_executor_seeds_the_size_of_the_pool():
    script = """
        import hpyx
        with hpyx.HPXExecutor(max_workers=3) as executor:
            assert executor.submit(abs, -1).result() == 1
            print(hpyx.debug.get_num_worker_threads(), executor._max_workers)
    """
    assert run_clean_life(script).split() == ["3", "3"]
