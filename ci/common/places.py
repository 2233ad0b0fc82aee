"""Where things are: the source tree, the cache outside it, and folders made in one step.

Called by: every script of ``ci/``.
Invariants: nothing is written into the source tree; a folder of the cache either exists complete
or not at all (made under a temporary name, renamed at the end), so an interrupted run costs
nothing but time.
Threads: two processes may ask for the same folder; ``made_once`` lets one of them make it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no lock between processes there
    fcntl = None

ROOT = Path(__file__).resolve().parents[2]


def cache_dir() -> Path:
    """Return the cache folder: ``HPYX_CACHE``, or ``hpyx`` in the user's cache directory."""
    given = os.environ.get("HPYX_CACHE")
    if given:
        folder = Path(given).expanduser().absolute()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hpyx"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock *name* of the cache; another process waits here until it is free."""
    folder = cache_dir() / "locks"
    folder.mkdir(exist_ok=True)
    with open(folder / name.replace("/", "-"), "w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def made_once(final: Path) -> Iterator[Path | None]:
    """Give an empty folder to fill, which becomes *final* at the end; None if *final* exists.

    If the body raises, or the process dies, *final* does not come to be.
    """
    with locked(f"make-{final.name}"):
        if final.exists():
            yield None
            return
        final.parent.mkdir(parents=True, exist_ok=True)
        for left in final.parent.glob(f".{final.name}-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
        try:
            work.chmod(0o755)
            yield work
            work.rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
