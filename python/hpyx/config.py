"""Configuration: built-in defaults, the environment, and how they combine.

Owns: the environment variables. Called by: ``_runtime`` when the runtime starts, and users.
Precedence: arguments of ``hpyx.init`` over environment variables over defaults.
"""

import os

from ._cpus import MOST_THREADS

DEFAULTS = {"os_threads": None, "cfg": [], "autoinit": True, "trace_path": None}
"""The built-in defaults. ``os_threads`` None means: one worker per CPU that may be used."""

_ASYNC_MODES = ("async", "deferred")
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


def from_env(environ=None):
    """Return the configuration that the environment gives, on top of the defaults.

    Args: environ: a mapping instead of ``os.environ``.
    Returns: dict with the keys of ``DEFAULTS``: ``HPYX_OS_THREADS`` (int, or "auto" for None),
        ``HPYX_CFG`` (strings separated by semicolons), ``HPYX_AUTOINIT``, ``HPYX_TRACE_PATH``.
    Raises: ValueError if a variable cannot be read, with its name and what was expected.
    """
    environ = os.environ if environ is None else environ
    return {
        "os_threads": _threads(environ.get("HPYX_OS_THREADS", "")),
        "cfg": [part.strip() for part in environ.get("HPYX_CFG", "").split(";") if part.strip()],
        "autoinit": _truth("HPYX_AUTOINIT", environ.get("HPYX_AUTOINIT", "")),
        "trace_path": environ.get("HPYX_TRACE_PATH") or DEFAULTS["trace_path"],
    }


def async_mode(environ=None):
    """Return what ``HPYX_ASYNC_MODE`` says: "async" (also when it is not set) or "deferred".

    Deferred: a task of ``hpyx.async_`` runs in the thread that asks for its result.

    Args: environ: a mapping instead of ``os.environ``.
    Raises: ValueError if it says something else.
    """
    environ = os.environ if environ is None else environ
    text = environ.get("HPYX_ASYNC_MODE", "").strip().lower()
    if text in ("", *_ASYNC_MODES):
        return text or _ASYNC_MODES[0]
    raise ValueError(f"HPYX_ASYNC_MODE={text!r}: expected 'async' or 'deferred'")


def threads_are_auto(environ=None):
    """Whether ``HPYX_OS_THREADS`` asks for one worker per CPU, whatever ``HPYX_CFG`` says.

    Args: environ: a mapping instead of ``os.environ``.
    """
    environ = os.environ if environ is None else environ
    return environ.get("HPYX_OS_THREADS", "").strip() == "auto"


def _threads(text):
    text = text.strip()
    if not text or text == "auto":
        return DEFAULTS["os_threads"]
    if text.isdecimal() and len(text) < 10 and 0 < int(text) <= MOST_THREADS:
        return int(text)
    raise ValueError(
        f"HPYX_OS_THREADS={text!r}: expected a number of threads from 1 to {MOST_THREADS}, or "
        "'auto', such as HPYX_OS_THREADS=4"
    )


def _truth(name, text):
    text = text.strip().lower()
    if not text:
        return DEFAULTS["autoinit"]
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"{name}={text!r}: expected 1 or 0 (also true, false, yes, no, on, off)")
