"""Settings: what arguments, environment and machine come to, once, when the runtime starts.

Owns: the precedence, the meaning of ``cfg`` entries, the stack size of threads. Called by:
``_runtime``, ``debug``. Precedence: arguments of ``hpyx.init`` (``os_threads`` over ``cfg``), in a
forked child what its parent ran with, the environment (``HPYX_OS_THREADS`` over ``HPYX_CFG``), the
machine. Errors: TypeError and ValueError that name the entry. Threads: any.
"""

import contextlib
import sys
import threading
from collections import namedtuple
from collections.abc import Iterable
from types import MappingProxyType

from . import config
from ._cpus import MOST_THREADS, usable_cpus

_THREADS, _SPARES = "hpx.os_threads", "hpyx.max_spare_workers"
_STACKS = tuple(f"hpx.stacks.{size}_size" for size in ("small", "medium", "large", "huge"))
_AUTO = ("auto", "cores", "all")
_GRANULE = 1 << 16  # a multiple of every page size
_MAX_STACK = 1 << 40


# A named tuple: importing dataclasses takes a third of what importing hpyx does, and leaves a
# thousand objects behind that a collector looks at again and again.
class Configuration(
    namedtuple(
        "Configuration",
        "os_threads os_threads_from cfg options max_spare_workers stack_size autoinit async_mode"
        " trace_path",
    )
):
    """What the runtime runs with, or would start with.

    Attributes:
        os_threads: number of worker threads.
        os_threads_from: where that number comes from, in words.
        cfg: all entries, as they were given.
        options: the same by key, a read-only mapping; the last entry of a key counts.
        max_spare_workers: how many spares may start for workers that are blocked.
        stack_size: bytes of stack that each pool thread gets; None: what the system gives.
        autoinit: whether the runtime may start by itself (HPYX_AUTOINIT).
        async_mode: "async" or "deferred" (HPYX_ASYNC_MODE).
        trace_path: HPYX_TRACE_PATH, or None.
    """

    __slots__ = ()


def settle(os_threads, cfg, inherited):
    """Return the Configuration for these arguments of ``init``, which were checked.

    inherited: in a forked child, the parent's; else None.
    """
    env = config.from_env()
    if cfg is not None:
        entries = tuple(cfg)
    else:
        entries = tuple(env["cfg"]) if inherited is None else inherited.cfg
    options = _options(entries)
    threads, source = _threads(os_threads, cfg, options, env, inherited)
    spares = _number(options, _SPARES, zero=True)
    if spares is None:
        spares = max(0, max(32, usable_cpus() + 4) - threads)
    return Configuration(
        os_threads=threads,
        os_threads_from=source,
        cfg=entries,
        options=MappingProxyType(options),
        max_spare_workers=spares,
        stack_size=_larger_stack(options),
        autoinit=env["autoinit"],
        async_mode=config.async_mode(),
        trace_path=env["trace_path"],
    )


def _threads(os_threads, cfg, options, env, inherited):
    in_cfg = usable_cpus() if options.get(_THREADS) in _AUTO else _number(options, _THREADS)
    if os_threads is not None:
        return os_threads, "an argument"
    if cfg is not None and in_cfg is not None:
        return in_cfg, f"cfg entry {_THREADS}, an argument"
    if inherited is not None:
        return inherited.os_threads, "the parent process"
    if env["os_threads"] is not None:
        return env["os_threads"], "HPYX_OS_THREADS"
    if config.threads_are_auto():
        return usable_cpus(), "HPYX_OS_THREADS"
    if in_cfg is not None:
        return in_cfg, f"{_THREADS} in HPYX_CFG"
    return usable_cpus(), "the CPUs that this process may use"


def checked_threads(os_threads):
    """Return the number that an argument asks for; None if it asks for nothing."""
    if os_threads is None:
        return None
    if isinstance(os_threads, str) and os_threads == "auto":
        return usable_cpus()
    if isinstance(os_threads, bool) or not isinstance(os_threads, int):
        raise TypeError(
            f"os_threads must be a positive int, 'auto' or None, not {os_threads!r}: "
            "write hpyx.init(os_threads=4)"
        )
    if not 0 < os_threads <= MOST_THREADS:
        raise ValueError(
            f"os_threads must be at least 1 and at most {MOST_THREADS}, not {os_threads}"
        )
    return os_threads


def checked_cfg(cfg):
    """Return the entries that an argument gives as a list; None if it gives none."""
    if cfg is None:
        return None
    is_several = isinstance(cfg, Iterable) and not isinstance(cfg, (str, bytes))
    entries = list(cfg) if is_several else None
    if entries is None or not all(isinstance(entry, str) for entry in entries):
        raise TypeError(
            f"cfg must be a list of 'key=value' strings, not {cfg!r}: "
            "write hpyx.init(cfg=['hpyx.max_spare_workers=8'])"
        )
    _options(entries)
    return entries


def _options(cfg):
    """Split "key=value" (or HPX's "key!=value") strings; the last one of a key wins."""
    options = {}
    for option in cfg:
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"cfg entry {option!r} has no '=': expected 'key=value'")
        key = key.strip().rstrip("!").strip()
        if not key:
            raise ValueError(f"cfg entry {option!r} has no key: expected 'key=value'")
        options[key] = value.strip()
    _number(options, _THREADS)
    _number(options, _SPARES, zero=True)
    for key in _STACKS:
        _size(options, key)
    return options


def _number(options, key, zero=False):
    value = options.get(key)
    if value is None or value in _AUTO:
        return None
    least = 0 if zero else 1
    if not value.isdecimal() or len(value) >= 10 or not least <= int(value) <= MOST_THREADS:
        raise ValueError(
            f"cfg entry '{key}={value}': expected a number from {least} to {MOST_THREADS}"
        )
    return int(value)


def _size(options, key):
    """Return a size in bytes, 0 if there is none."""
    value = options.get(key)
    if value is None:
        return 0
    try:
        size = int(value, 16 if value.lower().startswith("0x") else 10)
    except ValueError:
        size = 0
    if not 0 < size <= _MAX_STACK:
        raise ValueError(
            f"cfg entry '{key}={value}': expected a number of bytes, such as 0x20000 or 131072"
        )
    return size


def _larger_stack(options):
    """Return the largest stack that is asked for, if threads do not get as much anyway."""
    asked = max(_size(options, key) for key in _STACKS)
    return -(-asked // _GRANULE) * _GRANULE if asked > _usual_stack() else None


def _usual_stack():
    """Return how many bytes of stack a new thread gets; rather more, where it cannot be known."""
    chosen = threading.stack_size()
    if chosen:
        return chosen
    if sys.platform == "darwin":
        return 16 << 20
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    except (ImportError, AttributeError, OSError, ValueError):
        return 8 << 20
    # Where there is no limit, the C libraries give 2 MiB or less.
    return limit if limit > 0 and limit != resource.RLIM_INFINITY else 2 << 20


@contextlib.contextmanager
def stack_of(size):
    """Threads that are started in the body of the with statement get so much stack."""
    if size is None:
        yield
        return
    try:
        before = threading.stack_size(size)
    except (ValueError, RuntimeError):  # not here
        yield
        return
    try:
        yield
    finally:
        threading.stack_size(before)
