"""hpyx.init, shutdown, is_running and HPXRuntime: one runtime, started once, ended for good.

Whatever changes the state of the process runs in a child; several claims share one where that is
cheap. See also test_runtime_config.py for the environment, test_exit.py for the end of the process.
"""

import pytest

import hpyx
import sizes
from child import run_clean, run_clean_life


def test_the_runtime_starts_with_the_first_task_and_not_before():
    script = """
        import threading, hpyx
        assert not hpyx.is_running()
        assert threading.active_count() == 1, threading.enumerate()
        future = hpyx.async_(lambda: 42)
        assert future.result() == 42
        assert hpyx.is_running()
        assert hpyx.debug.get_num_worker_threads() >= 1
    """
    run_clean_life(script)


def test_init_starts_the_runtime_with_so_many_workers():
    script = """
        import hpyx
        hpyx.init(os_threads=3)
        assert hpyx.is_running()
        assert hpyx.debug.get_num_worker_threads() == 3
        assert hpyx.debug.statistics().workers == 3
    """
    run_clean_life(script)


def test_init_with_the_same_arguments_again_changes_nothing():
    again = {"os_threads": 2, "cfg": ["hpyx.max_spare_workers=0"]}
    hpyx.init(**again)
    hpyx.init(**again)
    assert hpyx.debug.get_num_worker_threads() == 2


def test_init_with_no_wishes_accepts_the_running_runtime():
    hpyx.init()
    assert hpyx.debug.get_num_worker_threads() == 2


def test_init_with_other_workers_is_refused_with_both_values():
    with pytest.raises(RuntimeError, match=r"(?s)\b2\b.*\b57\b|\b57\b.*\b2\b"):
        hpyx.init(os_threads=57)
    assert hpyx.async_(abs, -1).result() == 1


def test_init_with_another_cfg_is_refused_with_both_values():
    with pytest.raises(RuntimeError) as caught:
        hpyx.init(os_threads=2, cfg=["hpyx.max_spare_workers=5"])
    assert "hpyx.max_spare_workers=5" in str(caught.value)
    assert "hpyx.max_spare_workers=0" in str(caught.value)


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"os_threads": 0}, ValueError),
        ({"os_threads": -4}, ValueError),
        ({"os_threads": "many"}, (TypeError, ValueError)),
        ({"os_threads": 1.5}, TypeError),
        ({"os_threads": [2]}, TypeError),
        ({"cfg": "hpyx.max_spare_workers=0"}, TypeError),
        ({"cfg": [1]}, TypeError),
        ({"cfg": ["hpyx.max_spare_workers=many"]}, ValueError),
        ({"cfg": ["hpyx.max_spare_workers=-1"]}, ValueError),
    ],
)
def test_bad_values_are_refused_and_named(arguments, error):
    with pytest.raises(error) as caught:
        hpyx.init(**arguments)
    assert next(iter(arguments)) in str(caught.value) or "max_spare" in str(caught.value)


def test_bad_values_start_nothing():
    script = """
        import threading, hpyx
        for bad in (0, -1, "many", 1.5):
            try:
                hpyx.init(os_threads=bad)
            except (ValueError, TypeError):
                pass
            else:
                raise AssertionError(bad)
        assert not hpyx.is_running()
        assert threading.active_count() == 1
        hpyx.init(os_threads=2)
        assert hpyx.debug.get_num_worker_threads() == 2
    """
    run_clean_life(script)


def test_auto_is_the_default_number_of_workers():
    script = """
        import hpyx
        hpyx.init(os_threads={})
        print(hpyx.debug.get_num_worker_threads())
    """
    assert run_clean_life(script.format("'auto'")) == run_clean_life(script.format("None"))


def test_settings_of_hpx_itself_are_accepted():
    script = """
        import hpyx
        hpyx.init(os_threads=2, cfg=["hpx.stacks.small_size=0x20000", "hpx.os_threads!=4"])
        assert hpyx.debug.get_num_worker_threads() == 2
        assert hpyx.async_(abs, -1).result() == 1
    """
    run_clean_life(script)


def test_a_small_stack_setting_never_makes_a_task_crash():
    script = """
        import ast, hpyx
        hpyx.init(os_threads=2, cfg=["hpx.stacks.small_size=0x20000"])

        def parse(opening, depth, closing):
            try:
                return type(ast.parse(opening * depth + "1" + closing * depth)).__name__
            except (SyntaxError, MemoryError, RecursionError) as error:
                return type(error).__name__

        for depth in (50, 90, 150, 1000):
            for brackets in ("[]", "()"):
                arguments = (brackets[0], depth, brackets[1])
                assert hpyx.async_(parse, *arguments).result() == parse(*arguments), arguments
            assert hpyx.async_(parse, "-", depth, "").result() == parse("-", depth, "")
    """
    run_clean_life(script)


def test_the_context_manager_starts_the_runtime_and_leaves_it_running():
    script = """
        import hpyx
        with hpyx.HPXRuntime(os_threads=2) as runtime:
            assert hpyx.is_running()
            assert hpyx.async_(lambda: "hello").result() == "hello"
        assert hpyx.is_running()
        assert hpyx.async_(lambda: "still here").result() == "still here"
        with hpyx.HPXRuntime(os_threads=2):
            pass
        try:
            with hpyx.HPXRuntime(os_threads=5):
                pass
        except RuntimeError as error:
            assert "2" in str(error) and "5" in str(error)
        else:
            raise AssertionError("another size was accepted")
        assert hpyx.debug.get_num_worker_threads() == 2
    """
    run_clean_life(script)


def test_an_exception_passes_through_the_context_manager():
    with pytest.raises(KeyError), hpyx.HPXRuntime():
        raise KeyError("body")
    assert hpyx.is_running()


def test_shutdown_is_final_and_finishes_what_was_submitted():
    script = """
        import threading, time, hpyx
        hpyx.init(os_threads=2)
        done = []
        executor = hpyx.HPXExecutor()
        futures = [hpyx.async_(done.append, index) for index in range(500)]
        hpyx.shutdown()
        assert len(done) == 500, len(done)
        assert all(future.done() for future in futures)
        assert futures[7].result() is None
        assert not hpyx.is_running()
        workers = [t.name for t in threading.enumerate() if t.name.startswith("hpyx-")]
        assert workers == [], workers
        attempts = {
            "init": hpyx.init,
            "init with arguments": lambda: hpyx.init(os_threads=2),
            "async_": lambda: hpyx.async_(abs, -1),
            "submit": lambda: executor.submit(abs, -1),
            "new executor": lambda: hpyx.HPXExecutor().submit(abs, -1),
            "context manager": lambda: hpyx.HPXRuntime().__enter__(),
        }
        for name, attempt in attempts.items():
            try:
                attempt()
            except RuntimeError as error:
                assert str(error)
            else:
                raise AssertionError(name + " worked after shutdown")
        hpyx.shutdown()
        assert not hpyx.is_running()
        print("end")
    """
    assert run_clean_life(script) == "end\n"


def test_shutdown_called_by_a_task_never_hangs():
    script = """
        import hpyx
        hpyx.init(os_threads=1)
        def end():
            try:
                hpyx.shutdown()
            except RuntimeError:
                return "refused"
            return "accepted"
        print(hpyx.async_(end).result())
    """
    assert run_clean_life(script).strip() in ("refused", "accepted")


def test_many_threads_that_start_the_runtime_at_once_start_one():
    script = """
        import re, threading, hpyx
        from helpers import parallel
        results = parallel(lambda index: hpyx.async_(abs, -index).result(), 8)
        assert results == list(range(8)), results
        names = [t.name for t in threading.enumerate() if re.match("hpyx-worker-", t.name)]
        assert len(names) == len(set(names)) == hpyx.debug.get_num_worker_threads(), names
    """
    for _ in range(sizes.FIRST_STARTS):
        run_clean_life(script)


def test_a_first_import_while_workers_are_parked_never_stalls():
    script = """
        import hpyx
        hpyx.init(os_threads=2)
        assert hpyx.async_(abs, -1).result() == 1
        import concurrent.futures.process, asyncio, decimal, json, re, unittest.mock
        assert re.match("(a|b)+$", "abab")
        assert json.loads("[1.5]") == [1.5]
        assert decimal.Decimal("0.1") + 1
        assert hpyx.async_(re.match, "x", "x").result()
    """
    run_clean(script)


def test_a_submission_that_is_refused_midway_does_not_count_in_its_executor(tmp_path):
    """The runtime closes while the task gets its name in the trace, and no thread can be had."""
    script = f"""
        import threading, hpyx
        from hpyx import debug
        def no_thread(self):
            raise RuntimeError("can't start new thread")
        class Closes:
            def __getattr__(self, name):
                if name != "__qualname__":
                    raise AttributeError(name)
                hpyx.shutdown()
                threading.Thread.start = no_thread
                return "closes"
            def __call__(self):
                return "called"
        hpyx.init(os_threads=1)
        debug.enable_tracing({str(tmp_path / "trace")!r})
        executor = hpyx.HPXExecutor()
        try:
            print(executor.submit(Closes()).result())
        except RuntimeError as error:
            print("shut down" in str(error))
        executor.shutdown()
    """
    assert run_clean(script) == "True\n"
