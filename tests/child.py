"""Child interpreters for what needs a process of its own: configuration, exit, fork, crashes.

Owns: `run_python` (one script, one process), `run_life` (the same, but on some interpreters, where
start-up takes seconds, such scripts share a process: see `lives`) and `Server` (one process that
calls many functions of the test modules, for tests that share a configuration). All strip HPYX_*
from the environment, make warnings errors, and turn a time-out into a failure that shows where
every thread of the child stood.
Threads: a Server is used by one thread at a time.
Errors: AssertionError with all output of the child.
"""

import collections
import contextlib
import importlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import traceback
import warnings as warnings_module

import lives
import sizes

TESTS = os.path.dirname(os.path.abspath(__file__))
Result = collections.namedtuple("Result", "stdout stderr returncode")


def environment(extra=None):
    """Return this process's environment without the variables of hpyx, plus *extra*."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HPYX_")}
    own.update(extra or {})
    return own


def command(*arguments, warnings="error"):
    return [sys.executable, "-X", "faulthandler", "-W", warnings] + list(arguments)


def make_it_tell(process):
    """Ask a hanging *process* for the stacks of its threads, and end it."""
    tell = "SIGQUIT" if sizes.IMPLEMENTATION == "graalpy" else "SIGABRT"
    with contextlib.suppress(OSError, AttributeError):
        process.send_signal(getattr(signal, tell))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    with contextlib.suppress(OSError):
        process.kill()


def run_python(source, *, env=None, timeout=None, warnings="error"):
    """Run *source* in a fresh interpreter; return its stdout, stderr and returncode."""
    timeout = sizes.PATIENCE if timeout is None else timeout
    process = subprocess.Popen(
        command("-c", textwrap.dedent(source), warnings=warnings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env=environment({**sizes.SHORT_LIVED, **(env or {})}),
        cwd=TESTS,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        make_it_tell(process)
        stdout, stderr = process.communicate()
        message = "still running after {} s\n--- stdout\n{}\n--- stderr\n{}"
        raise AssertionError(message.format(timeout, stdout, stderr)) from None
    return Result(stdout, stderr, process.returncode)


def run_life(source, *, env=None):
    """Run *source* in an interpreter, or a life, of its own; return what `run_python` returns."""
    if not sizes.LIVES_SHARE_A_PROCESS:
        return run_python(source, env=env)
    return Result(*_lives.call(lives.live, textwrap.dedent(source), env or {}))


def close_lives():
    """End the process of the lives; it must end clean."""
    _lives.close()


def run_clean(source, *, returncode=0, **options):
    """Run *source*; return its stdout. It must end with *returncode* and an empty stderr."""
    return _checked(run_python(source, **options), returncode)


def run_clean_life(source, *, returncode=0, env=None):
    """The same as `run_clean`, by `run_life`."""
    return _checked(run_life(source, env=env), returncode)


def _checked(result, returncode):
    if result.returncode != returncode or result.stderr:
        message = "exit status {0.returncode}\n--- stdout\n{0.stdout}\n--- stderr\n{0.stderr}"
        raise AssertionError(message.format(result))
    return result.stdout


class Server:
    """A child interpreter, begun with ``hpyx.init(**init)``, that calls functions by name.

    starts: False leaves the package alone.

    ``call(function, *args)`` runs a module-level function in the main thread of the child and
    returns its result (both pickled). A child that hung or died is replaced at the next call.
    """

    def __init__(self, *, env=None, starts=True, **init):
        self._env, self._init = env, init if starts else None
        self._process = None

    def call(self, function, *args, timeout=None):
        if self._process is None:
            self._start()
        self._send((function.__module__, function.__name__, args))
        try:
            kind, value = self._answers.get(timeout=sizes.PATIENCE if timeout is None else timeout)
        except queue.Empty:
            kind, value = "no answer in time", ""
        if kind == "value":
            return value
        if kind != "raised":
            value = "\n--- stderr of the child\n" + self._end()
        raise AssertionError(f"in the child: {kind} {value}")

    def close(self):
        """End the child as a script ends; it must exit with status 0 and have written nothing."""
        if self._process is None:
            return
        self._process.stdin.close()
        try:
            status = self._process.wait(sizes.PATIENCE)
        except subprocess.TimeoutExpired:
            status = "none, it hangs"
        stderr = self._end()
        if status != 0 or stderr:
            raise AssertionError(f"child at exit: status {status}\n{stderr}")

    def _start(self):
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in _end)
        self._process = subprocess.Popen(
            command(os.path.join(TESTS, "child.py")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment({**sizes.SHORT_LIVED, **(self._env or {})}),
            cwd=TESTS,
        )
        self._answers = queue.Queue()
        reader = threading.Thread(target=self._read, args=(self._process.stdout, self._answers))
        reader.daemon = True
        reader.start()
        self._send(self._init)

    def _send(self, message):
        with contextlib.suppress(BrokenPipeError):  # the reader reports the death
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    @staticmethod
    def _read(stream, answers):
        try:
            while True:
                answers.put(pickle.load(stream))
        except (EOFError, pickle.UnpicklingError):
            answers.put(("died", ""))

    def _end(self):
        if self._process.poll() is None:
            make_it_tell(self._process)
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process = None
        with self._stderr as stream:
            stream.seek(0)
            return stream.read().decode(errors="replace")


_lives = Server(starts=False)


def _answer(module, name, args):
    try:
        with warnings_module.catch_warnings():
            warnings_module.simplefilter("ignore")  # those of pytest itself are not our business
            function = getattr(importlib.import_module(module), name)
        return pickle.dumps(("value", function(*args)))
    except BaseException:
        return pickle.dumps(("raised", traceback.format_exc()))


def _serve(answers):
    os.dup2(2, 1)  # what tests print must not mix with the answers
    requests = sys.stdin.buffer
    init = pickle.load(requests)
    if init is not None:
        import hpyx

        hpyx.init(**init)
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        answers.write(_answer(*request))
        answers.flush()


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as stream:
        _serve(stream)
