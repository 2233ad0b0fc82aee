"""Tracing and the life of the process: HPYX_TRACE_PATH, the end by any means, fork, spares.

Each scenario is a process of its own, which leaves a trace that the test reads.
"""

import json
import os

import pytest

from child import run_clean, run_clean_life, run_python
from skips import needs


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "trace.jsonl")


def records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def names(path):
    return sorted(record["name"] for record in records(path))


def test_the_environment_traces_from_the_first_task_to_the_end_of_the_process(path):
    script = """
        import hpyx
        assert hpyx.async_(abs, -1).result() == 1
        futures = [hpyx.async_(pow, 2, 3) for _ in range(100)]
    """
    run_clean(script, env={"HPYX_TRACE_PATH": path})
    assert names(path) == ["abs"] + ["pow"] * 100


def test_the_file_is_complete_when_the_program_ends_by_an_exception(path):
    script = """
        import hpyx
        hpyx.async_(abs, -1).result()
        raise SystemError("the end")
    """
    result = run_python(script, env={"HPYX_TRACE_PATH": path})
    assert result.returncode == 1 and "the end" in result.stderr
    assert names(path) == ["abs"]


def test_the_file_is_complete_after_shutdown(path):
    script = """
        import json, hpyx
        hpyx.debug.enable_tracing({path!r})
        for index in range(10):
            hpyx.async_(abs, index)
        hpyx.shutdown()
        with open({path!r}) as file:
            assert len([json.loads(line) for line in file]) == 10
    """
    run_clean_life(script.format(path=path))
    assert len(records(path)) == 10


def test_a_path_in_the_environment_that_cannot_be_written_is_an_error_of_the_start(tmp_path):
    bad = str(tmp_path / "missing" / "trace.jsonl")
    script = """
        import os, hpyx
        try:
            hpyx.async_(abs, -1)
        except FileNotFoundError as error:
            assert error.filename == os.environ["HPYX_TRACE_PATH"], error
        else:
            raise AssertionError("started")
        assert not hpyx.is_running()
        del os.environ["HPYX_TRACE_PATH"]
        assert hpyx.async_(abs, -1).result() == 1
    """
    run_clean_life(script, env={"HPYX_TRACE_PATH": bad})


def test_an_explicit_call_beats_the_environment(path, tmp_path):
    other = str(tmp_path / "other.jsonl")
    script = f"""
        import hpyx
        hpyx.debug.enable_tracing({path!r})
        hpyx.async_(abs, -1).result()
    """
    run_clean_life(script, env={"HPYX_TRACE_PATH": other})
    assert names(path) == ["abs"] and not os.path.exists(other)


def test_pid_in_the_environment_gives_each_process_a_file(tmp_path):
    script = """
        import os, hpyx
        hpyx.async_(abs, -1).result()
        print(os.getpid())
    """
    pattern = str(tmp_path / "trace-{pid}.jsonl")
    pid = run_clean(script, env={"HPYX_TRACE_PATH": pattern}).strip()
    assert names(str(tmp_path / f"trace-{pid}.jsonl")) == ["abs"]


FORK = """
import os, sys
import hpyx
from hpyx import debug
path = {path!r}
def before(): pass
def in_child(): pass
def after(): pass
{on}
futures = [hpyx.async_(before) for _ in range(10)]
for future in futures:
    future.result()
pid = os.fork()
if pid == 0:
    try:
        for _ in range(10):
            hpyx.async_(in_child).result()
        debug.disable_tracing()
        {child}
    except BaseException as error:
        print(error, file=sys.stderr)
        os._exit(1)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
hpyx.async_(after).result()
"""
FORKING = {"warnings": "ignore::DeprecationWarning"}


@needs("fork")
def test_a_forked_child_does_not_write_into_its_parents_file(path):
    on = "debug.enable_tracing(path)"
    run_clean(FORK.format(path=path, on=on, child="pass"), **FORKING)
    assert names(path) == ["after"] + ["before"] * 10


@needs("fork")
def test_a_forked_child_may_trace_into_a_file_of_its_own(path):
    on = "debug.enable_tracing(path)"
    child = (
        "debug.enable_tracing(path + '.child'); hpyx.async_(in_child).result();"
        " debug.disable_tracing()"
    )
    run_clean(FORK.format(path=path, on=on, child=child), **FORKING)
    assert names(path) == ["after"] + ["before"] * 10
    (record,) = records(path + ".child")
    assert record["name"] == "in_child" and record["parent"] is None


@needs("fork")
def test_a_forked_child_leaves_the_file_of_the_environment_alone(path):
    env = {"HPYX_TRACE_PATH": path}
    run_clean(FORK.format(path=path, on="", child="pass"), env=env, **FORKING)
    assert names(path) == ["after"] + ["before"] * 10


@needs("fork")
def test_a_forked_child_of_a_task_has_no_parent_task(path):
    script = f"""
import json, os, hpyx
from hpyx import debug
debug.enable_tracing({path!r})
def forks():
    pid = os.fork()
    if pid == 0:
        debug.enable_tracing({path!r} + ".child")
        hpyx.async_(abs, -1).result()
        debug.disable_tracing()
        os._exit(0)
    return os.waitpid(pid, 0)[1]
assert hpyx.async_(forks).result() == 0
"""
    run_clean(script, **FORKING)
    (record,) = records(path + ".child")
    assert (record["name"], record["parent"]) == ("abs", None)
    assert names(path) == ["forks"]


def test_a_spare_has_the_worker_that_it_stands_in_for_and_its_own_name(path):
    script = f"""
        import threading, hpyx
        hpyx.init(os_threads=1)
        hpyx.debug.enable_tracing({path!r})
        started, release = threading.Event(), threading.Event()
        def inner():
            started.set()
            release.wait()
        def outer():
            future = hpyx.async_(inner)
            return future.result(60)       # with a time-out: a spare runs it
        future = hpyx.async_(outer)
        started.wait()
        release.set()
        future.result()
    """
    run_clean_life(script)
    by_name = {record["name"]: record for record in records(path)}
    assert by_name["outer"]["thread"] == "hpyx-worker-0"
    assert by_name["inner"]["thread"].startswith("hpyx-spare-")
    assert [by_name[name]["worker"] for name in ("outer", "inner")] == [0, 0]
    assert by_name["inner"]["parent"] == by_name["outer"]["id"]


def test_tasks_of_threads_that_are_gone_are_all_there(path):
    script = f"""
        import threading, hpyx
        hpyx.debug.enable_tracing({path!r})
        for _ in range(200):
            thread = threading.Thread(target=lambda: hpyx.async_(abs, -1).result())
            thread.start()
            thread.join()
    """
    run_clean_life(script)
    assert names(path) == ["abs"] * 200
