"""Run other programs: quietly, with a log, and with an error that shows what went wrong.

Called by: every script of ``ci/``.
Errors: ``Failure`` is the one exception that scripts catch at the top; its text is for the user.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Failure(Exception):
    """Something the user has to know; the text says what failed and what to do."""


def say(text: str) -> None:
    """Print one line at once, also when the output goes to a file."""
    print(text, flush=True)


def main_guard(main: Callable[[], int]) -> None:
    """Run *main* and leave with its code; a ``Failure`` is printed without a traceback."""
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(
    command: Sequence[object],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run *command* and return its output (stdout; with *log*, nothing).

    *env* is laid over the present environment. With *log*, all output is appended there.
    Raises ``Failure`` with the end of the output when the command fails.
    """
    words = [str(word) for word in command]
    full_env = {**os.environ, **(env or {})}
    try:
        if log is None:
            done = subprocess.run(
                words, cwd=cwd, env=full_env, capture_output=True, text=True, timeout=timeout
            )
            output = done.stdout + done.stderr
        else:
            with open(log, "a") as file:
                file.write(f"$ {' '.join(words)}\n")
                file.flush()
                done = subprocess.run(
                    words, cwd=cwd, env=full_env, stdout=file, stderr=file, timeout=timeout
                )
            output = log.read_text(errors="replace")
    except OSError as error:
        raise Failure(f"cannot run {words[0]}: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{' '.join(words[:6])} took longer than {timeout} s") from error
    if done.returncode != 0:
        tail = "\n".join(line[-300:] for line in output.rstrip().splitlines()[-30:])
        where = f" (all of it: {log})" if log else ""
        raise Failure(f"{' '.join(words[:6])} ended with {done.returncode}{where}:\n{tail}")
    return done.stdout if log is None else ""
