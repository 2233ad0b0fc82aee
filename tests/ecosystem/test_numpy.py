"""Arrays through tasks: shared, not copied; computed in several tasks; errors of numpy."""

import pytest

import hpyx
from hpyx.multiprocessing import for_loop
from skips import needs

pytestmark = needs("numpy")


def test_a_task_gets_the_array_itself():
    import numpy

    array = numpy.zeros(10)
    assert hpyx.async_(lambda a: a is array, array).result()
    hpyx.async_(array.fill, 3.0).result()
    assert array.sum() == 30.0


def test_chunks_that_share_memory_are_filled_in_tasks(executor):
    import numpy

    array = numpy.arange(100_000, dtype="int64")
    list(executor.map(lambda part: numpy.square(part, out=part), numpy.split(array, 20)))
    assert numpy.array_equal(array, numpy.arange(100_000, dtype="int64") ** 2)


def test_partial_results_are_combined():
    import numpy

    array = numpy.random.default_rng(2).random(10_000)
    parts = [hpyx.async_(numpy.sum, part) for part in numpy.split(array, 10)]
    total = hpyx.dataflow(lambda *sums: sum(sums), *parts)
    numpy.testing.assert_allclose(total.result(), array.sum())


def test_an_error_of_numpy_comes_through():
    import numpy

    with pytest.raises(numpy.linalg.LinAlgError):
        hpyx.async_(numpy.linalg.inv, numpy.zeros((3, 3))).result()


@pytest.mark.parametrize("policy", ["seq", "par"])
def test_for_loop_gets_scalars_of_a_line_and_rows_of_a_table(policy):
    import numpy

    line, table = numpy.array([1.5, 2.5]), numpy.arange(6.0).reshape(3, 2)
    for_loop(lambda x: x * 10, line, policy)
    for_loop(lambda row: row[::-1] + 1, table, policy)
    assert line.tolist() == [15.0, 25.0]
    assert table.tolist() == [[2.0, 1.0], [4.0, 3.0], [6.0, 5.0]]


@pytest.mark.parametrize("policy", ["seq", "par"])
def test_for_loop_refuses_an_array_that_is_read_only(policy):
    import numpy

    line = numpy.arange(3.0)
    line.flags.writeable = False
    with pytest.raises(TypeError, match="read-only"):
        for_loop(abs, line, policy)
