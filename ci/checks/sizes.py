"""Files have at most 600 lines (tests 800), lines at most 100 characters."""

from __future__ import annotations

from checks.sources import files, lines_of, name_of

FAST = True
MAX_LINES = 600
MAX_TEST_LINES = 800
MAX_COLUMNS = 100
# A function list reads best with one entry per line, however long.
LONG_LINES_ALLOWED = {".def"}


def check() -> list[str]:
    """Return complaints."""
    complaints = []
    for path in files(".rs", ".c", ".h", ".def", ".py", ".pyi", ".toml", ".sh"):
        lines, name = lines_of(path), name_of(path)
        limit = MAX_TEST_LINES if "tests/" in name else MAX_LINES
        if len(lines) > limit:
            complaints.append(f"{name}: {len(lines)} lines, more than {limit}: split it")
        if path.suffix in LONG_LINES_ALLOWED:
            continue
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                complaints.append(f"{name}:{number}: {len(line)} characters, more than 100")
    return complaints
