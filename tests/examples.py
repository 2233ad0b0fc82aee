"""The examples of README and docs: which there are, and how a page of them is run.

The Python blocks of a page run in order, in one process. Where ``print(...)`` has a comment behind
it, on one line, the comment is what it prints.
Errors: AssertionError with the page, the line, and what was printed instead.
"""

import pathlib
import re

from child import run_clean, run_clean_life

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
OTHERS = ("numpy", "dask", "joblib", "tqdm", "rich")

PROGRAM = """
import builtins, io, sys

blocks, shown = {blocks!r}, {shown!r}
said = {{}}
show = builtins.print

def record(*args, **kwargs):
    frame = sys._getframe(1)
    if frame.f_code.co_filename == {page!r}:
        text = io.StringIO()
        show(*args, **dict(kwargs, file=text))
        said[frame.f_lineno] = text.getvalue().rstrip()
    else:
        show(*args, **kwargs)  # traceback prints, too

builtins.print = record
space = {{"__name__": "__main__"}}
for text in blocks:
    exec(compile(text, {page!r}, "exec"), space)
builtins.print = show  # it may print tracebacks, too
wrong = ["%s:%d printed %r, not %r" % ({page!r}, line, said.get(line), text)
         for line, text in shown.items() if said.get(line) != text]
assert not wrong, wrong
"""


def pages():
    """Return the pages with Python in them, by name."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {p.relative_to(ROOT).as_posix(): p for p in found if BLOCK.search(p.read_text("utf-8"))}


def blocks_of(path):
    """Return the blocks of *path*, each with empty lines before it: line numbers are the page's."""
    text = path.read_text("utf-8")
    found = BLOCK.finditer(text)
    return ["\n" * text[: match.start(1)].count("\n") + match.group(1) for match in found]


def needs_others(path):
    """Whether the page imports packages that hpyx does without."""
    return any(re.search(r"^import (%s)" % "|".join(OTHERS), b, re.M) for b in blocks_of(path))


def stated(blocks):
    """Return line -> text of the outcomes that comments state."""
    found = {}
    for block in blocks:
        for number, line in enumerate(block.splitlines(), 1):
            match = re.match(r"\s*print\(.*\)\s+# (.+)$", line)
            if match:
                found[number] = match.group(1)
    return found


def run_page(name, path, warnings="error"):
    """Run the examples of a page in a process, or a life, of its own."""
    blocks = blocks_of(path)
    program = PROGRAM.format(blocks=blocks, shown=stated(blocks), page=name)
    if warnings == "error":
        run_clean_life(program)
    else:
        run_clean(program, warnings=warnings)
    return len(stated(blocks))
