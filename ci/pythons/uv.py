"""An interpreter from uv, for machines where neither pyenv nor Debian has it.

Uses ``uv`` from PATH, or from its PyPI package in a tool environment. Installs into the cache.
Errors: ``Failure`` when uv cannot reach its downloads.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from common.places import cache_dir, locked
from common.process import Failure, run, say
from common.tools import tool_environment

UV = "uv==0.9.7"


@dataclass(frozen=True)
class Uv:
    """The CPython that ``uv python install <request>`` gets."""

    request: str

    def get(self, column: str) -> Path:
        """Install into the cache and return the executable."""
        folder = cache_dir() / "uv"
        uv = shutil.which("uv") or tool_environment([UV]) / "bin" / "uv"
        say(f"{column}: asking uv for CPython {self.request}")
        with locked("uv"):
            env = {"UV_PYTHON_INSTALL_DIR": str(folder), "UV_HTTP_TIMEOUT": "60"}
            run([uv, "python", "install", "--no-bin", self.request], env=env, timeout=900)
        found = sorted(folder.glob(f"cpython-{self.request}.*/bin/python{self.request}"))
        if not found:
            raise Failure(f"uv installed no CPython {self.request} in {folder}")
        return found[-1]
