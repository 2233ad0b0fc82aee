"""joblib.Parallel on hpyx: results, errors, nesting, generators, and where the tasks run."""

import threading

import pytest

import sizes
from child import run_clean
from helpers import parallel
from skips import module_needs

module_needs("cloudpickle")

import joblib  # noqa: E402

import hpyx.joblib  # noqa: E402


@pytest.fixture(autouse=True)
def backend():
    hpyx.joblib.register()
    with joblib.parallel_config("hpyx", n_jobs=4):
        yield


def square(x):
    return x * x


def fails_at_three(x):
    if x == 3:
        raise ValueError("three")
    return x


def thread_name(_):
    return threading.current_thread().name


def test_results_come_in_order():
    calls = (joblib.delayed(square)(i) for i in range(1000))
    assert joblib.Parallel()(calls) == [square(i) for i in range(1000)]


def test_batches_run_on_workers():
    names = set(joblib.Parallel()(joblib.delayed(thread_name)(i) for i in range(50)))
    assert all(name.startswith("hpyx-") for name in names)


def test_the_error_of_a_call_is_raised_and_the_backend_goes_on():
    with joblib.Parallel() as run:
        with pytest.raises(ValueError, match="three"):
            run(joblib.delayed(fails_at_three)(i) for i in range(100))
        assert run(joblib.delayed(square)(i) for i in range(3)) == [0, 1, 4]


def test_nothing_of_a_use_that_failed_comes_up_in_the_next_one():
    with joblib.Parallel(n_jobs=3) as run:
        for _ in range(sizes.MANY // 10):
            with pytest.raises(ValueError, match="three"):
                run(joblib.delayed(fails_at_three)(i) for i in range(100))
            assert run(joblib.delayed(square)(i) for i in range(3)) == [0, 1, 4]


def test_a_generator_gives_results_as_they_are_asked_for():
    calls = (joblib.delayed(square)(i) for i in range(100))
    results = joblib.Parallel(return_as="generator")(calls)
    assert next(results) == 0
    assert list(results) == [square(i) for i in range(1, 100)]


def test_all_jobs_are_the_workers_of_the_runtime():
    assert joblib.effective_n_jobs(-1) == hpyx.debug.get_num_worker_threads()


def test_no_jobs_are_refused():
    with pytest.raises(ValueError, match="n_jobs == 0"):
        joblib.Parallel(n_jobs=0)([joblib.delayed(square)(1)])


def test_one_job_runs_on_hpyx_too():
    names = joblib.Parallel(n_jobs=1)(joblib.delayed(thread_name)(i) for i in range(3))
    assert all(name.startswith(("hpyx-", "MainThread")) for name in names)


def test_several_threads_use_it_at_once():
    def body(offset):
        with joblib.parallel_config("hpyx", n_jobs=2):
            calls = (joblib.delayed(square)(offset + i) for i in range(50))
            return joblib.Parallel()(calls)

    assert parallel(body, 4) == [[square(k + i) for i in range(50)] for k in range(4)]


NESTED = """
    import joblib, hpyx.joblib

    hpyx.init(os_threads=1)
    hpyx.joblib.register(make_default=True)

    def square(x):
        return x * x

    def row(n):
        return sum(joblib.Parallel(n_jobs=2)(joblib.delayed(square)(i) for i in range(n)))

    print(joblib.Parallel(n_jobs=4)(joblib.delayed(row)(n) for n in range(6)))
"""


def test_a_task_may_use_parallel_itself_even_with_one_worker():
    assert run_clean(NESTED, warnings="default") == "[0, 0, 1, 5, 14, 30]\n"
