"""One process that runs the sections of a column, where starting the interpreter takes seconds.

Called by: ``guides.py``, which has a process per section elsewhere. A process that died or hung is
replaced at the next section. What runs in it: ``run_sections.py``.
Threads: one. Errors: ``Failure`` with what the process said.
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import tempfile
from pathlib import Path

from common.places import ROOT
from common.process import Failure
from pythons.environment import Environment

PROGRAM = Path(__file__).resolve().parent / "run_sections.py"
LIVES = ROOT / "tests" / "lives.py"


class SharedProcess:
    """A process of *environment*'s interpreter that runs one plan after the other."""

    def __init__(self, environment: Environment, env: dict[str, str], seconds: float) -> None:
        self._environment = Environment(environment.python, environment.folder, env)
        self._seconds = seconds
        self._process: subprocess.Popen | None = None

    def run(self, plan: dict, env: dict[str, str]) -> str:
        """Run *plan* with the variables *env*; return what it wrote to stdout."""
        if self._process is None:
            self._start()
        line = json.dumps({"plan": plan, "env": env}) + "\n"
        with contextlib.suppress(BrokenPipeError):  # its end is seen below
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], self._seconds)
        answer = self._process.stdout.readline() if ready else b""
        if not answer:
            status, text = self._end()
            what = f"died with {status}" if ready else f"was still busy after {self._seconds} s"
            raise Failure(f"the process of the sections {what}:\n{text}")
        stdout, stderr, status = json.loads(answer)
        if status != 0:
            raise Failure(f"ended with {status}:\n{stdout[-2000:]}{stderr[-3000:]}")
        return stdout

    def close(self) -> None:
        """End the process as a script ends; raise ``Failure`` if it ends with an error."""
        if self._process is not None:
            status, text = self._end()
            if status != 0:
                raise Failure(f"the process of the sections ended with {status}:\n{text}")

    def _end(self) -> tuple[int, str]:
        process, self._process = self._process, None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        with self._stderr as file:
            file.seek(0)
            return process.returncode, file.read().decode(errors="replace")[-3000:]

    def _start(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = self._environment.start(
            [str(PROGRAM), str(LIVES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
