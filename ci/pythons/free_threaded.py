"""A free-threaded CPython, built from Debian's source package with ``--disable-gil``.

Owns: ``built/<package>t`` (the installation) and ``roots/dev-<suite>`` (headers and libraries of
zlib, ssl, ffi and the like for the host's own suite, unpacked rather than installed) in the cache.
The build needs a C compiler and make, takes some minutes, and is done in a temporary folder.
Errors: ``Failure`` with the end of the build log; the log stays in the cache.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.places import cache_dir, made_once
from common.process import Failure, run, say
from pythons.apt import PrivateApt, host_suite

DEV_PACKAGES = [
    "libbz2-dev",
    "libffi-dev",
    "liblzma-dev",
    "libreadline-dev",
    "libsqlite3-dev",
    "libssl-dev",
    "zlib1g-dev",
]
# What the compiler brings itself; a second libc on its search path would break it.
COMPILERS_OWN = ("libc6", "linux-libc-dev", "libgcc", "gcc-", "libcrypt", "libc-", "libstdc++")
# A module whose library was not found is left out silently by the build; these must be there.
MUST_IMPORT = "import bz2, ctypes, lzma, readline, sqlite3, ssl, zlib"


@dataclass(frozen=True)
class FreeThreadedBuild:
    """The source *package* of the first of *suites* that has it."""

    package: str
    suites: tuple[str, ...]

    def get(self, column: str) -> Path:
        """Build, unless that was done before; return the executable."""
        final = cache_dir() / "built" / f"{self.package}t"
        with made_once(final) as work:
            if work is not None:
                self._build(column, work, final)
        executable = final / "bin" / f"{self.package}t"
        run([executable, "-c", MUST_IMPORT])
        return executable

    def _build(self, column: str, work: Path, final: Path) -> None:
        for tool in ("cc", "make"):
            if not shutil.which(tool):
                raise Failure(f"building {column} needs a C compiler and make; {tool} is missing")
        dev = dev_libraries()
        log = cache_dir() / "built" / f"{self.package}t.log"
        log.write_text("")
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache_dir()) as folder:
            tree = self._source(Path(folder))
            say(f"{column}: building {tree.name} with --disable-gil (log: {log})")
            configure = ["./configure", f"--prefix={final}", "--disable-gil"]
            configure += ["--with-ensurepip=install", f"--with-openssl={dev / 'usr'}"]
            env = _flags(dev)
            run([*configure, *(f"{k}={v}" for k, v in env.items())], cwd=tree, log=log)
            make = ["nice", "make", f"-j{os.cpu_count() or 1}"]
            run(make, cwd=tree, log=log)
            stage = Path(folder) / "stage"
            run(["make", "install", f"DESTDIR={stage}"], cwd=tree, log=log)
            for item in (stage / final.relative_to("/")).iterdir():
                shutil.move(str(item), str(work / item.name))

    def _source(self, folder: Path) -> Path:
        reasons = []
        for suite in self.suites:
            try:
                tarball = PrivateApt(suite).source(self.package, folder)
            except Failure as failure:
                reasons.append(f"{suite}: {failure}")
                continue
            with tarfile.open(tarball) as archive:
                archive.extractall(folder)
            return next(file.parent for file in folder.glob("*/configure"))
        raise Failure(f"no source of {self.package}: " + "; ".join(reasons))


def dev_libraries() -> Path:
    """Return a folder with the headers and libraries that CPython's modules are built against."""
    suite = host_suite()
    final = cache_dir() / "roots" / f"dev-{suite}"
    with made_once(final) as work:
        if work is not None:
            PrivateApt(suite).unpack(
                DEV_PACKAGES, work, lambda name: not name.startswith(COMPILERS_OWN)
            )
    return final


def _flags(dev: Path) -> dict[str, str]:
    usr = dev / "usr"
    triplets = sorted(folder for folder in (usr / "lib").glob("*-linux-*") if folder.is_dir())
    includes = [usr / "include", *(usr / "include" / folder.name for folder in triplets)]
    return {
        "CPPFLAGS": " ".join(f"-I{folder}" for folder in includes),
        "LDFLAGS": " ".join(f"-L{folder} -Wl,-rpath,{folder}" for folder in triplets),
        "PKG_CONFIG_LIBDIR": ":".join(str(folder / "pkgconfig") for folder in triplets),
        "PKG_CONFIG_SYSROOT_DIR": str(dev),
    }
