"""Run the blocks of one section, in order, in this process; print what became of them as JSON.

    python run_section.py PLAN_AS_JSON

Runs on every interpreter, with hpyx installed and the tree out of sight. The blocks are run as
they are printed; where an outcome is stated, the statement keeps its value or its exception aside.
The last line of stdout is the answer: {"problems": [...], "printed": "..."}.
"""

import ast
import asyncio
import builtins
import concurrent.futures
import contextlib
import io
import json
import os
import sys
import traceback
import warnings

FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
ASIDE = "_outcome_at_"


class Aside(ast.NodeTransformer):
    """Put values and exceptions of the statements in *lines* aside, under ``_outcome_at_``."""

    def __init__(self, lines):
        self.lines = lines

    def visit_Expr(self, node):  # noqa: D102
        kind = self.lines.get(node.lineno)
        if kind == "value":
            target = ast.parse(f"{ASIDE}[{node.lineno}] = 0").body[0]
            target.value = node.value
            return ast.fix_missing_locations(ast.copy_location(target, node))
        if kind == "raises":
            guard = ast.parse(
                f"try: 0\nexcept BaseException as _e: {ASIDE}[{node.lineno}] = _e"
            ).body[0]
            guard.body = [node]
            for handler in guard.handlers:
                ast.increment_lineno(handler, node.lineno - 2)
            return ast.fix_missing_locations(ast.copy_location(guard, node))
        return node


def compiled(tree, name, flags):
    """Return the code of the block *tree*; where there is no top-level await, in a coroutine."""
    try:
        return compile(tree, name, "exec", FLAGS | flags)
    except SyntaxError as error:
        if "'await' outside function" not in str(error):
            raise
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.name for node in tree.body if hasattr(node, "name")}
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names |= {(a.asname or a.name).split(".")[0] for node in imports for a in node.names}
    lines = ["async def _block():", " global " + ", ".join(sorted(names)), "_running = _block()"]
    outer = ast.parse("\n".join(lines))
    outer.body[0].body += tree.body
    return compile(outer, name, "exec", flags)


class Recorder:
    """Stands in for ``print``: prints, and keeps what each line of a block printed last."""

    def __init__(self, real):
        self.real = real
        self.printed = {}

    def __call__(self, *args, **kwargs):  # noqa: D102
        frame = sys._getframe(1)
        if frame.f_code.co_filename.startswith("block "):
            text = io.StringIO()
            self.real(*args, **dict(kwargs, file=text))
            key = (frame.f_code.co_filename, frame.f_lineno)
            self.printed[key] = text.getvalue().rstrip("\n")
        self.real(*args, **kwargs)


def run_block(name, block, space, flags):
    """Run one block; return the problems."""
    stated = block["stated"]
    aside = space[ASIDE] = {}
    tree = compile(block["text"], name, "exec", ast.PyCF_ONLY_AST | FLAGS | flags)
    tree = Aside({o["first"]: o["kind"] for o in stated if o["kind"] != "print"}).visit(tree)
    try:
        result = eval(compiled(tree, name, flags), space) or space.pop("_running", None)
        if asyncio.iscoroutine(result):
            asyncio.run(result)
    except BaseException as error:
        if block["raises"] and block["raises"] in [c.__name__ for c in type(error).__mro__]:
            return []
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        return [f"{name}: {''.join(lines)}"]
    if block["raises"]:
        return [f"{name}: {block['raises']} was to be raised"]
    problems = []
    for outcome in stated:
        problem = check(name, outcome, aside)
        if problem:
            problems.append(
                f"{name}, line {outcome['first']}: {problem}; stated: {outcome['text']}"
            )
    return problems


def check(name, outcome, aside):
    """Return what is not as *outcome* states, or None."""
    kind, expected, line = outcome["kind"], outcome["expected"], outcome["first"]
    if kind == "print":
        lines = range(line, outcome["last"] + 1)
        texts = [print.printed[name, n] for n in lines if (name, n) in print.printed]
        return None if texts == [expected] else f"printed {texts}"
    if line not in aside:
        return "was not reached" if kind == "value" else "raised nothing"
    found = aside[line]
    if kind == "value":
        return None if found == ast.literal_eval(expected) else f"gave {found!r}"
    if expected not in [c.__name__ for c in type(found).__mro__]:
        return f"raised {found!r}"
    message = outcome["message"]
    return None if message is None or str(found) == message else f"raised with the text {found}"


def swap_executors(kind):
    """Let both executors of concurrent.futures be hpyx's, or the thread pool (*kind* "stdlib")."""
    if kind == "hpyx":
        import hpyx

        chosen = hpyx.HPXExecutor
    else:
        chosen = concurrent.futures.ThreadPoolExecutor
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.ProcessPoolExecutor = chosen


def main():
    """Do what the plan says."""
    plan = json.loads(sys.argv[1])
    flags = 0
    if plan["executor"]:
        swap_executors(plan["executor"])
        warnings.simplefilter("ignore", UserWarning)
    if plan["annotations_as_text"]:
        import __future__

        flags = __future__.annotations.compiler_flag
    space = {"__name__": "__main__"}
    exec(compile(plan["preamble"], "preamble", "exec"), space)
    builtins.print = Recorder(builtins.print)
    printed = io.StringIO()
    problems = []
    with contextlib.redirect_stdout(printed):
        for number, block in enumerate(plan["blocks"]):
            problems += run_block(f"block {number} (line {block['line']})", block, space, flags)
            if problems:
                break
        space["printed"], space["seen"] = printed.getvalue(), printed.getvalue
        for condition in () if problems else plan["checks"]:
            if not eval(condition, space):
                problems.append(f"not so: {condition}; printed:\n{space['printed']}")
    answer = {"problems": problems, "printed": printed.getvalue()}
    sys.stdout.flush()
    os.write(1, (json.dumps(answer) + "\n").encode())


if __name__ == "__main__":
    main()
