"""Tracing: one line of JSON per task, from debug.enable_tracing to debug.disable_tracing.

What needs a process of its own (the environment, exit, fork) is in test_trace_process.py; the
conversion for trace viewers in test_trace_chrome.py.
"""

import functools
import json
import os
import threading
import time

import pytest

import hpyx
import sizes
from helpers import Gate, parallel
from hpyx import debug
from skips import needs

KEYS = [
    "id",
    "parent",
    "name",
    "submitter",
    "worker",
    "thread",
    "submit_ns",
    "start_ns",
    "end_ns",
    "outcome",
    "exception",
]


class Tracing:
    """Traces the body of a with statement; afterwards ``records`` has the lines, parsed."""

    def __init__(self, path):
        self.path = str(path)

    def __enter__(self):
        debug.enable_tracing(self.path)
        return self

    def __exit__(self, *exc_info):
        debug.disable_tracing()
        with open(self.path, encoding="utf-8") as file:
            self.records = [json.loads(line) for line in file]

    def only(self, name):
        """Return the one record of this name."""
        (record,) = (record for record in self.records if record["name"] == name)
        return record


@pytest.fixture
def tracing(tmp_path):
    yield Tracing(tmp_path / "trace.jsonl")
    debug.disable_tracing()


def identity(value):
    return value


def fail(error):
    raise error


def test_a_line_has_every_key_and_says_what_happened(tracing):
    before = time.monotonic_ns()
    with tracing:
        assert hpyx.async_(identity, 7).result() == 7
    after = time.monotonic_ns()
    record = tracing.only("identity")
    assert list(record) == KEYS
    assert before <= record["submit_ns"] <= record["start_ns"] <= record["end_ns"] <= after
    assert record["submitter"] == threading.current_thread().name
    assert record["worker"] in range(debug.get_num_worker_threads())
    # A spare may stand in for a worker that an earlier test has kept waiting.
    kind = "spare" if "spare" in record["thread"] else "worker-{}".format(record["worker"])
    assert record["thread"].startswith("hpyx-" + kind)
    assert (record["outcome"], record["exception"], record["parent"]) == ("value", None, None)


def test_a_task_that_raised_has_the_class_of_the_exception(tracing):
    with tracing:
        for error in (KeyError("k"), SystemExit(3)):
            hpyx.async_(fail, error).exception()
    outcomes = [(record["outcome"], record["exception"]) for record in tracing.records]
    assert sorted(outcomes) == [("error", "KeyError"), ("error", "SystemExit")]


def test_a_cancelled_task_has_no_start_and_no_thread(tracing, held):
    with tracing:
        future = hpyx.async_(identity, 1)
        assert future.cancel()
    record = tracing.only("identity")
    assert record["outcome"] == "cancelled"
    assert [record[key] for key in ("start_ns", "worker", "thread", "exception")] == [None] * 4
    assert record["submit_ns"] <= record["end_ns"]


def spawn(count):
    futures = [hpyx.async_(identity, index) for index in range(count)]
    return [future.result() for future in futures]


def test_the_parent_is_the_task_that_submitted_and_ids_are_unique(tracing, executor):
    with tracing:
        assert executor.submit(spawn, 5).result() == list(range(5))
    parent = tracing.only("spawn")
    children = [record for record in tracing.records if record["name"] == "identity"]
    assert len(children) == 5
    assert {record["parent"] for record in children} == {parent["id"]}
    assert {record["submitter"] for record in children} == {parent["thread"]}
    assert len({record["id"] for record in tracing.records}) == 6
    for record in children:
        assert parent["start_ns"] <= record["submit_ns"] <= record["end_ns"] <= parent["end_ns"]


def nest(depth):
    return 0 if depth == 0 else 1 + hpyx.async_(nest, depth - 1).result()


def test_after_a_nested_run_the_outer_task_is_the_parent_again(tracing):
    def outer():
        hpyx.async_(nest, 3).result()
        return hpyx.async_(identity, 1).result()

    with tracing:
        assert hpyx.async_(outer).result() == 1
    (first,) = (record for record in tracing.records if record["name"].endswith("outer"))
    assert tracing.only("identity")["parent"] == first["id"]
    by_id = {record["id"]: record for record in tracing.records}
    deepest = max((r for r in tracing.records if r["name"] == "nest"), key=lambda r: r["id"])
    chain = []
    while deepest is not None:
        chain.append(deepest["name"].rpartition(".")[2])
        deepest = by_id.get(deepest["parent"])
    assert chain == ["nest"] * 4 + ["outer"]


def after(future):
    return future.result() + 1


def add(left, right=0):
    return left + right


def test_dependents_are_traced_from_the_moment_they_were_made(tracing, held):
    with tracing:
        source = hpyx.async_(identity, 1)
        both = hpyx.dataflow(add, source.then(after), right=source)
        held.open()
        assert both.result(sizes.PATIENCE) == 3
    first, second, third = _by_id(tracing)
    assert [first["name"], second["name"], third["name"]] == ["identity", "after", "add"]
    assert second["submit_ns"] <= first["end_ns"] <= second["start_ns"]
    assert second["end_ns"] <= third["start_ns"]


def test_a_dependent_whose_source_failed_never_started(tracing):
    with tracing:
        failed = hpyx.dataflow(add, hpyx.async_(fail, KeyError()))
        assert isinstance(failed.exception(), KeyError)
    record = tracing.only("add")
    assert (record["outcome"], record["exception"]) == ("error", "KeyError")
    assert record["start_ns"] is None and record["thread"] is None


class Callable:
    def __call__(self):
        return None

    def method(self):
        return None

    nameless = staticmethod(lambda: None)


def test_names_are_qualified_names_whatever_the_callable_is(tracing):
    callables = {
        "Callable.method": Callable().method,
        "Callable": Callable(),
        "partial(identity)": functools.partial(identity, 1),
        "partial(fail)": functools.partial(fail, KeyError()),
        "Callable.<lambda>": Callable.nameless,
        "abs": functools.partial(abs, 1).func,
    }
    with tracing:
        for name, function in callables.items():
            hpyx.async_(function, *([1] if name == "abs" else [])).exception()
    assert [record["name"] for record in _by_id(tracing)] == list(callables)


def test_a_chunk_of_a_map_has_the_name_of_the_function(tracing):
    with tracing:
        executor = hpyx.HPXExecutor()
        assert list(executor.map(identity, range(6), chunksize=3)) == list(range(6))
        assert list(executor.map(identity, range(2), chunksize=3, buffersize=1)) == [0, 1]
    names = [record["name"] for record in _by_id(tracing)]
    assert names == ["chunk(identity)"] * 2 + ["identity"] * 2


def _by_id(tracing):
    return sorted(tracing.records, key=lambda record: record["id"])


def test_odd_names_make_valid_json(tracing):
    def odd():
        return None

    names = ['quote " and \\', "line\nend \x01", "naïve ☃", "lone \udc80 surrogate"]
    with tracing:
        for name in names:
            odd.__qualname__ = name
            hpyx.async_(odd).result()
    assert [record["name"] for record in _by_id(tracing)][:3] == names[:3]
    assert len(tracing.records) == 4


def test_a_callable_whose_name_cannot_be_read_is_traced_by_its_class(tracing):
    class Hostile:
        def __getattr__(self, name):
            raise LookupError(name)

        def __call__(self):
            return "ran"

    with tracing:
        assert hpyx.async_(Hostile()).result() == "ran"
    assert tracing.records[0]["name"].endswith("Hostile")


def test_a_burst_loses_nothing(tracing):
    count = sizes.MANY * 5
    with tracing:
        futures = [hpyx.async_(identity, index) for index in range(count)]
        assert sum(future.result() for future in futures) == count * (count - 1) // 2
    assert len({record["id"] for record in tracing.records}) == count
    assert {record["outcome"] for record in tracing.records} == {"value"}


def test_submitters_are_told_apart(tracing):
    def submit(index):
        threading.current_thread().name = f"submitter-{index}"
        return hpyx.async_(identity, index).result()

    with tracing:
        assert parallel(submit, 4) == [0, 1, 2, 3]
    names = sorted(record["submitter"] for record in tracing.records)
    assert names == [f"submitter-{index}" for index in range(4)]


def test_what_was_submitted_before_is_not_traced_and_what_has_not_ended_is_left_out(tracing):
    early, late = Gate(), Gate()
    with early, late:
        before = hpyx.async_(early, "before")
        early.entered()
        with tracing:
            hpyx.async_(identity, 1).result()
            unfinished = hpyx.async_(late, "late")
            early.open()
            assert before.result(sizes.PATIENCE) == "before"
            late.entered()
        late.open()
        assert unfinished.result(sizes.PATIENCE) == "late"
    assert [record["name"] for record in tracing.records] == ["identity"]


def test_the_file_follows_while_tracing_goes_on(tracing):
    with tracing:
        hpyx.async_(identity, 1).result()
        deadline = time.monotonic() + sizes.PATIENCE
        while os.path.getsize(tracing.path) == 0 and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert os.path.getsize(tracing.path) > 0
    assert len(tracing.records) == 1


def test_turning_on_again_empties_the_file(tracing):
    for _ in range(2):
        with tracing:
            hpyx.async_(identity, 1).result()
        assert len(tracing.records) == 1


def test_disabling_when_nothing_is_on_does_nothing():
    debug.disable_tracing()
    debug.disable_tracing()


def test_enabling_twice_needs_the_same_file(tracing, tmp_path):
    with tracing:
        debug.enable_tracing(tracing.path)
        other = str(tmp_path / "other.jsonl")
        with pytest.raises(RuntimeError) as caught:
            debug.enable_tracing(other)
        assert tracing.path in str(caught.value) and other in str(caught.value)
        assert not os.path.exists(other)
        hpyx.async_(identity, 1).result()
    assert len(tracing.records) == 1


def test_a_path_that_cannot_be_written_raises_at_the_call(tmp_path):
    missing = tmp_path / "no" / "such" / "folder.jsonl"
    with pytest.raises(FileNotFoundError) as caught:
        debug.enable_tracing(missing)
    assert str(missing) in str(caught.value)
    with pytest.raises(IsADirectoryError):
        debug.enable_tracing(tmp_path)
    with pytest.raises(TypeError):
        debug.enable_tracing(3.5)
    assert hpyx.async_(identity, 1).result() == 1


@pytest.mark.parametrize(
    "kind", [str, os.fsencode, lambda path: path], ids=["str", "bytes", "Path"]
)
def test_a_path_may_be_str_bytes_or_path(tmp_path, kind):
    path = tmp_path / "träce.jsonl"
    debug.enable_tracing(kind(path))
    hpyx.async_(identity, 1).result()
    debug.disable_tracing()
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "identity"


@needs("dev_full")
def test_a_full_disk_is_reported_when_tracing_ends():
    debug.enable_tracing("/dev/full")
    assert hpyx.async_(identity, 1).result() == 1
    with pytest.raises(OSError) as caught:
        debug.disable_tracing()
    assert caught.value.filename == "/dev/full"
    debug.disable_tracing()
