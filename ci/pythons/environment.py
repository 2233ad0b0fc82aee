"""A fresh environment for one interpreter, with the wheel installed by that interpreter's own pip.

Called by: ``matrix.py``. Owns nothing; the caller gives the folder and removes it.
Invariant: nothing of the source tree and nothing of the caller's ``PYTHON*`` settings is visible
in it. Where an interpreter has no venv (``environment="target"`` of its column), the packages go
to a folder on PYTHONPATH, put there by the pip of the column named in ``pip_from``.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common.process import Failure, run
from common.tools import make_venv
from pythons.columns import Column
from pythons.probe import Interpreter

WHICH_LIBRARY = """
import hashlib, hpyx._loader
path = str(hpyx._loader.library_path())
with open(path, "rb") as file:
    print(path, hashlib.sha256(file.read()).hexdigest(), sep="\\t")
"""


@dataclass(frozen=True)
class Environment:
    """An interpreter with packages of its own; ``folder`` is an empty place to work in."""

    python: Path
    folder: Path
    env: dict[str, str]

    def start(self, words: list[str], **kwargs) -> subprocess.Popen:
        """Start this environment's interpreter with the arguments *words*."""
        return subprocess.Popen([str(self.python), *words], cwd=self.folder, env=self.env, **kwargs)

    def library(self) -> str:
        """Return the sha256 of the library that this interpreter loads."""
        process = self.start(
            ["-c", WHICH_LIBRARY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        out, err = process.communicate(timeout=120)
        if process.returncode != 0:
            raise Failure(f"hpyx cannot be imported: {' '.join(err.splitlines()[-1:])}")
        path, sha256 = out.strip().split("\t")
        if self.folder.parent.resolve() not in Path(path).resolve().parents:
            raise Failure(f"the library was loaded from outside the environment: {path}")
        return sha256


def make_environment(
    column: Column,
    found: dict[str, Interpreter],
    folder: Path,
    packages: list[str],
    log: Path,
) -> Environment:
    """Make an environment for *column* in *folder* and install *packages* (pip's arguments)."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    for name in ("VIRTUAL_ENV", "PYENV_VERSION", "__PYVENV_LAUNCHER__"):
        env.pop(name, None)
    work = folder / "work"
    work.mkdir(parents=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if column.environment == "venv":
        python = make_venv(found[column.name].path, folder / "venv")
        installer = python
    else:
        python = found[column.name].path
        if column.pip_from not in found:
            raise Failure(f"{column.name} needs {column.pip_from} to install its packages")
        installer = make_venv(found[column.pip_from].path, folder / "installer")
        install += ["--target", str(folder / "site")]
        env["PYTHONPATH"] = str(folder / "site")
    run([installer, *install, *packages], cwd=work, log=log, env={"PYTHONPATH": ""})
    return Environment(python, work, env)
