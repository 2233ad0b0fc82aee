"""The life of the runtime: start, threads, exit, fork.

Owns: the configuration that the runtime was started with, and its threads. Called by: users (init,
shutdown, is_running, HPXRuntime), the native core (ensure_running, start_thread), ``_executor``.
Invariants: one runtime per process and interpreter; it is started once and shut down once; when the
interpreter exits, queued work is finished and every thread has returned before finalization.
Threads: any; ``_lock`` guards starting and stopping.
"""

import _thread
import os
import sys
import threading

from . import (
    _parking,  # noqa: F401  (the core needs what it registers)
    _python_tasks,
    _settings,
    _trace,
    config,
)
from ._core_module import native
from ._cpus import MOST_THREADS
from ._task_front import has_lane

if has_lane:
    from . import _lane

_WORKER, _SPARE, _SENTRY = 0, 1, 2
_THREAD_NAMES = {_WORKER: "hpyx-worker-{}", _SPARE: "hpyx-spare-{}", _SENTRY: "hpyx-sentry"}


_run_pool_thread = native.run_thread


class _State:
    """What is known of the runtime in this process."""

    def __init__(self):
        self.lock = threading.RLock()
        self.threads = set()
        self.settings = None  # as it runs, or as it ran before a fork
        self.closed_by = None  # None, "shutdown" or "exit"
        self.starting = False
        self.running = False
        self.is_forked = False


_state = _State()


def init(os_threads=None, cfg=None):
    """Start the runtime, or do nothing if it runs with this configuration already.

    Args:
        os_threads: number of worker threads; "auto": one per CPU that may be used. None: what
            *cfg* or the environment say, else as "auto".
        cfg: list of "key=value" strings: ``hpx.os_threads``, ``hpx.stacks.small_size`` (and
            ``medium``, ``large``, ``huge``: bytes, which may enlarge the stacks of workers),
            ``hpyx.max_spare_workers``. Others are kept and shown by ``debug.configuration()``.

    Raises:
        RuntimeError: it runs with another configuration, or was shut down.
        TypeError, ValueError: an argument is not what is described above.

    Threads and cancellation: any thread; the first one starts the runtime, the others wait for it.
    """
    asked_threads = _settings.checked_threads(os_threads)
    asked_cfg = _settings.checked_cfg(cfg)
    with _state.lock:
        if _state.closed_by is not None:
            raise RuntimeError(_closed_text())
        if _state.running or _state.starting:
            _refuse_other_configuration(asked_threads, asked_cfg)
            return
        _start(asked_threads, asked_cfg)


def shutdown():
    """Finish all queued work and stop the runtime for good.

    Does nothing if it never ran or is stopped already. It cannot be started again in this process.

    Raises: RuntimeError when called from inside a task, which would wait for itself.
    """
    if native.worker_index() >= 0:
        raise RuntimeError(
            "hpyx.shutdown() was called inside a task and would wait for itself: call it from the "
            "thread that started the work"
        )
    _close("shutdown")


def is_running():
    """Return True once the runtime has started, and until it is shut down."""
    return _state.running


class HPXRuntime:
    """Context manager that makes sure the runtime runs; leaving the block does not stop it.

    Args: os_threads, cfg: as for ``init``.
    Raises: on entry, what ``init`` raises.
    """

    def __init__(self, os_threads=None, cfg=None):
        self._arguments = (os_threads, cfg)

    def __enter__(self):
        init(*self._arguments)
        return self

    def __exit__(self, *exc_info):
        return None


def ensure_running(os_threads=None):
    """Start the runtime for whoever needs it now; raise RuntimeError if that is not allowed."""
    with _state.lock:
        if _state.closed_by is not None:
            raise RuntimeError(_closed_text())
        if _state.running or _state.starting:
            return
        if not config.from_env()["autoinit"]:
            raise RuntimeError(
                "the hpyx runtime is not running, and HPYX_AUTOINIT=0 forbids starting it "
                "implicitly: call hpyx.init() first"
            )
        _start(os_threads and min(os_threads, MOST_THREADS), None)


def _start(os_threads, cfg):
    settings = _settings.settle(os_threads, cfg, _state.settings if _state.is_forked else None)
    traces = _trace.start_with_runtime(settings.trace_path, _state.is_forked)
    _state.settings, _state.starting = settings, True
    try:
        _state.running = native.start(
            settings.os_threads, settings.max_spare_workers, settings.async_mode == "deferred"
        )
    finally:
        _state.starting = False
        if traces and not _state.running:
            _trace.finish()
    if has_lane and _state.running:
        _lane.runtime_started(settings.async_mode == "deferred")
    native.raise_interrupt()
    if not _state.running:
        raise RuntimeError("hpyx could not start a worker thread: can't start new thread")


def _refuse_other_configuration(asked_threads, asked_cfg):
    settings = _state.settings
    if asked_threads is not None and asked_threads != settings.os_threads:
        raise RuntimeError(
            f"the hpyx runtime is already started with os_threads={settings.os_threads}, which "
            f"cannot be changed to os_threads={asked_threads}: call hpyx.init() once, before any "
            "other use"
        )
    if asked_cfg is not None and tuple(asked_cfg) != settings.cfg:
        raise RuntimeError(
            f"the hpyx runtime is already started with cfg={list(settings.cfg)}, which cannot be "
            f"changed to cfg={asked_cfg}: call hpyx.init() once, before any other use"
        )


def settings():
    """Return the settings of the runtime, or those that it would start with now."""
    found = _state.settings
    if found is not None and (_state.running or _state.closed_by is not None):
        return found
    return _settings.settle(None, None, found if _state.is_forked else None)


def _closed_text():
    if _state.closed_by == "exit":
        return "cannot schedule new futures after interpreter shutdown"
    return (
        "the hpyx runtime was shut down and cannot be started again in this process: "
        "leave shutdown to the exit of the interpreter"
    )


def start_thread(role, index, claim):
    """Start a thread that runs the native loop; return whether one can be had. Called by the core.

    claim: an empty list. The thread runs if its own entry is the first one: should a signal handler
    raise in the midst of ``start()``, which waits for the thread, the core adds an entry and looks.
    """
    name = _THREAD_NAMES[role].format(index)
    arguments = role, index, claim
    thread = threading.Thread(target=_run_thread, args=arguments, name=name, daemon=False)
    _state.threads.add(thread)
    try:
        with _settings.stack_of(_state.settings.stack_size):
            _start_thread(thread)
    except BaseException as error:
        claim.append(False)
        if claim[0]:
            raise
        _state.threads.discard(thread)
        if _is_refusal(error):
            return False
        raise
    return True


def _start_thread(thread):
    try:
        thread.start()
    except KeyError as error:
        # A signal handler raised, and threading (3.13) stumbled when it cleaned up after that.
        raise (error.__context__ or error) from None


def _is_refusal(error):
    """Whether no thread can be had; else a signal handler raised *error*."""
    if not is_main_thread():
        return True
    return isinstance(error, RuntimeError) and "new thread" in str(error)


def _run_thread(role, index, claim):
    threads = _state.threads
    try:
        claim.append(True)
        if claim[0]:
            _run_pool_thread(role, index)
    finally:
        threads.discard(threading.current_thread())


def _close(closed_by):
    with _state.lock:
        if _state.closed_by is None:
            _state.closed_by = closed_by
        _state.running = False
    if has_lane:
        _lane.runtime_closes()
        _lane.queue_if_waiting()
    native.close()
    if closed_by == "exit" and _NO_THREADS_AT_EXIT and _state.threads:
        # Should workers block each other, the exiting thread is the spare that cannot be started.
        _run_pool_thread(_SPARE, 0)
    while _state.threads:
        for thread in list(_state.threads):
            try:
                thread.join()
            except RuntimeError:  # not started yet
                pass
    if has_lane:
        _lane.runtime_is_over()
    _trace.finish()


def _at_exit():
    _close("exit")


# From 3.12 on, CPython may refuse to start threads once the interpreter exits.
_NO_THREADS_AT_EXIT = sys.implementation.name == "cpython" and sys.version_info >= (3, 12)


def _after_fork_in_child():
    state = _State()
    state.settings, state.closed_by = _state.settings, _state.closed_by
    state.is_forked = True
    globals()["_state"] = state
    _trace.after_fork_in_child()
    native.after_fork_in_child()


def breathe(*_):
    """Do nothing, in Python: what the interpreter wants of this thread is done on the way."""


def interrupt_again(exception):
    """Let an exception out of the core's way: one that a signal handler raised is raised later."""
    if isinstance(exception, KeyboardInterrupt):
        _thread.interrupt_main()


def is_main_thread():
    """Whether the calling thread is the one that signals are delivered to."""
    return threading.current_thread() is threading.main_thread()


_DEEP = 200


def stack_is_deep():
    """Whether the caller's stack leaves too little of the recursion limit to a nested run."""
    try:
        sys._getframe(_DEEP)
    except ValueError:
        return False
    return True


def _measures_c_stack_only():
    return False


if not native.probe()["runs_tasks_natively"]:
    _run_packed = _lane.run_thread if has_lane else _python_tasks.run_thread

    def _run_pool_thread(role, index):
        if role == _SENTRY:
            native.run_thread(role, index)
        else:
            _run_packed(role, index)


native.register("ensure_running", ensure_running)
native.register("start_thread", start_thread)
native.register("breathe", breathe)
native.register("interrupt_again", interrupt_again)
native.register("is_main_thread", is_main_thread)
native.register(
    "stack_is_deep",
    stack_is_deep if sys.implementation.name == "cpython" else _measures_c_stack_only,
)
if hasattr(threading, "_register_atexit"):
    threading._register_atexit(_at_exit)
else:
    import atexit

    atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
