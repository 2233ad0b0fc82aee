"""``python -m hpyx trace FILE --chrome OUT``: traces as Chrome trace-event JSON, for Perfetto.

The rules of the format are checked by trace_event.py.
"""

import io
import json
import subprocess

import pytest

import hpyx
import sizes
import trace_event
from child import command, environment
from hpyx import _chrome
from hpyx.__main__ import main

RECORD = {
    "id": 1,
    "parent": None,
    "name": "f",
    "submitter": "MainThread",
    "worker": 0,
    "thread": "hpyx-worker-0",
    "submit_ns": 1_000_000_001,
    "start_ns": 1_000_000_500,
    "end_ns": 1_000_002_000,
    "outcome": "value",
    "exception": None,
}


def line(**changes):
    return json.dumps({**RECORD, **changes}) + "\n"


@pytest.fixture
def convert(tmp_path, capsys):
    """Convert lines: (exit code, events, what was printed on stderr)."""

    def converted(*lines):
        source, out = tmp_path / "trace.jsonl", tmp_path / "out.json"
        source.write_bytes("".join(lines).encode("utf-8"))
        status = main(["trace", str(source), "--chrome", str(out)])
        return status, trace_event.read(out), capsys.readouterr().err

    return converted


def of_phase(events, phase):
    return [event for event in events if event["ph"] == phase]


def fan(depth):
    children = [hpyx.async_(fan, depth - 1) for _ in range(3)] if depth else []
    return 1 + sum(child.result() for child in children)


def test_a_real_trace_follows_the_rules_of_the_format(tmp_path):
    source, out = str(tmp_path / "trace.jsonl"), str(tmp_path / "out.json")
    hpyx.debug.enable_tracing(source)
    assert hpyx.async_(fan, 4).result() == 121
    hpyx.async_(int, "x").exception()
    hpyx.debug.disable_tracing()
    done = subprocess.run(
        command("-m", "hpyx", "trace", source, "--chrome", out),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(sizes.SHORT_LIVED),
        timeout=sizes.PATIENCE,
        check=True,
    )
    assert done.stdout.startswith("122 tasks on ")
    events = trace_event.read(out)
    tasks = [event for event in of_phase(events, "X") if event["cat"] == "task"]
    assert len(tasks) == 122 and len(of_phase(events, "s")) == len(of_phase(events, "f")) == 122
    names = {e["args"]["name"] for e in of_phase(events, "M") if e["name"] == "thread_name"}
    assert "MainThread" in names and any(name.startswith("hpyx-worker-") for name in names)


def test_a_task_is_a_slice_on_the_track_of_its_thread(convert):
    status, events, errors = convert(line(name="naïve ☃"))
    (task,) = (event for event in of_phase(events, "X") if event["cat"] == "task")
    assert status == 0 and errors == ""
    assert (task["name"], task["ts"], task["dur"]) == ("naïve ☃", 1000000.5, 1.5)
    assert task["args"]["queued_us"] == 0.499
    tracks = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert tracks[task["tid"]] == "hpyx-worker-0"


def test_an_arrow_leads_from_the_parent_to_its_child(convert):
    child = {"id": 2, "parent": 1, "submitter": "hpyx-worker-0", "thread": "hpyx-worker-1"}
    times = {"submit_ns": 1_000_001_000, "start_ns": 1_000_001_500, "end_ns": 1_000_001_800}
    _, events, _ = convert(line(**child, **times), line())
    (start,) = (event for event in of_phase(events, "s") if event["id"] == 2)
    parent = next(e for e in of_phase(events, "X") if e.get("args", {}).get("id") == 1)
    assert start["tid"] == parent["tid"]
    assert parent["ts"] <= start["ts"] <= parent["ts"] + parent["dur"]


def test_what_never_ran_is_an_instant(convert):
    gone = {"start_ns": None, "thread": None, "worker": None}
    _, events, _ = convert(
        line(outcome="cancelled", **gone), line(id=2, outcome="error", exception="KeyError", **gone)
    )
    names = [event["name"] for event in of_phase(events, "i")]
    assert names == ["f: cancelled", "f: failed before its start"]
    assert of_phase(events, "X") == []


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("{\n", "left out"),
        ("[1]\n", "not an object"),
        (line(end_ns="late"), "'end_ns'"),
        (line(id=True), "'id'"),
        (line(name=None), "'name'"),
        (line(outcome="lost"), "'outcome'"),
        (line(thread=None), "'thread'"),
        (line(end_ns=5), "in this order"),
        ("\n", "left out"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_left_out(convert, bad, what):
    status, events, errors = convert(line(), bad, line(id=3))
    assert status == 1
    assert "trace.jsonl:2: " in errors and what in errors
    assert [event["id"] for event in of_phase(events, "f")] == [1, 3]


def test_a_line_that_is_no_utf_8_is_reported():
    told = []
    out = io.StringIO()
    found = _chrome.convert(
        [b'{"name": "\xff"}\n', line().encode()], out, lambda *a: told.append(a)
    )
    assert found == (1, 2, 1) and told[0][0] == 1


def test_a_last_line_that_was_cut_off_is_no_error(convert):
    status, events, errors = convert(line(), line(id=2)[:40])
    assert status == 0 and "trace.jsonl:2: cut off" in errors
    assert [event["id"] for event in of_phase(events, "f")] == [1]


def test_an_empty_trace_is_a_valid_one(convert):
    status, events, _ = convert()
    assert status == 0 and [event["name"] for event in events] == ["process_name"]


def test_files_that_cannot_be_used_are_an_error(tmp_path, capsys):
    missing, out = str(tmp_path / "missing"), str(tmp_path / "out.json")
    assert main(["trace", missing, "--chrome", out]) == 2
    assert "missing" in capsys.readouterr().err
    source = tmp_path / "trace.jsonl"
    source.write_text(line())
    assert main(["trace", str(source), "--chrome", str(source)]) == 2
    assert source.read_text() == line()
    with pytest.raises(SystemExit) as caught:
        main(["trace", str(source)])
    assert caught.value.code == 2 and "--chrome" in capsys.readouterr().err


def test_the_trace_is_not_read_as_a_whole(tmp_path):
    def lines():
        for number in range(1, 50):
            yield line(id=number).encode()
            assert len(out.getvalue()) > 100 * number, "the output does not follow the input"

    out = io.StringIO()
    assert _chrome.convert(lines(), out, None) == (49, 2, 0)
