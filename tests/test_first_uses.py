"""Parts of the interpreter that are used for the first time while the pool idles, waits and is
waited for.

Some interpreters bring every thread to a halt for that; a thread that waits where it cannot be
reached would hang the whole process. Each test runs in a process of its own, in which nothing has
been used before, and which must say that it came through within the time that guards against hangs.
"""

import textwrap

import pytest

from child import run_clean

FIRST_USES = """
    import gc, threading
    def use_everything():
        import re, json, zlib, ssl, ctypes, decimal, unicodedata, socket
        assert re.match("a+", "aaa") and json.loads("[1]") == [1]
        assert zlib.decompress(zlib.compress(b"hpyx")) == b"hpyx"
        assert ssl.create_default_context() and ctypes.c_int(3).value == 3
        assert decimal.Decimal("0.1") * 10 == 1 and unicodedata.name("a")
        socket.socket().close()
        threads = [threading.Thread(target=gc.collect) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
"""

WHILE = {
    "workers idle": """
        import hpyx
        assert hpyx.async_(abs, -1).result() == 1
        use_everything()
    """,
    "workers wait": """
        import hpyx
        gate = threading.Event()
        held = [hpyx.async_(gate.wait) for _ in range(4)]
        waiting = [hpyx.async_(lambda: held[0].result()) for _ in range(4)]
        use_everything()
        gate.set()
        assert all(future.result() for future in held + waiting)
    """,
    "threads wait": """
        import hpyx
        gate = threading.Event()
        held = hpyx.async_(gate.wait)
        seen = []
        waiters = [threading.Thread(target=lambda: seen.append(held.result())) for _ in range(16)]
        for waiter in waiters:
            waiter.start()
        use_everything()
        gate.set()
        for waiter in waiters:
            waiter.join()
        assert seen == [True] * 16
    """,
    "a task uses them": """
        import hpyx
        held = threading.Event()
        waiting = hpyx.async_(held.wait)
        hpyx.async_(use_everything).result()
        held.set()
        assert waiting.result()
    """,
}


@pytest.mark.parametrize("moment", sorted(WHILE))
def test_first_uses_of_the_interpreter_s_parts_never_hang(moment):
    source = textwrap.dedent(FIRST_USES) + textwrap.dedent(WHILE[moment]) + "print('through')\n"
    assert run_clean(source, env={"HPYX_OS_THREADS": "2"}, warnings="ignore") == "through\n"
