"""Loading the native library: what the probe finds, and how a load that cannot work is refused.

Forged symbol tables (HPYX_TEST_FORGE) drive each failure of the handshake in a child. An
ImportError says what was asked, what was found and what to do; the process lives on.
"""

import ctypes
import os
import shutil
import sys
import sysconfig

import pytest

import hpyx
from child import run_clean, run_clean_life
from hpyx import _native
from skips import needs

TRY = """
import sys
for attempt in range(2):
    try:
        import hpyx
    except ImportError as error:
        print(type(error).__name__, str(error).replace("\\n", " "))
    else:
        print("imported")
    for name in [name for name in sys.modules if name.split(".")[0] == "hpyx"]:
        del sys.modules[name]
"""
ADVICE = ("install", "upgrade", "use ", "report", "support", "rebuild", "build", "set ", "load")


def refusals(forge):
    """Import twice under a forged symbol table; return the two messages in lower case."""
    lines = run_clean(TRY, env={"HPYX_TEST_FORGE": forge}).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("ImportError ") for line in lines), lines
    return [line.lower() for line in lines]


@pytest.mark.parametrize("symbol", ["PyTuple_New", "PyDict_New", "PyErr_SetObject"])
def test_a_missing_symbol_is_named_with_what_was_found_and_what_to_do(symbol):
    for message in refusals("missing=" + symbol):
        assert symbol.lower() in message
        assert sys.implementation.name in message
        assert any(word in message for word in ADVICE)


def test_an_unknown_implementation_is_refused_with_what_to_do():
    for message in refusals("family=unknown"):
        assert "cpython" in message and "pypy" in message, "which ones are supported"
        assert any(word in message for word in ADVICE)


def test_an_interpreter_that_cannot_be_found_is_refused_with_what_to_do():
    for message in refusals("private"):
        assert "symbol" in message
        assert any(word in message for word in ADVICE)


def test_without_a_forgery_the_same_script_imports():
    assert "imported" in run_clean(TRY).splitlines()[0]


def test_a_path_that_does_not_exist_is_refused_and_named(tmp_path):
    path = str(tmp_path / "nothing_here.so")
    with pytest.raises(ImportError, match="nothing_here"):
        hpyx._loader.load(path=path)


def test_a_file_that_is_no_library_is_refused_and_named(tmp_path):
    path = tmp_path / "text.so"
    path.write_text("this is not a library")
    with pytest.raises(ImportError, match="text"):
        hpyx._loader.load(path=str(path))


@pytest.mark.parametrize("suffix", [".so", ".cp39-win_amd64.pyd", ".anything", ""])
def test_the_library_loads_whatever_its_suffix(tmp_path, suffix):
    copy = str(tmp_path / ("_native" + suffix))
    shutil.copy(hpyx._loader.library_path(), copy)
    script = """
        import hpyx
        from hpyx import _native
        module = hpyx._loader.load(path={!r})
        assert module.probe() == _native.probe()
        assert hpyx.async_(abs, -1).result() == 1
    """
    run_clean_life(script.format(copy))


def test_library_path_is_the_file_that_was_loaded():
    path = hpyx._loader.library_path()
    assert os.path.isfile(path)
    assert os.path.dirname(os.path.abspath(path)).startswith(
        os.path.dirname(os.path.abspath(hpyx.__file__))
    )


def test_the_probe_knows_family_and_version():
    probe = _native.probe()
    assert probe["family"] == sys.implementation.name
    assert tuple(probe["version"])[:2] == sys.version_info[:2]
    assert probe["free_threaded"] is bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def test_the_probe_knows_which_module_slots_the_interpreter_accepts():
    expected = {"exec"}
    if sys.implementation.name == "cpython":
        expected |= {"multiple_interpreters"} if sys.version_info >= (3, 12) else set()
        expected |= {"gil"} if sys.version_info >= (3, 13) else set()
    slots = set(_native.probe()["module_slots"])
    if sys.implementation.name == "graalpy":
        slots -= {"multiple_interpreters"}  # accepted there, and of no use
    assert slots - {"create"} == expected


@needs("object_size")
def test_the_probe_knows_the_size_of_an_object_s_header():
    assert _native.probe()["header_size"] == object.__basicsize__


@needs("capi")
def test_what_the_probe_calls_missing_is_missing():
    found = [name for name in _native.probe()["missing"] if hasattr(ctypes.pythonapi, name)]
    assert found == []


def test_stubs_that_end_the_process_are_denied_where_they_exist():
    denied = set(_native.probe()["denied"])
    if sys.implementation.name == "graalpy":
        assert "_Py_IsFinalizing" in denied
    else:
        assert denied == set()
