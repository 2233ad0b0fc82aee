"""Finds and loads the native core, whatever suffixes this interpreter imports.

Owns: where the library is, and the error when it cannot be loaded. Called by: ``hpyx._core_module``
and tests. Errors: ImportError that says what was asked for, what was found and what to do.
"""

import importlib.machinery
import os
import sys

_NAMES = ("_native.abi3.so", "_native.so", "_native.pyd")
_MODULE = "hpyx._native"


def library_path():
    """Return the absolute path of the native library.

    Returns: str. The file is the same on every interpreter.
    Raises: ImportError if the installation has none.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in _NAMES:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise ImportError(
        f"hpyx: no native library in {folder}: looked for {', '.join(_NAMES)}. "
        "Install the wheel (pip install hpyx), or build it (pip install . in a checkout). It "
        "cannot be imported from a zip file.",
        name=_MODULE,
        path=folder,
    )


def load(path=None):
    """Load the native library and return the module ``hpyx._native``.

    Args: path: the file to load; None takes the installed one.
    Returns: the module, the same one every time within an interpreter.
    Raises: ImportError if there is no library or the interpreter cannot be served.
    """
    if path is None:
        if _MODULE in sys.modules:
            return sys.modules[_MODULE]
        path = library_path()
    loader = importlib.machinery.ExtensionFileLoader(_MODULE, path)
    spec = importlib.machinery.ModuleSpec(_MODULE, loader, origin=path)
    try:
        module = loader.create_module(spec)
    except SystemError as error:  # it failed where not even an exception could be raised
        raise ImportError(_why_not_loaded(path) or str(error), name=_MODULE, path=path) from error
    except OSError as error:
        raise ImportError(f"hpyx: cannot read {path}: {error}", name=_MODULE, path=path) from error
    module.__spec__ = spec
    module.__file__ = path
    module.__package__ = "hpyx"
    sys.modules[_MODULE] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[_MODULE]
        raise
    return module


def _why_not_loaded(path):
    """Ask the library itself, without the interpreter's help."""
    try:
        import ctypes

        why = ctypes.CDLL(path).hpyx_why_not_loaded
        why.restype = ctypes.c_char_p
        return why().decode("utf-8", "replace")
    except (ImportError, OSError, AttributeError):
        return ""
