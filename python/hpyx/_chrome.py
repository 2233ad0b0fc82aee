"""Traces as Chrome trace-event JSON, which Perfetto and chrome://tracing open.

Owns: the conversion, line by line, so that a trace may be larger than the memory. Called by:
``__main__``. A task becomes a slice ("X") on the track of its thread, and an arrow ("s", "f") from
where it was submitted; one that never ran, an instant ("i") on the track of its submitter.
Errors: a line that is no record of a task is reported with its number and left out; the last one
may have been cut off by the end of the process.
"""

import json
import os
import sys

PID = 1
_TEXTS = ("name", "submitter", "outcome")
_NUMBERS = ("id", "submit_ns", "end_ns")
_OUTCOMES = ("value", "error", "cancelled")


def run(path, out_path):
    """Convert *path* into *out_path*; print what happened, and return the exit code."""
    try:
        if os.path.exists(out_path) and os.path.samefile(path, out_path):
            print(f"{out_path}: would be overwritten while it is read", file=sys.stderr)
            return 2
        with open(path, "rb") as lines, open(out_path, "w", encoding="utf-8") as out:
            tasks, threads, bad = convert(lines, out, _reporter(path))
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{tasks} tasks on {threads} threads: open {out_path} in https://ui.perfetto.dev")
    return 1 if bad else 0


def _reporter(path):
    def report(number, what):
        print(f"{path}:{number}: {what}", file=sys.stderr)

    return report


def convert(lines, out, report):
    """Write the trace of *lines* (bytes) into the text file *out*.

    report: called with the number of a line that is left out, and what is wrong with it.
    Returns: (tasks, threads, bad lines); a last line that was cut off is no bad one.
    """
    converter = _Converter(out)
    tasks = bad = 0
    for number, line in enumerate(lines, 1):
        try:
            record = checked(line)
        except ValueError as error:
            is_cut_off = not line.endswith(b"\n")
            report(number, "cut off, left out" if is_cut_off else f"left out: {error}")
            bad += not is_cut_off
            continue
        converter.add(record)
        tasks += 1
    converter.finish()
    return tasks, len(converter.tracks), bad


def checked(line):
    """Return the record in a line of a trace; raise ValueError if there is none."""
    record = json.loads(line.decode("utf-8"))  # its errors are ValueErrors
    if not isinstance(record, dict):
        raise ValueError("not an object")
    numbers, texts = list(_NUMBERS), list(_TEXTS)
    if record.get("start_ns") is not None:
        numbers.append("start_ns")
        texts.append("thread")
    for key in numbers:
        if type(record.get(key)) is not int or record[key] < 0:
            raise ValueError(f"{key!r} is not a number: {record.get(key)!r}")
    for key in texts:
        if not isinstance(record.get(key), str):
            raise ValueError(f"{key!r} is not a text: {record.get(key)!r}")
    if record["outcome"] not in _OUTCOMES:
        raise ValueError(f"'outcome' is {record['outcome']!r}, expected one of {_OUTCOMES}")
    times = [record[key] for key in ("submit_ns", "start_ns", "end_ns") if key in numbers]
    if times != sorted(times):
        raise ValueError(f"submission, start and end are not in this order: {times}")
    return record


class _Converter:
    """Writes events; knows the tracks."""

    def __init__(self, out):
        self.tracks = {}
        self._write = out.write
        self._separator = ""
        self._write('{"displayTimeUnit": "ns", "traceEvents": [')
        self._event("M", "process_name", 0, args={"name": "hpyx"})

    def finish(self):
        self._write("\n]}\n")

    def add(self, record):
        name, submitter = record["name"], self._track(record["submitter"])
        submitted, start = record["submit_ns"], record.get("start_ns")
        if start is None:
            label = "cancelled" if record["outcome"] == "cancelled" else "failed before its start"
            self._event(
                "i", f"{name}: {label}", submitter, record["end_ns"], s="t", args=_details(record)
            )
            return
        track = self._track(record["thread"])
        duration = _microseconds(record["end_ns"] - start)
        self._event("X", name, track, start, cat="task", dur=duration, args=_details(record))
        if record.get("parent") is None:  # an arrow needs a slice to start from
            self._event("X", "submit", submitter, submitted, cat="submit", dur=_microseconds(1))
        identity = {"cat": "submit", "id": record["id"]}
        self._event("s", "submit", submitter, submitted, **identity)
        self._event("f", "submit", track, start, bp="e", **identity)

    def _track(self, name):
        track = self.tracks.get(name)
        if track is None:
            track = self.tracks[name] = len(self.tracks) + 1
            self._event("M", "thread_name", track, args={"name": name})
            self._event("M", "thread_sort_index", track, args={"sort_index": _rank(name)})
        return track

    def _event(self, phase, name, track, time=None, **more):
        event = {"ph": phase, "name": name, "pid": PID, "tid": track}
        if time is not None:
            event["ts"] = _microseconds(time)
        event.update(more)
        self._write(self._separator + "\n" + json.dumps(event))
        self._separator = ","


def _microseconds(nanoseconds):
    """The unit of the format; a float is exact to the nanosecond for a hundred days."""
    return nanoseconds / 1000


def _details(record):
    details = {key: record.get(key) for key in ("id", "parent", "outcome", "submitter", "worker")}
    if record.get("exception") is not None:
        details["exception"] = record["exception"]
    if record.get("start_ns") is not None:
        details["queued_us"] = _microseconds(record["start_ns"] - record["submit_ns"])
    return details


def _rank(name):
    """Workers first, in order, then spares; before them the threads of the user."""
    kind, _, number = name.rpartition("-")
    if kind == "hpyx-worker" and number.isdecimal():
        return 1000 + int(number)
    return 100_000 if kind == "hpyx-spare" else 0
