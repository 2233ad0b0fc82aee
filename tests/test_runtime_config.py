"""Configuration from the environment and from the machine: HPYX_* variables, processor affinity.

Precedence: arguments of hpyx.init, then the environment, then the default. Everything runs in a
child.
"""

import pytest

from child import run_clean, run_python
from skips import needs

COUNT = """
    import hpyx
    hpyx.init({})
    assert hpyx.async_(abs, -1).result() == 1
    print(hpyx.debug.get_num_worker_threads())
"""
START_BY_TASK = """
    import hpyx
    assert hpyx.async_(abs, -1).result() == 1
    print(hpyx.debug.get_num_worker_threads())
"""


def test_the_environment_sets_the_number_of_workers():
    assert run_clean(START_BY_TASK, env={"HPYX_OS_THREADS": "3"}).strip() == "3"


def test_arguments_beat_the_environment():
    script = COUNT.format("os_threads=2")
    assert run_clean(script, env={"HPYX_OS_THREADS": "3"}).strip() == "2"


def test_an_empty_variable_is_no_wish():
    empty = {"HPYX_OS_THREADS": "", "HPYX_CFG": "", "HPYX_AUTOINIT": ""}
    assert run_clean(START_BY_TASK, env=empty) == run_clean(START_BY_TASK)


@pytest.mark.parametrize("value", ["abc", "0", "-2", "2.5"])
def test_a_bad_number_of_workers_is_refused_and_the_variable_named(value):
    result = run_python(START_BY_TASK, env={"HPYX_OS_THREADS": value})
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError") and "HPYX_OS_THREADS" in last and value in last


BLOCKED_POOL = """
    import threading, hpyx
    hpyx.init(os_threads=1{})
    release = threading.Event()
    first = hpyx.async_(release.wait, 1.0)
    second = hpyx.async_(release.set)
    print(first.result(), hpyx.debug.statistics().spares_started)
"""


def test_cfg_from_the_environment_is_honoured_and_arguments_beat_it():
    env = {"HPYX_CFG": "hpx.stacks.small_size=0x20000;hpyx.max_spare_workers=0"}
    assert run_clean(BLOCKED_POOL.format(""), env=env).split() == ["False", "0"]
    argument = ', cfg=["hpyx.max_spare_workers=4"]'
    grown = run_clean(BLOCKED_POOL.format(argument), env=env).split()
    assert grown[0] == "True" and int(grown[1]) >= 1


@pytest.mark.parametrize("value", ["0", "false"])
def test_without_autoinit_a_task_needs_an_explicit_init(value):
    script = """
        import hpyx
        try:
            hpyx.async_(abs, -1)
        except RuntimeError as error:
            assert "hpyx.init" in str(error), error
        else:
            raise AssertionError("started by itself")
        try:
            hpyx.HPXExecutor().submit(abs, -1)
        except RuntimeError as error:
            assert "hpyx.init" in str(error), error
        else:
            raise AssertionError("started by itself")
        assert not hpyx.is_running()
        hpyx.init(os_threads=2)
        print(hpyx.async_(abs, -1).result())
    """
    assert run_clean(script, env={"HPYX_AUTOINIT": value}).strip() == "1"


@pytest.mark.parametrize("value", ["1", "true"])
def test_autoinit_can_be_asked_for(value):
    env = {"HPYX_AUTOINIT": value, "HPYX_OS_THREADS": "2"}
    assert run_clean(START_BY_TASK, env=env).strip() == "2"


@needs("affinity")
def test_the_default_number_of_workers_respects_the_affinity_of_the_process():
    script = """
        import os
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        import hpyx
        hpyx.init()
        print(hpyx.debug.get_num_worker_threads())
    """
    assert run_clean(script).strip() == "1"


@needs("affinity")
def test_the_default_number_of_workers_is_at_most_what_the_process_may_use():
    script = """
        import os, hpyx
        hpyx.init()
        print(hpyx.debug.get_num_worker_threads(), len(os.sched_getaffinity(0)))
    """
    workers, allowed = map(int, run_clean(script).split())
    assert 1 <= workers <= allowed


def test_a_start_that_is_refused_can_be_made_good_in_the_same_process():
    script = """
        import os, hpyx
        try:
            hpyx.async_(abs, -1)
        except ValueError:
            pass
        os.environ["HPYX_OS_THREADS"] = "2"
        assert hpyx.async_(abs, -1).result() == 1
        print(hpyx.debug.get_num_worker_threads())
    """
    output = run_clean(script, env={"HPYX_OS_THREADS": "none"})
    assert output.strip() == "2"
