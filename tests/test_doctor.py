"""``python -m hpyx``: a report of what was found, checks that run tasks, and an exit code."""

import hashlib
import json
import subprocess
import sys

import pytest

import hpyx
import sizes
from child import command, environment, run_life
from hpyx import _doctor


def doctor_process(*arguments, env=None):
    """Run the doctor as users do, in a process of its own: (exit status, output)."""
    done = subprocess.run(
        command("-m", "hpyx", *arguments),
        capture_output=True,
        text=True,
        env=environment({**sizes.SHORT_LIVED, **(env or {})}),
        timeout=sizes.PATIENCE,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def doctor(*arguments, env):
    """The same in a life."""
    done = run_life(
        f"""
        import runpy, sys
        sys.argv[1:] = {arguments!r}
        runpy.run_module("hpyx", run_name="__main__", alter_sys=True)
        """,
        env=env,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def report():
    status, output = doctor_process("--json", env={"HPYX_OS_THREADS": "3"})
    assert status == 0, output
    return json.loads(output)


def test_everything_works_here(report):
    assert report["works"] and not report["hangs"]
    assert len(report["checks"]) == 8
    for check in report["checks"]:
        assert check["works"], check


def test_the_report_says_what_was_found(report):
    assert report["hpyx"]["version"] == hpyx.__version__
    with open(report["hpyx"]["library"], "rb") as file:
        assert report["hpyx"]["sha256"] == hashlib.sha256(file.read()).hexdigest()
    found = report["interpreter"]
    assert found["family"] == sys.implementation.name
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["gil_enabled"] is not found["free_threaded"]
    assert isinstance(report["c_api"]["missing"], list)


def test_the_report_says_how_many_workers_and_why(report):
    assert report["workers"]["number"] == report["configuration"]["os_threads"] == 3
    assert report["configuration"]["os_threads_from"] == "HPYX_OS_THREADS"
    assert report["environment"] == {**sizes.SHORT_LIVED, "HPYX_OS_THREADS": "3"}
    assert 1 <= report["workers"]["usable"] <= report["workers"]["cpus"]


def test_the_report_has_the_versions_of_partners(report):
    assert set(report["packages"]) == set(_doctor.PARTNERS)


@pytest.mark.parametrize("mode", ["async", "deferred"])
def test_the_text_ends_with_the_verdict(mode):
    status, output = doctor(env={"HPYX_ASYNC_MODE": mode})
    assert status == 0 and output.rstrip().endswith("everything works"), output
    assert "FAIL" not in output and hpyx.__version__ in output.splitlines()[0]


def test_what_does_not_work_is_shown_and_the_status_is_1():
    status, output = doctor(env={"HPYX_OS_THREADS": "many"})
    assert status == 1 and "HPYX_OS_THREADS='many'" in output
    assert "something does NOT work" in output
    status, output = doctor("--json", env={"HPYX_OS_THREADS": "many"})
    found = json.loads(output)
    assert (
        status == 1 and not found["works"] and "HPYX_OS_THREADS" in found["configuration"]["error"]
    )


def test_a_check_that_hangs_is_given_up(monkeypatch, held):
    monkeypatch.setattr(_doctor, "PATIENCE", 0.05)
    check = _doctor._check("waits for ever", lambda: hpyx.async_(abs, -1).result())
    assert check["hangs"] and not check["works"] and "0.05" in check["detail"]
