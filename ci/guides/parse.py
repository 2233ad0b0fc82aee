"""Find the sections of a document and the blocks of code in each.

Two kinds of document: a notebook, whose cells begin with ``In [...]:``, and the text of a web page,
where nothing marks code but that it is Python. There, a block is what compiles and is more than a
name; a heading is a line by itself that does not end like a sentence.
Called by: ``guides.py``. Threads: none. Errors: none; what is not recognised is prose.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

CELL = re.compile(r"^In \[.*\]:$")
COMMAND = re.compile(r"^(?:[A-Z][A-Z0-9_]*=\S+ )+python \S+$")


@dataclass
class Block:
    """A block of code; ``line`` is where it starts in the document, ``shell`` if not Python."""

    text: str
    line: int
    shell: bool = False


@dataclass
class Section:
    """What stands below one heading, as far as it is code."""

    document: str
    title: str
    line: int
    blocks: list[Block] = field(default_factory=list)


def sections(path: Path) -> list[Section]:
    """Return the sections of the document at *path* that have code, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    name = path.name[:3]
    if any(CELL.match(line) for line in lines):
        found = _of_notebook(name, lines)
    else:
        found = _of_page(name, lines)
    return [section for section in found if section.blocks]


def _of_notebook(name: str, lines: list[str]) -> list[Section]:
    found = [Section(name, "(beginning)", 1)]
    cell: Block | None = None
    for number, line in enumerate(lines, 1):
        if line.startswith("## "):
            cell = None
            found.append(Section(name, line[3:].strip(), number))
        elif CELL.match(line):
            cell = Block("", number + 1)
            found[-1].blocks.append(cell)
        elif cell is not None:
            cell.text += line + "\n"
    return found


def _of_page(name: str, lines: list[str]) -> list[Section]:
    found = [Section(name, "(beginning)", 1)]
    chunks = list(_chunks(lines))
    index = 0
    while index < len(chunks):
        start, chunk = chunks[index]
        index += 1
        skipped = next((n for n in range(len(chunk)) if is_code(chunk[n:])), None)
        longest = index
        if skipped is None or not _complete(chunk[skipped:]):
            longest = 0
        body = chunk[skipped:] if skipped is not None else []
        # Blank lines within a block: take in what follows as long as the whole compiles.
        text = list(body)
        for later in range(index, len(chunks)):
            follower_start, follower = chunks[later]
            if skipped is None or not _continues(text, follower):
                break
            text += [""] * (follower_start - start - skipped - len(text)) + follower
            if _complete(text):
                longest, body = later + 1, list(text)
        if longest:
            index = longest
            block = Block("\n".join(body) + "\n", start + skipped)
            found[-1].blocks.append(block)
        elif any(COMMAND.match(line) for line in chunk):
            found[-1].blocks.append(Block("\n".join(chunk) + "\n", start, shell=True))
        elif _is_heading(chunk):
            found.append(Section(name, chunk[0].strip(), start))
    return found


def _chunks(lines: list[str]):
    """Give (number of the first line, lines) of each run of lines that are not blank."""
    run: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            run.append(line)
        elif run:
            yield number - len(run), run
            run = []


def is_code(lines: list[str]) -> bool:
    """Say whether *lines* begin a block of Python: they compile, or would with a body."""
    if not lines or lines[0][:1].isspace():
        return False
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError as error:
        # An unfinished compound statement: a blank line follows its header or its docstring.
        unfinished = "expected an indented block" in str(error.msg) or "EOF" in str(error.msg)
        return unfinished and bool(re.match(r"(async |def |class |with |for |try|if )", lines[0]))
    if not tree.body:
        return all(line.startswith("#") for line in lines)
    return not all(_is_words(node, lines) for node in tree.body)


WORDS = (ast.Name, ast.Attribute, ast.BoolOp, ast.Compare, ast.BinOp, ast.Load, ast.operator)
WORDS += (ast.boolop, ast.cmpop)


def _is_words(node: ast.stmt, lines: list[str]) -> bool:
    """Say whether *node* is mere words, as in a heading: ``this and that (more)``."""
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Call) and re.match(r"\w+ \(", lines[node.lineno - 1]):
        return True
    return all(isinstance(part, WORDS) for part in ast.walk(node.value))


def _complete(lines: list[str]) -> bool:
    try:
        compile("\n".join(lines), "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    return True


def _continues(text: list[str], follower: list[str]) -> bool:
    """Say whether *follower*, after a blank line, may belong to the block *text*."""
    if follower[0][:1].isspace():
        return not follower[0].lstrip().startswith(("•", "1.", "2."))
    return is_code(follower)


def _is_heading(chunk: list[str]) -> bool:
    return len(chunk) == 1 and not chunk[0].rstrip().endswith((".", ":", ",", ";", "!"))
