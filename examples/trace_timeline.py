#!/usr/bin/env python3
"""Draw a trace as an SVG picture: one row per thread, one bar per task.

    HPYX_TRACE_PATH=trace.jsonl python examples/stdlib_census.py --limit 60
    python examples/trace_timeline.py trace.jsonl timeline.svg [--last 43] [--width 960]

A task that runs on the stack of the one that waits for it is drawn below that one. Standard library
only. For large traces use a viewer: see docs/tracing.md.
"""

import argparse
import json
from xml.sax.saxutils import escape, quoteattr

LEFT, ROW, BAR, TOP = 130, 16, 13, 26
COLORS = ("#2a9d8f", "#e9c46a", "#f4a261", "#8ab17d", "#457b9d", "#b5838d")
FAILED = "#d62828"
STYLE = (
    "text{font:11px sans-serif;fill:#444}.g{stroke:#bbb;stroke-width:.5}"
    "rect{stroke:#fff;stroke-width:.4}"
)


def read(path):
    """Return the records of the tasks that ran, by their starts."""
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    ran = [record for record in records if record["start_ns"] is not None]
    return sorted(ran, key=lambda record: (record["start_ns"], -record["end_ns"]))


def with_depths(records):
    """Return thread -> list of (depth, record): how many tasks lie below on the thread's stack."""
    threads = {}
    for record in records:
        rows = threads.setdefault(record["thread"], ([], []))
        below, placed = rows
        while below and below[-1] <= record["start_ns"]:
            below.pop()
        placed.append((len(below), record))
        below.append(record["end_ns"])
    return {name: placed for name, (_, placed) in sorted(threads.items())}


def draw(records, width):
    """Return the picture as text."""
    began = records[0]["start_ns"]
    scale = (width - LEFT - 10) / (max(record["end_ns"] for record in records) - began)
    names = list(dict.fromkeys(record["name"] for record in records))
    color = {name: COLORS[index % len(COLORS)] for index, name in enumerate(names)}
    parts, y = [], TOP
    for thread, placed in with_depths(records).items():
        parts.append(f'<text x="6" y="{y + 11}">{escape(thread)}</text>')
        for depth, record in placed:
            x = LEFT + (record["start_ns"] - began) * scale
            length = max(0.5, (record["end_ns"] - record["start_ns"]) * scale)
            fill = FAILED if record["outcome"] == "error" else color[record["name"]]
            parts.append(
                f'<rect x="{x:.1f}" y="{y + depth * ROW}" width="{length:.1f}" height="{BAR}" '
                f"fill={quoteattr(fill)}><title>{escape(record['name'])}: "
                f"{(record['end_ns'] - record['start_ns']) / 1e6:.3f} ms</title></rect>"
            )
        y += (1 + max(depth for depth, _ in placed)) * ROW + 8
    legend = [
        f'<rect x="{LEFT + 170 * index}" y="6" width="10" height="10" fill="{color[name]}"/>'
        f'<text x="{LEFT + 170 * index + 14}" y="15">{escape(name)}</text>'
        for index, name in enumerate(names[: len(COLORS)])
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 24}">',
            f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            *legend,
            *_axis(width, y, 1e6 * scale),
            *parts,
            "</svg>\n",
        ]
    )


def _axis(width, y, per_millisecond):
    """Lines at round numbers of milliseconds, some ten of them."""
    span = (width - LEFT - 10) / per_millisecond
    step = next(
        (n * 10**power for power in range(-3, 9) for n in (1, 2, 5) if n * 10**power * 10 >= span),
        span,
    )
    lines, at = [], 0
    while at <= span:
        x = LEFT + at * per_millisecond
        lines.append(f'<line class="g" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{y}"/>')
        lines.append(f'<text x="{x:.1f}" y="{y + 14}">{at:g} ms</text>')
        at += step
    return lines


def main():
    """Read the arguments, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace")
    parser.add_argument("picture")
    parser.add_argument("--last", type=int, help="only the so many tasks that started last")
    parser.add_argument("--width", type=int, default=960)
    options = parser.parse_args()
    records = read(options.trace)[-(options.last or 0) :]
    if not records:
        parser.error(f"{options.trace}: no task in it ran")
    with open(options.picture, "w", encoding="utf-8") as file:
        file.write(draw(records, options.width))


if __name__ == "__main__":
    main()
