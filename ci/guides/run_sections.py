"""Run the plans of many sections in this process, each in a life of its own.

    python run_sections.py LIVES_PY < REQUESTS > ANSWERS

For interpreters that take seconds to start. LIVES_PY is the ``lives.py`` of the tests, which says
what a life is: the package is imported anew, has a runtime of its own, and ends as a process ends.
Here it begins with the modules, the ``print`` and the warnings of a fresh interpreter, too.
A request is a line of JSON: ``{"plan": PLAN, "env": {...}}``, see ``run_section.py``. Its answer is
one, too: [stdout, stderr, exit status].
Called by: ``shared.py``. Threads: the main thread.
"""

import builtins
import importlib.util
import json
import os
import sys
import warnings


def load(path):
    """Return the module in the file at *path*, without its folder on the path of imports."""
    spec = importlib.util.spec_from_file_location("lives", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """Serve until there are no more requests."""
    lives = load(sys.argv[1])
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run_section.py")
    with open(program, encoding="utf-8") as file:
        source = file.read()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    known, print_, filters = set(sys.modules), builtins.print, list(warnings.filters)
    for line in sys.stdin:
        request = json.loads(line)
        sys.argv = [program, json.dumps(request["plan"])]
        answer = lives.live(source, request["env"])
        for name in set(sys.modules) - known:
            del sys.modules[name]
        builtins.print, warnings.filters[:] = print_, filters
        print_(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
