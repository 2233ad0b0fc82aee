"""A failure that nobody looked at is logged once, when its future is collected; a seen one never.

Each scene returns after its futures are gone; the log of ``hpyx.futures`` is what is looked at.
"""

import asyncio
import concurrent.futures
import gc
import logging

import pytest

import hpyx
from child import run_python
from helpers import Gate, wait_until
from skips import module_needs

module_needs("finalizers")


class Lost(Exception):
    """What the tasks of this file raise."""


def fail(name="lost"):
    raise Lost(name)


@pytest.fixture
def reports(caplog):
    """Return a function that collects and returns the texts of the failures that were reported."""
    caplog.set_level(logging.DEBUG, logger="hpyx.futures")

    def collected():
        return [
            str(record.exc_info[1])
            for record in caplog.records
            if record.name == "hpyx.futures" and record.exc_info[0] is Lost
        ]

    def take(expected):
        def have_come(names):
            gc.collect()
            hpyx.async_(int).result()
            return set(names) <= set(collected())

        came = wait_until(lambda: have_come(expected), 10)
        # Another failure, which is reported for sure: what else came until then is a mistake.
        hpyx.async_(fail, "marker")
        assert wait_until(lambda: have_come(["marker"]), 10)
        return came, sorted(collected())

    return take


def expect(reports, *names):
    assert reports(names) == (True, sorted([*names, "marker"]))


def test_a_failure_that_nobody_looked_at_is_reported_once(reports, caplog):
    hpyx.async_(fail, "dropped")
    expect(reports, "dropped")
    record = next(r for r in caplog.records if r.exc_info and str(r.exc_info[1]) == "dropped")
    assert record.levelname == "ERROR" and "never retrieved" in record.getMessage()
    assert "in fail" in caplog.text


def test_a_future_that_was_waited_for_in_vain_is_reported(reports):
    with Gate() as gate:

        def late():
            gate()
            fail("late")

        future = hpyx.async_(late)
        gate.entered()
        with pytest.raises(concurrent.futures.TimeoutError):
            future.result(timeout=0.01)
    wait_until(future.done)
    del future
    expect(reports, "late")


def look_at_result(future):
    with pytest.raises(Lost):
        future.result()


def look_at_exception(future):
    assert isinstance(future.exception(), Lost)


def look_by_callback(future):
    future.add_done_callback(lambda _: None)
    wait_until(future.done)


def look_by_late_callback(future):
    wait_until(future.done)
    future.add_done_callback(lambda _: None)


def look_by_await(future):
    async def main():
        await future

    with pytest.raises(Lost):
        asyncio.run(main())


def look_by_wait(future):
    concurrent.futures.wait([future])


def look_by_as_completed(future):
    assert list(hpyx.as_completed([future])) == [future]


def look_by_then(future):
    look_at_result(future.then(abs))


def look_by_late_then(future):
    wait_until(future.done)
    look_at_result(future.then(abs))


def look_by_when_all(future):
    look_at_result(hpyx.when_all(hpyx.ready_future(1), future))


def look_by_dataflow(future):
    look_at_result(hpyx.dataflow(abs, future))


LOOKS = [look for name, look in sorted(globals().items()) if name.startswith("look_")]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_a_failure_that_was_seen_is_not_reported(reports, look):
    look(hpyx.async_(fail))
    expect(reports)


def test_the_end_of_a_chain_is_reported_and_its_links_are_not(reports):
    hpyx.async_(fail, "source").then(abs).then(abs)
    expect(reports, "source")


def test_values_and_cancelled_futures_are_not_reported(reports, held):
    hpyx.async_(abs, -1).cancel()
    hpyx.async_(abs, -1)
    held.open()
    expect(reports)


def test_failures_after_the_first_of_a_map_are_not_reported(reports, executor):
    with pytest.raises(Lost, match="0"):
        list(executor.map(fail, "0123"))
    expect(reports)


def test_a_future_in_a_cycle_is_reported_with_its_traceback(reports, caplog):
    def fail_in_a_cycle(futures):
        gate()
        fail(f"cycle of {len(futures)}")

    futures = []
    with Gate() as gate:
        futures.append(hpyx.async_(fail_in_a_cycle, futures))
        gate.entered()
    wait_until(futures[0].done)
    del futures
    expect(reports, "cycle of 1")
    assert "in fail_in_a_cycle" in caplog.text


def test_the_logging_level_is_the_switch(caplog):
    caplog.set_level(logging.CRITICAL, logger="hpyx.futures")
    hpyx.async_(fail)
    for _ in range(3):
        hpyx.async_(int).result()
        gc.collect()
    assert not caplog.records


def test_exit_is_silent():
    source = """
    import hpyx
    def fail():
        raise KeyError("kept until the exit")
    future = hpyx.async_(fail)
    while not future.done(): pass
    """
    result = run_python(source)
    assert (result.stderr, result.returncode) == ("", 0)


def test_a_task_that_an_initializer_broke_is_reported_once(caplog):
    def refuse():
        raise Lost("initializer")

    def scene():
        executor = hpyx.HPXExecutor(initializer=refuse)
        future = executor.submit(int)
        assert wait_until(future.done)

    def reports():
        gc.collect()
        hpyx.async_(int).result()
        return [record.exc_info[0] for record in caplog.records if record.name == "hpyx.futures"]

    scene()
    assert wait_until(lambda: len(reports()) >= 1, 10)
    assert reports() == [concurrent.futures.BrokenExecutor]
