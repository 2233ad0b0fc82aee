"""An interpreter from the binary packages of a Debian suite, unpacked into a folder of its own.

Owns: ``roots/<suite>-<package>`` in the cache: the package and all it needs, its own libc
included, so it runs on a host whose libraries are older or newer.
How it starts: ``usr/bin/<package>`` is replaced by a shell script that calls the program through
the loader of that root, under the script's own name. The interpreter thus finds its standard
library beside the script, and ``sys.executable`` is the script: subprocesses and virtual
environments work.
Errors: ``Failure`` from apt; or when the unpacked interpreter does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.places import cache_dir, made_once
from common.process import Failure, run, say
from pythons.apt import PrivateApt

WRAPPER = """#!/bin/sh
exec '{loader}' --argv0 "$0" --library-path '{libraries}' '{program}' "$@"
"""


@dataclass(frozen=True)
class DebianRoot:
    """The interpreter that *package* of *suite* installs as ``/usr/bin/<package>``.

    own_libc: bring the suite's libc along. Not for suites before glibc 2.33, whose loader cannot
    start a program under another name: those run on the host's libc, which is newer.
    """

    suite: str
    package: str
    own_libc: bool = True

    def get(self, column: str) -> Path:
        """Download and unpack, unless that was done before; return the wrapper script."""
        final = cache_dir() / "roots" / f"{self.suite}-{self.package}"
        with made_once(final) as work:
            if work is not None:
                say(f"{column}: unpacking {self.package} of Debian {self.suite}")
                packages = [self.package, f"{self.package}-venv"]
                PrivateApt(self.suite).unpack(packages, work, self._wanted)
                self._wrap(work, final)
        executable = final / "usr" / "bin" / self.package
        run([executable, "-c", "import ctypes, ssl, sqlite3, zlib"], timeout=120)
        return executable

    def _wanted(self, name: str) -> bool:
        return self.own_libc or not name.startswith(("libc6_", "libc-bin_"))

    def _wrap(self, work: Path, final: Path) -> None:
        link = work / "usr" / "bin" / self.package
        program = link.resolve()
        if not program.is_file():
            raise Failure(f"{self.package} of Debian {self.suite} has no /usr/bin/{self.package}")
        system = (work if self.own_libc else Path("/")) / "usr"
        loaders = sorted(system.glob("lib*/ld-linux*.so.*"))
        loaders += sorted(system.glob("lib/*-linux-*/ld-linux*.so.*"))
        if not loaders:
            raise Failure(f"no loader (ld-linux*.so) below {system}")
        libraries = [str(folder) for folder in (work / "usr" / "lib").glob("*-linux-*")]
        real = program.with_name(program.name + ".program")
        program.rename(real)

        def later(path: str) -> str:
            return path.replace(str(work), str(final))

        text = WRAPPER.format(
            loader=later(str(loaders[0].resolve())),
            libraries=later(":".join(dict.fromkeys(libraries))),
            program=later(str(real)),
        )
        program.write_text(text)
        program.chmod(0o755)
