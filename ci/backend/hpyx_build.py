"""PEP 517 back end of hpyx: maturin, with the wheel tagged for every interpreter.

The library refers to no Python symbol and finds the C API when it is loaded, so the wheel's tag is
``py3-none-<platform>``. maturin cannot know that and writes ``cp39-abi3``; this retags it.
Called by: pip, ``python -m build``, ``ci/wheel.py`` (through ``backend-path`` in pyproject.toml).
Invariants: the result does not depend on the interpreter that builds: maturin never sees it
(``PYO3_NO_PYTHON``). On Linux the library is linked by zig against glibc 2.17 whatever the host
has; ``HPYX_NO_ZIG=1`` links with the host's linker and gives a ``linux_<machine>`` wheel for this
machine only.
Errors: SystemExit with what is missing; otherwise maturin's own exit.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MATURIN = "maturin==1.16.0"
ZIG = "ziglang==0.16.0"
WHEEL = "wheel==0.45.1"
MANYLINUX = "manylinux_2_17"
# Machines for which there is a zig on PyPI; elsewhere the host's linker is used.
ZIG_MACHINES = ("x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x")


def get_requires_for_build_wheel(config_settings=None):
    """PEP 517: what must be installed before ``build_wheel``."""
    return [MATURIN, WHEEL] + ([ZIG] if _uses_zig() else [])


def get_requires_for_build_editable(config_settings=None):
    """PEP 660: what must be installed before ``build_editable``."""
    return [MATURIN, WHEEL]


def get_requires_for_build_sdist(config_settings=None):
    """PEP 517: what must be installed before ``build_sdist``."""
    return [MATURIN]


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517: build the wheel for this platform and return its file name."""
    words = ["build", "--release"]
    if _uses_zig():
        words += ["--zig", "--compatibility", MANYLINUX]
    elif sys.platform == "linux":
        print("hpyx: building without zig: this wheel is for this machine only", flush=True)
        words += ["--compatibility", "linux"]
    with tempfile.TemporaryDirectory() as folder:
        _maturin([*words, "--out", folder])
        return _retag(Path(folder), Path(wheel_directory))


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 660: build the library into ``python/hpyx`` and return a wheel that points there."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--editable", "--compatibility", "off", "--out", folder]
        _maturin(["pep517", "build-wheel", *words])
        return _retag(Path(folder), Path(wheel_directory))


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517: write the source archive and return its file name."""
    with tempfile.TemporaryDirectory() as folder:
        _maturin(["sdist", "--out", folder])
        (archive,) = Path(folder).glob("*.tar.gz")
        shutil.move(str(archive), str(Path(sdist_directory, archive.name)))
    return archive.name


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """PEP 517: write the ``.dist-info`` folder without building, and return its name."""
    _maturin(["pep517", "write-dist-info", "--metadata-directory", metadata_directory])
    (folder,) = Path(metadata_directory).glob("*.dist-info")
    wheel = folder / "WHEEL"
    lines = [line for line in wheel.read_text().splitlines() if not line.startswith("Tag:")]
    wheel.write_text("\n".join([*lines, f"Tag: py3-none-{_platform_of(wheel)}"]) + "\n")
    return folder.name


def _uses_zig():
    """Say whether zig does the linking here."""
    if os.environ.get("HPYX_NO_ZIG", "0") not in ("", "0"):
        return False
    return (
        sys.platform == "linux"
        and platform.machine() in ZIG_MACHINES
        and platform.libc_ver()[0] in ("glibc", "")
    )


def _maturin(words):
    """Run maturin with the environment that keeps the host interpreter out of the build."""
    maturin = shutil.which("maturin")
    if maturin is None:
        sys.exit(f"hpyx: maturin is not installed here; the build needs {MATURIN}")
    if shutil.which("cargo") is None:
        sys.exit("hpyx: building from source needs Rust (cargo is not on PATH)")
    env = {**os.environ, "PYO3_NO_PYTHON": "1", "PYO3_BUILD_EXTENSION_MODULE": "1"}
    zig = importlib.util.find_spec("ziglang")
    if zig is not None and zig.origin is not None:
        env["CARGO_ZIGBUILD_ZIG_PATH"] = str(Path(zig.origin).with_name("zig"))
    env["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(_rust_flags())
    done = subprocess.run([maturin, *words], env=env)
    if done.returncode != 0:
        sys.exit(f"hpyx: maturin {' '.join(words[:2])} ended with {done.returncode}")


def _rust_flags():
    """Return the user's compiler flags, and those that keep this machine's paths out of the file.

    With them the library is the same, byte for byte, wherever the sources and cargo live.
    """
    encoded = os.environ.get("CARGO_ENCODED_RUSTFLAGS")
    flags = encoded.split("\x1f") if encoded else os.environ.get("RUSTFLAGS", "").split()
    cargo = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    return [
        *flags,
        f"--remap-path-prefix={cargo}=cargo",
        f"--remap-path-prefix={Path.cwd()}=hpyx",
    ]


def _retag(folder, wheel_directory):
    """Retag the one wheel in *folder*, move it to *wheel_directory*, return its name."""
    (wheel,) = folder.glob("*.whl")
    tags = ["--python-tag", "py3", "--abi-tag", "none", "--platform-tag", _platform_of(wheel)]
    command = [sys.executable, "-m", "wheel", "tags", "--remove", *tags, str(wheel)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    shutil.move(str(wheel), str(wheel_directory / wheel.name))
    return wheel.name


def _platform_of(wheel):
    """Return the single platform tag: manylinux on Linux, else what maturin chose."""
    if _uses_zig() and "-editable" not in wheel.name:
        return f"{MANYLINUX}_{platform.machine()}"
    if wheel.suffix == ".whl":
        return wheel.stem.split("-")[-1].split(".")[0]
    tags = [line for line in wheel.read_text().splitlines() if line.startswith("Tag:")]
    return tags[0].split("-")[-1]
