"""The doctor: what was found here, and whether everything works.

Owns: the report and its checks, which run real tasks. Called by: ``__main__``.
Invariant: no check waits for ever, and none raises; what goes wrong is in the report.
"""

import hashlib
import json
import os
import platform
import sys
import sysconfig
import threading

import hpyx

from . import _cpus, debug
from ._core_module import native
from ._loader import library_path

PATIENCE = 30  # seconds that one check may take
PARTNERS = ("numpy", "dask", "joblib", "tqdm", "rich", "uvloop", "anyio", "trio", "pandas")
_FAMILIES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def run(as_json):
    """Print the report; return 0 if everything works, else 1."""
    report = examine()
    print(json.dumps(report, indent=1) if as_json else as_text(report))
    if report["hangs"]:  # the end of the process would wait for what hangs
        sys.stdout.flush()
        os._exit(1)
    return 0 if report["works"] else 1


def examine():
    """Return the report: a dict that JSON can hold."""
    checks = [_check(name, body) for name, body in _CHECKS]
    return {
        "hpyx": {"version": hpyx.__version__, "library": library_path(), "sha256": _sha256()},
        "interpreter": _interpreter(),
        "c_api": _c_api(),
        "workers": _workers(),
        "configuration": _configuration(),
        "environment": {k: v for k, v in sorted(os.environ.items()) if k.startswith("HPYX_")},
        "packages": {name: _version(name) for name in PARTNERS},
        "checks": checks,
        "works": all(check["works"] for check in checks),
        "hangs": any(check["hangs"] for check in checks),
    }


def _sha256():
    with open(library_path(), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _interpreter():
    found = native.probe()
    version = sys.implementation.version
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    gil = getattr(sys, "_is_gil_enabled", lambda: True)
    return {
        "family": found["family"],
        "implementation": f"{sys.implementation.name} {'.'.join(map(str, version[:3]))}",
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "free_threaded": free_threaded,
        "gil_enabled": bool(gil()),
    }


def _c_api():
    found = native.probe()
    keys = ("header_size", "module_slots", "runs_tasks_natively", "missing", "denied")
    return {key: found[key] for key in keys}


def _workers():
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "number": debug.get_num_worker_threads(),
        "cpus": os.cpu_count(),
        "affinity": len(affinity(0)) if affinity else None,
        "container_limit": _cpus.container_limit(),
        "usable": _cpus.usable_cpus(),
    }


def _configuration():
    try:
        found = debug.configuration()
    except ValueError as error:
        return {"error": str(error)}
    return {
        key: dict(value) if key == "options" else list(value) if key == "cfg" else value
        for key, value in found._asdict().items()
    }


def _version(package):
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _check(name, body):
    """Run one check in a thread of its own, so that it can be given up."""
    outcome = {"name": name, "works": False, "hangs": True, "detail": f"not done in {PATIENCE} s"}
    done = threading.Event()

    def examine_it():
        try:
            outcome.update(works=True, detail=str(body() or ""))
        except BaseException as error:
            outcome["detail"] = f"{type(error).__name__}: {error}"
        outcome["hangs"] = False
        done.set()

    threading.Thread(target=examine_it, daemon=True).start()
    done.wait(PATIENCE)
    return dict(outcome)


def _starts():
    hpyx.init()
    return f"{debug.get_num_worker_threads()} workers"


def _value():
    _expect(hpyx.async_(pow, 2, 10).result(), 1024)
    worker = hpyx.async_(debug.get_worker_thread_id).result()
    is_deferred = debug.configuration().async_mode == "deferred"
    _expect(worker in range(debug.get_num_worker_threads()), not is_deferred)


def _exception():
    error = hpyx.async_(int, "no number").exception()
    _expect(type(error), ValueError)


def _nested():
    def outer(depth):
        return depth and 1 + hpyx.async_(outer, depth - 1).result()

    _expect(hpyx.async_(outer, 50).result(), 50)


def _callback():
    called = threading.Event()
    hpyx.async_(abs, -1).add_done_callback(lambda _: called.set())
    _expect(called.wait(PATIENCE), True)


def _composition():
    both = hpyx.when_all(hpyx.async_(abs, -1), hpyx.async_(abs, -2))
    _expect(both.then(lambda future: sum(future.result())).result(), 3)


def _executor():
    with hpyx.HPXExecutor() as executor:
        _expect(list(executor.map(abs, range(-100, 0))), list(range(100, 0, -1)))


def _gil():
    if sysconfig.get_config_var("Py_GIL_DISABLED") and sys._is_gil_enabled():
        raise RuntimeError("the GIL is on in a free-threaded build: another module needs it")


def _expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r} instead of {wanted!r}")


_CHECKS = (
    ("the runtime starts", _starts),
    ("a task returns a value, on a worker", _value),
    ("a task raises an exception", _exception),
    ("tasks wait for tasks", _nested),
    ("a callback is called", _callback),
    ("futures compose", _composition),
    ("an executor maps", _executor),
    ("the GIL is as the build has it", _gil),
)


def as_text(report):
    """Return the report for people."""
    found, api, workers = report["interpreter"], report["c_api"], report["workers"]
    gil = "GIL on" if found["gil_enabled"] else "GIL off"
    build = "free-threaded, " if found["free_threaded"] else ""
    family = _FAMILIES.get(found["family"], found["family"])
    lines = [
        f"hpyx {report['hpyx']['version']} on {family}, Python {found['python']} ({build}{gil})",
        _row("implementation", found["implementation"]),
        _row("executable", found["executable"]),
        _row("platform", found["platform"]),
        _row("library", report["hpyx"]["library"]),
        _row("sha256", report["hpyx"]["sha256"]),
        _row("C API missing", _listed(api["missing"], "nothing", " (not needed)")),
        _row("C API withheld", _listed(api["denied"], "nothing")),
        _row("tasks run in", "native code" if api["runs_tasks_natively"] else "Python code"),
        _row("workers", _why(workers, report["configuration"])),
        *_settings_rows(report["configuration"]),
        _row("environment", _listed([f"{k}={v}" for k, v in report["environment"].items()], "-")),
        _row("packages", _listed([f"{k} {v}" for k, v in report["packages"].items() if v], "-")),
        "",
    ]
    for check in report["checks"]:
        mark = "ok  " if check["works"] else "FAIL"
        detail = f": {check['detail']}" if check["detail"] else ""
        lines.append(f"  {mark}  {check['name']}{detail}")
    verdict = "everything works" if report["works"] else "something does NOT work: see FAIL above"
    return "\n".join([*lines, "", verdict])


def _row(title, value):
    return f"  {title:16}{value}"


def _listed(items, empty, remark=""):
    return ", ".join(items) + remark if items else empty


def _why(workers, configuration):
    limit = workers["container_limit"]
    known = [f"{workers['cpus']} CPUs"]
    if workers["affinity"] is not None:
        known.append(f"affinity to {workers['affinity']}")
    known.append("no container limit" if limit is None else f"container limit {limit}")
    source = configuration.get("os_threads_from", "not started")
    return f"{workers['number']}, from {source} ({', '.join(known)})"


def _settings_rows(configuration):
    if "error" in configuration:
        return [_row("configuration", configuration["error"])]
    stack = configuration["stack_size"]
    return [
        _row("cfg", _listed(configuration["cfg"], "-")),
        _row("spares at most", configuration["max_spare_workers"]),
        _row("stack", "the system's" if stack is None else f"{stack} bytes"),
        _row("async mode", configuration["async_mode"]),
        _row("trace", configuration["trace_path"] or "-"),
    ]
