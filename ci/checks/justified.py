"""Each ``unsafe`` has its ``SAFETY:``, each atomic ordering but Relaxed its ``ORDER:`` comment.

Either on the line itself or within the five lines above. An ``unsafe fn`` and an ``unsafe trait``
say ``# Safety`` in their documentation instead, which clippy checks; foreign declarations and
function types are promises of others. Tests and loom models are left out.
"""

from __future__ import annotations

import re

from checks.sources import files, first_test_line, is_test, lines_of, name_of, rust_code

FAST = True
REACH = 5
UNSAFE = re.compile(r"\bunsafe\s*(?:\{|impl\b|$)")
ORDERING = re.compile(r"\b(?:Acquire|Release|AcqRel|SeqCst)\b")


def check() -> list[str]:
    """Return complaints."""
    complaints = []
    for path in files(".rs", generated=True):
        if is_test(path):
            continue
        lines, end = lines_of(path), first_test_line(path)
        for number, code in rust_code(path):
            if number >= end:
                break
            nearby = "\n".join(lines[max(0, number - 1 - REACH) : number])
            where = f"{name_of(path)}:{number}"
            if UNSAFE.search(code) and "SAFETY:" not in nearby:
                complaints.append(f"{where}: unsafe without a SAFETY: comment")
            if re.match(r"\s*(?:pub(?:\(\w+\))? )?use\b", code):
                continue
            if ORDERING.search(code) and "ORDER:" not in nearby:
                complaints.append(f"{where}: atomic ordering without an ORDER: comment")
    return complaints
