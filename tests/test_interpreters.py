"""A second interpreter in the process: a runtime of its own or a clear ImportError, no crash.

The scripts report through the file descriptor of stdout, as a second interpreter has its own
sys.stdout.
"""

import textwrap

import pytest

from child import run_clean, run_python
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


def test_interpreters_that_take_turns_keep_their_futures_apart():
    burst = """
import hpyx
for _ in range(3):
    futures = [hpyx.async_(int, index) for index in range(2_000)]
    assert sum([future.result() for future in futures]) == 1_999_000
del futures
"""
    script = (
        PRELUDE
        + f"BURST = {burst!r}"
        + textwrap.dedent("""
        identifier = interpreters.create()
        for _ in range(3):
            exec(BURST)
            run(identifier, BURST)
        interpreters.destroy(identifier)
        exec(BURST)
    """)
    )
    run_clean(script, warnings="default")


def test_a_task_that_ends_another_interpreter_stays_one_of_its_own_pool():
    """The thread that ends an interpreter finishes the work that is left in it."""
    script = PRELUDE + textwrap.dedent("""
        import hpyx
        def task():
            identifier = interpreters.create()
            run(identifier, "import hpyx; hpyx.async_(abs, -1).result(); hpyx.async_(abs, -2)")
            interpreters.destroy(identifier)
            return hpyx.async_(abs, -3).result()
        hpyx.init(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
        print(hpyx.async_(task).result(), hpyx.async_(abs, -4).result())
    """)
    # CPython 3.13.0 itself may complain of how threads of the other interpreter end.
    result = run_python(script)
    assert (result.returncode, result.stdout) == (0, "3 4\n")
    assert "context object" not in result.stderr
