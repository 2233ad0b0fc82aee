"""The package as it is installed: one universal library, its symbols, its metadata, its imports.

The library is read as a file (elf.py), so that no tool has to be installed.
"""

import importlib.metadata
import os
import re

import pytest

import hpyx
from child import run_clean
from elf import Elf
from skips import needs

PACKAGE = os.path.dirname(os.path.abspath(hpyx.__file__))
LIBRARY = hpyx._loader.library_path()
MEGABYTE = 2**20
SYSTEM_LIBRARIES = r"(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux-[\w-]+)\.so\.\d+"


def installed_files():
    found = []
    for folder, _, names in os.walk(PACKAGE):
        found.extend(os.path.join(folder, name) for name in names)
    return [path for path in found if "__pycache__" not in path]


def metadata_file(pattern):
    """Return the installed files of the dist-info folder whose path matches *pattern*."""
    files = importlib.metadata.distribution("hpyx").files or []
    return [file for file in files if re.search(r"\.dist-info/.*" + pattern, str(file))]


@needs("elf")
def test_the_library_asks_for_no_symbol_of_python():
    wanted = [symbol.name for symbol in Elf(LIBRARY).symbols() if not symbol.defined]
    assert wanted, "the reader found no undefined symbol at all"
    assert [name for name in wanted if re.match(r"_?(Py|GraalPy)", name)] == []


@needs("elf")
def test_the_library_exports_its_entry_point():
    defined = {symbol.name for symbol in Elf(LIBRARY).symbols() if symbol.defined}
    assert any(name.startswith("PyInit_") for name in defined)


@needs("elf")
def test_the_library_needs_nothing_but_the_system():
    strangers = [n for n in Elf(LIBRARY).needed() if not re.fullmatch(SYSTEM_LIBRARIES, n)]
    assert strangers == []


@needs("elf")
def test_the_library_runs_on_glibc_2_17():
    versions = [v for v in Elf(LIBRARY).versions() if v.startswith("GLIBC_")]
    assert versions, "the reader found no version at all"
    numbers = [tuple(map(int, v[len("GLIBC_") :].split("."))) for v in versions]
    assert max(numbers) <= (2, 17), sorted(versions)


def test_the_package_holds_one_library_of_a_moderate_size():
    libraries = [p for p in installed_files() if re.search(r"\.(so|pyd|dylib)$|\.so\.", p)]
    assert [os.path.realpath(p) for p in libraries] == [os.path.realpath(LIBRARY)]
    assert os.path.getsize(LIBRARY) <= 1.5 * MEGABYTE


def test_the_package_is_typed():
    assert os.path.isfile(os.path.join(PACKAGE, "py.typed"))
    assert [path for path in installed_files() if path.endswith(".pyi")]


def test_the_wheel_is_tagged_for_every_python_of_the_platform():
    (path,) = metadata_file(r"WHEEL$")
    text = path.locate().read_text()
    tags = re.findall(r"^Tag: (.*)$", text, re.MULTILINE)
    assert tags and all(tag.startswith("py3-none-") for tag in tags), tags
    assert not any(tag.endswith("-any") for tag in tags), tags
    assert "Root-Is-Purelib: false" in text


def test_the_bill_of_materials_is_in_the_wheel():
    assert metadata_file(r"cyclonedx.*json$|sbom.*json$")


def test_version_is_that_of_the_distribution():
    assert hpyx.__version__ == importlib.metadata.version("hpyx")


def test_every_public_name_exists_and_is_documented():
    assert {"async_", "init", "Future", "HPXExecutor", "HPXRuntime"} <= set(hpyx.__all__)
    assert len(hpyx.__all__) == len(set(hpyx.__all__))
    undocumented = [name for name in hpyx.__all__ if not getattr(hpyx, name).__doc__]
    assert undocumented == []


@pytest.mark.parametrize("name", ["Future", "HPXExecutor", "async_", "init"])
def test_public_objects_call_themselves_by_their_public_name(name):
    assert getattr(hpyx, name).__module__.split(".")[0] == "hpyx"
    assert getattr(hpyx, name).__name__ == name


def test_import_brings_in_no_heavy_module():
    script = """
        import concurrent.futures.thread, sys
        heavy = {"asyncio", "ctypes", "dataclasses", "inspect", "multiprocessing", "numpy", "ssl"}
        before = set(sys.modules)
        import hpyx
        assert hpyx.async_(abs, -1).result() == 1
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        print(*sorted(new & heavy))
    """
    assert run_clean(script).split() == []
