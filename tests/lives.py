"""Lives: scripts that run one after the other in one process, each as if in one of its own.

Owns: what a life is. Each imports the package anew, which makes a runtime of its own, and is ended
as a process ends: callbacks of the exit, threads joined. What only the real end of a process shows
is not for here (test_exit.py). Called by: `child`, where starting an interpreter takes seconds.
Threads: the main thread of the child.
"""

import atexit
import os
import sys
import tempfile
import threading
import traceback


def live(source, env):
    """Run *source* with the variables *env*; return its stdout, stderr and exit status."""
    environment = dict(os.environ)
    os.environ.update(env)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        kept = [(number, os.dup(number)) for number in (1, 2)]
        os.dup2(stdout.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
        try:
            status = _run(source)
            _end()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
            os.environ.clear()
            os.environ.update(environment)
            _forget_package()
        return _text(stdout), _text(stderr), status


def _run(source):
    try:
        exec(compile(source, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end():
    callbacks = threading._threading_atexits
    while callbacks:
        callbacks.pop()()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()


def _forget_package():
    for name in list(sys.modules):
        if name.split(".")[0] == "hpyx" or name.startswith("test_"):
            del sys.modules[name]


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")
