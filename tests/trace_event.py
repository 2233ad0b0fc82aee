"""A strict reader of Chrome's trace-event JSON, after the public description of the format.

Called by: test_trace_chrome.py. It checks what viewers rely on: the keys of each phase, the nesting
of complete events on a track, both ends of each flow, and that a flow starts inside a slice.
"""

import json

_TIMED = {"ph": str, "name": str, "pid": int, "tid": int, "ts": (int, float)}
_PHASES = {
    "M": {"ph": str, "name": str, "pid": int, "tid": int, "args": dict},
    "X": {**_TIMED, "cat": str, "dur": (int, float)},
    "i": {**_TIMED, "s": str, "args": dict},
    "s": {**_TIMED, "cat": str, "id": int},
    "f": {**_TIMED, "cat": str, "id": int, "bp": str},
}
_METADATA = {"process_name": ("name", str), "thread_name": ("name", str)}
_METADATA["thread_sort_index"] = ("sort_index", int)
_SLACK = 1e-3  # a nanosecond: times are microseconds in floating point


def read(path):
    """Return the events of a file; raise AssertionError where it breaks a rule."""
    with open(path, encoding="utf-8") as file:
        trace = json.load(file)
    assert isinstance(trace, dict) and trace["displayTimeUnit"] in ("ms", "ns")
    events = trace["traceEvents"]
    for event in events:
        _check_event(event)
    slices = _check_nesting(events)
    _check_flows(events, slices)
    return events


def _check_event(event):
    keys = _PHASES[event["ph"]]
    for key, kind in keys.items():
        assert isinstance(event.get(key), kind), (key, event)
    assert set(event) <= set(keys) | {"args"}, event
    if event["ph"] == "M":
        key, kind = _METADATA[event["name"]]
        assert isinstance(event["args"][key], kind), event
    elif event["ph"] == "X":
        assert event["ts"] >= 0 and event["dur"] >= 0, event
    elif event["ph"] == "i":
        assert event["s"] in ("g", "p", "t"), event
    elif event["ph"] == "f":
        assert event["bp"] == "e", event


def _check_nesting(events):
    """Slices of one track lie side by side or inside each other."""
    tracks = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault(event["tid"], []).append((event["ts"], -event["dur"]))
    for slices in tracks.values():
        ends = []
        for start, minus_duration in sorted(slices):
            end = start - minus_duration
            while ends and ends[-1] <= start + _SLACK:
                ends.pop()
            assert not ends or end <= ends[-1] + 2 * _SLACK, (start, end, ends)
            ends.append(end)
    return tracks


def _check_flows(events, slices):
    flows = {}
    for event in events:
        if event["ph"] in "sf":
            flows.setdefault((event["cat"], event["id"]), {})[event["ph"]] = event
    for ends in flows.values():
        assert set(ends) == {"s", "f"}, ends
        assert ends["s"]["ts"] <= ends["f"]["ts"], ends
        for end in ends.values():
            assert any(
                start - _SLACK <= end["ts"] <= start - minus_duration + _SLACK
                for start, minus_duration in slices[end["tid"]]
            ), ("no slice to start from or end in", end)
