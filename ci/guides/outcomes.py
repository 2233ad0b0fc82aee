"""Read the outcomes that comments state: ``print(x)  # 42``, ``f()  # raises ValueError("no")``.

A comment counts when it stands behind a statement that is an expression, or right below it. What
it says is a text that is printed, a literal that the expression gives, or an exception. Comments
that say something else must be in the table ``PROSE`` of ``exceptions.py``: nothing is overlooked.
Called by: ``guides.py``. Errors: none; an unknown comment is returned as such.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Any

RAISES = re.compile(r"^(?:raises )?([A-Z]\w*(?:Error|Exception))(?:\((.*)\)|: (.*))?$")
ENDS = (" (", " — ", "; ")


def outcomes(block: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what *block* states, ready for ``run_section.py``, and the comments left over."""
    tree = compile(block, "block", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    comments = _comments(block)
    stated, unknown = [], []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr):
            continue
        text = _comment_of(node, comments)
        if not text:
            continue
        outcome = _read(text, _prints(node))
        if outcome is None:
            unknown.append(text)
        else:
            stated.append({"first": node.lineno, "last": node.end_lineno, "text": text, **outcome})
    return stated, unknown


def _comments(block: str) -> dict[int, tuple[bool, str]]:
    """Return line -> (whether the comment is alone on its line, its text)."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(block).readline):
        if token.type == tokenize.COMMENT:
            alone = token.line.lstrip().startswith("#")
            found[token.start[0]] = (alone, token.string.lstrip("# ").rstrip())
    return found


def _comment_of(node: ast.Expr, comments: dict[int, tuple[bool, str]]) -> str:
    last = node.end_lineno or node.lineno
    behind = [comments[last][1]] if last in comments else []
    below = []
    line = last + 1
    while line in comments and comments[line][0]:
        below.append(comments[line][1])
        line += 1
    return " ".join(behind or below)


def _prints(node: ast.Expr) -> bool:
    call = node.value
    return (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
    )


def _read(text: str, prints: bool) -> dict[str, Any] | None:
    if text.startswith("Output: "):
        return {"kind": "print", "expected": text[len("Output: ") :]}
    text = text.removeprefix("→").strip()
    raised = RAISES.match(text)
    if raised:
        name, quoted, plain = raised.groups()
        message = ast.literal_eval(quoted) if quoted else plain
        return {"kind": "raises", "expected": name, "message": message}
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        literal = repr(text[1:-1])
    else:
        literal = _literal(text)
    if literal is None:
        return None
    if prints:
        return {"kind": "print", "expected": str(ast.literal_eval(literal))}
    return {"kind": "value", "expected": literal}


def _literal(text: str) -> str | None:
    """Return the longest literal that *text* begins with, up to where an explanation may begin."""
    cuts = [len(text), *(text.find(end) for end in ENDS)]
    for cut in sorted((cut for cut in cuts if cut > 0), reverse=True):
        try:
            ast.literal_eval(text[:cut])
        except (SyntaxError, ValueError):
            continue
        return text[:cut]
    return None
