"""A second interpreter in the process: a runtime of its own or a clear ImportError, no crash.

The scripts report through the file descriptor of stdout, as a second interpreter has its own
sys.stdout.
"""

import pytest

from child import run_clean
from skips import needs

pytestmark = needs("subinterpreters")

PRELUDE = """
import os, sys, textwrap
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

USE = textwrap.dedent('''
    import os
    try:
        import hpyx
        outcome = "worked" if hpyx.async_(abs, -1).result() == 1 else "wrong result"
        hpyx.shutdown()
    except ImportError as error:
        outcome = "refused" if "interpreter" in str(error) else "unclear: " + str(error)
    os.write(1, (outcome + "\\\\n").encode())
''')

def run(identifier, code):
    problem = interpreters.run_string(identifier, code)
    assert problem is None, problem

"""
BEFORE = "import hpyx\nassert hpyx.async_(abs, -2).result() == 2\n"
ROUND = """
for _ in range(2):
    identifier = interpreters.create()
    run(identifier, USE)
    interpreters.destroy(identifier)
"""
AFTER = "import hpyx\nassert hpyx.async_(abs, -3).result() == 3\n"


@pytest.mark.parametrize("before", ["", BEFORE], ids=["fresh", "in use"])
def test_a_second_interpreter_works_or_is_refused_clearly(before):
    script = PRELUDE + before + ROUND + AFTER
    outcomes = run_clean(script, warnings="default").split()
    assert outcomes in (["worked"] * 2, ["refused"] * 2)


def test_the_first_interpreter_works_while_a_second_one_lives():
    script = PRELUDE + BEFORE + "identifier = interpreters.create()\nrun(identifier, USE)\n" + AFTER
    script += "interpreters.destroy(identifier)\n" + AFTER
    assert run_clean(script, warnings="default").strip() in ("worked", "refused")
