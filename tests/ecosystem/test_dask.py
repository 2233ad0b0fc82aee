"""dask with ``scheduler=HPXExecutor()``: delayed, bag and array."""

import operator
import threading

import pytest

import hpyx
from skips import module_needs, needs

module_needs("cloudpickle")

import dask  # noqa: E402
import dask.bag  # noqa: E402


def increase(x):
    return x + 1


def thread_name():
    return threading.current_thread().name


def test_a_delayed_graph_gives_its_result(executor):
    total = dask.delayed(sum)([dask.delayed(increase)(i) for i in range(100)])
    assert total.compute(scheduler=executor) == sum(range(1, 101))


def test_tasks_run_on_workers_of_hpyx(executor):
    assert dask.delayed(thread_name)().compute(scheduler=executor).startswith("hpyx-")


def test_an_error_in_a_task_is_raised_by_compute(executor):
    with pytest.raises(ZeroDivisionError):
        dask.delayed(operator.truediv)(1, 0).compute(scheduler=executor)


def test_a_task_may_compute_a_graph_itself(executor):
    def inner(n):
        return dask.delayed(sum)([dask.delayed(increase)(i) for i in range(n)]).compute(
            scheduler=hpyx.HPXExecutor()
        )

    outer = [dask.delayed(inner)(n) for n in range(5)]
    assert dask.compute(*outer, scheduler="sync") == tuple(sum(range(n + 1)) for n in range(5))


def test_a_bag_is_mapped_filtered_and_folded(executor):
    bag = dask.bag.from_sequence(range(1000), npartitions=10)
    chain = bag.map(increase).filter(lambda x: x % 2 == 0)
    assert chain.sum().compute(scheduler=executor) == sum(range(2, 1001, 2))


def test_the_executor_serves_as_the_configured_scheduler(executor):
    with dask.config.set(scheduler=executor):
        assert dask.delayed(increase)(1).compute() == 2


@needs("dask_array")
def test_array_reductions_agree_with_numpy(executor):
    import dask.array
    import numpy

    values = numpy.random.default_rng(0).random(10_000)
    array = dask.array.from_array(values, chunks=1_000)
    numpy.testing.assert_allclose(array.mean().compute(scheduler=executor), values.mean())
    numpy.testing.assert_allclose(array.var().compute(scheduler=executor), values.var())


@needs("dask_array")
def test_a_product_of_chunked_matrices_agrees_with_numpy(executor):
    import dask.array
    import numpy

    rng = numpy.random.default_rng(1)
    left, right = rng.random((48, 32)), rng.random((32, 40))
    product = dask.array.from_array(left, (16, 16)) @ dask.array.from_array(right, (16, 16))
    numpy.testing.assert_allclose(product.compute(scheduler=executor), left @ right)
