"""Look into the built wheel: the shared library in it, and what that library asks of the system.

Called by: ``wheel.py`` after each build. Needs ``nm`` and ``objdump`` (binutils, with gcc).
Errors: ``Failure`` says which promise of the wheel is broken.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from common.process import Failure, run

LIBRARY = "hpyx/_native.abi3.so"
MAX_BYTES = 1_500_000
MAX_GLIBC = (2, 17)


@dataclass(frozen=True)
class Library:
    """The shared library of a wheel."""

    size: int
    sha256: str


def check_wheel(wheel: Path, scratch: Path) -> Library:
    """Return the library of *wheel*; raise ``Failure`` unless it keeps what we promise."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        libraries = [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]
        if libraries != [LIBRARY]:
            raise Failure(f"{wheel.name} should hold {LIBRARY} and no other library: {libraries}")
        if not any(name.endswith("cyclonedx.json") for name in names):
            raise Failure(f"{wheel.name} has lost its CycloneDX SBOM")
        data = archive.read(LIBRARY)
    file = scratch / Path(LIBRARY).name
    file.write_bytes(data)
    if len(data) > MAX_BYTES:
        raise Failure(f"the library has {len(data)} bytes, more than {MAX_BYTES}")
    _check_symbols(file)
    return Library(len(data), hashlib.sha256(data).hexdigest())


def _check_symbols(file: Path) -> None:
    undefined = run(["nm", "-D", "--undefined-only", file])
    python = re.findall(r"\s(_?Py\w+)", undefined)
    if python:
        raise Failure(f"the library asks the linker for Python symbols: {', '.join(python[:8])}")
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run(["objdump", "-T", file]))
    newest = max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))
    if newest > MAX_GLIBC:
        raise Failure(f"the library needs glibc {newest[0]}.{newest[1]}, more than 2.17")
