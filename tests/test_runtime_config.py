"""Configuration from the environment and from the machine: HPYX_* variables, processor affinity.

Precedence: arguments of hpyx.init, then the environment, then the default. Everything runs in a
child.
"""

import re

import pytest

import hpyx
from child import run_clean, run_clean_life, run_life
from hpyx import config
from skips import needs

COUNT = """
    import hpyx
    hpyx.init({})
    assert hpyx.async_(abs, -1).result() == 1
    print(hpyx.debug.get_num_worker_threads())
"""
START_BY_TASK = """
    import hpyx
    assert hpyx.async_(abs, -1).result() == 1
    print(hpyx.debug.get_num_worker_threads())
"""


def test_the_environment_sets_the_number_of_workers():
    assert run_clean_life(START_BY_TASK, env={"HPYX_OS_THREADS": "3"}).strip() == "3"


def test_arguments_beat_the_environment():
    script = COUNT.format("os_threads=2")
    assert run_clean_life(script, env={"HPYX_OS_THREADS": "3"}).strip() == "2"


def test_an_empty_variable_is_no_wish():
    empty = {"HPYX_OS_THREADS": "", "HPYX_CFG": "", "HPYX_AUTOINIT": ""}
    assert run_clean_life(START_BY_TASK, env=empty) == run_clean_life(START_BY_TASK)


@pytest.mark.parametrize("value", ["abc", "0", "-2", "2.5"])
def test_a_bad_number_of_workers_is_refused_and_the_variable_named(value):
    result = run_life(START_BY_TASK, env={"HPYX_OS_THREADS": value})
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError") and "HPYX_OS_THREADS" in last and value in last


BLOCKED_POOL = """
    import threading, hpyx
    hpyx.init(os_threads=1{})
    release = threading.Event()
    first = hpyx.async_(release.wait, 1.0)
    second = hpyx.async_(release.set)
    print(first.result(), hpyx.debug.statistics().spares_started)
"""


def test_cfg_from_the_environment_is_honoured_and_arguments_beat_it():
    env = {"HPYX_CFG": "hpx.stacks.small_size=0x20000;hpyx.max_spare_workers=0"}
    assert run_clean_life(BLOCKED_POOL.format(""), env=env).split() == ["False", "0"]
    argument = ', cfg=["hpyx.max_spare_workers=4"]'
    grown = run_clean_life(BLOCKED_POOL.format(argument), env=env).split()
    assert grown[0] == "True" and int(grown[1]) >= 1


@pytest.mark.parametrize("value", ["0", "false"])
def test_without_autoinit_a_task_needs_an_explicit_init(value):
    script = """
        import hpyx
        try:
            hpyx.async_(abs, -1)
        except RuntimeError as error:
            assert "hpyx.init" in str(error), error
        else:
            raise AssertionError("started by itself")
        try:
            hpyx.HPXExecutor().submit(abs, -1)
        except RuntimeError as error:
            assert "hpyx.init" in str(error), error
        else:
            raise AssertionError("started by itself")
        assert not hpyx.is_running()
        hpyx.init(os_threads=2)
        print(hpyx.async_(abs, -1).result())
    """
    assert run_clean_life(script, env={"HPYX_AUTOINIT": value}).strip() == "1"


@pytest.mark.parametrize("value", ["1", "true"])
def test_autoinit_can_be_asked_for(value):
    env = {"HPYX_AUTOINIT": value, "HPYX_OS_THREADS": "2"}
    assert run_clean_life(START_BY_TASK, env=env).strip() == "2"


@needs("affinity")
def test_the_default_number_of_workers_respects_the_affinity_of_the_process():
    script = """
        import os
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        import hpyx
        hpyx.init()
        print(hpyx.debug.get_num_worker_threads())
    """
    assert run_clean(script).strip() == "1"


@needs("affinity")
def test_the_default_number_of_workers_is_at_most_what_the_process_may_use():
    script = """
        import os, hpyx
        hpyx.init()
        print(hpyx.debug.get_num_worker_threads(), len(os.sched_getaffinity(0)))
    """
    workers, allowed = map(int, run_clean_life(script).split())
    assert 1 <= workers <= allowed


def test_a_start_that_is_refused_can_be_made_good_in_the_same_process():
    script = """
        import os, hpyx
        try:
            hpyx.async_(abs, -1)
        except ValueError:
            pass
        os.environ["HPYX_OS_THREADS"] = "2"
        assert hpyx.async_(abs, -1).result() == 1
        print(hpyx.debug.get_num_worker_threads())
    """
    output = run_clean_life(script, env={"HPYX_OS_THREADS": "none"})
    assert output.strip() == "2"


WHY = """
    import hpyx
    hpyx.init({})
    found = hpyx.debug.configuration()
    assert found.os_threads == hpyx.debug.get_num_worker_threads()
    print(found.os_threads, "|", found.os_threads_from)
"""
LAYERS = {"HPYX_OS_THREADS": "3", "HPYX_CFG": "hpx.os_threads!=4"}


@pytest.mark.parametrize(
    ("arguments", "env", "expected"),
    [
        ('os_threads=2, cfg=["hpx.os_threads=5"]', LAYERS, "2 | an argument"),
        ('cfg=["hpx.os_threads=5"]', LAYERS, "5 | cfg entry hpx.os_threads, an argument"),
        ("", LAYERS, "3 | HPYX_OS_THREADS"),
        ("cfg=[]", {"HPYX_OS_THREADS": "3"}, "3 | HPYX_OS_THREADS"),
        ("", {"HPYX_CFG": "hpx.os_threads!=4"}, "4 | hpx.os_threads in HPYX_CFG"),
    ],
)
def test_arguments_go_before_the_environment_and_threads_before_cfg(arguments, env, expected):
    assert run_clean_life(WHY.format(arguments), env=env).strip() == expected


def test_auto_is_a_wish_too_and_beats_the_environment():
    plain = run_clean_life(START_BY_TASK)
    assert run_clean_life(COUNT.format('os_threads="auto"'), env={"HPYX_OS_THREADS": "57"}) == plain


@pytest.mark.parametrize("value", ["auto", "cores", "all"])
def test_auto_in_cfg_is_a_wish_too_and_beats_the_environment(value):
    plain = run_clean_life(COUNT.format(""))
    script = COUNT.format(f'cfg=["hpx.os_threads={value}"]')
    assert run_clean_life(script, env={"HPYX_OS_THREADS": "57"}) == plain


def test_auto_in_the_environment_beats_the_environments_cfg():
    plain = run_clean_life(COUNT.format(""))
    wishes = {"HPYX_OS_THREADS": "auto", "HPYX_CFG": "hpx.os_threads=57"}
    assert run_clean_life(COUNT.format(""), env=wishes) == plain
    assert run_clean_life(COUNT.format("os_threads=3"), env=wishes).strip() == "3"


def test_the_defaults_are_those_of_the_guide():
    expected = {"os_threads": None, "cfg": [], "autoinit": True, "trace_path": None}
    defaults = dict(config.DEFAULTS)
    assert defaults == expected and list(defaults) == list(expected)
    assert config.from_env({}) == expected
    assert config.from_env({})["cfg"] is not config.DEFAULTS["cfg"]


def test_from_env_reads_every_variable():
    read = config.from_env(
        {
            "HPYX_OS_THREADS": "8",
            "HPYX_CFG": "hpx.stacks.small_size=0x20000; hpx.os_threads!=4;",
            "HPYX_AUTOINIT": "0",
            "HPYX_TRACE_PATH": "trace.jsonl",
        }
    )
    assert read == {
        "os_threads": 8,
        "cfg": ["hpx.stacks.small_size=0x20000", "hpx.os_threads!=4"],
        "autoinit": False,
        "trace_path": "trace.jsonl",
    }
    assert config.async_mode({"HPYX_ASYNC_MODE": "deferred"}) == "deferred"


def test_all_of_cfg_is_kept_and_shown_and_nobody_can_change_it():
    script = """
        import hpyx
        cfg = ["hpx.stacks.small_size=0x20000", "my.own!=1", "my.own=2"]
        hpyx.init(os_threads=2, cfg=cfg)
        found = hpyx.debug.configuration()
        assert found.cfg == tuple(cfg), found
        assert dict(found.options) == {"hpx.stacks.small_size": "0x20000", "my.own": "2"}, found
        assert found.stack_size is None, "smaller than what threads get anyway"
        for change in (
            lambda: setattr(found, "os_threads", 3),
            lambda: found.options.update(a=1),
        ):
            try:
                change()
            except AttributeError:
                continue
            raise AssertionError("changed")
        print(found.os_threads, found.max_spare_workers > 0, found.autoinit)
    """
    assert run_clean_life(script) == "2 True True\n"


def test_the_configuration_can_be_asked_for_before_the_start():
    script = """
        import hpyx
        found = hpyx.debug.configuration()
        assert not hpyx.is_running()
        hpyx.init()
        assert hpyx.debug.configuration() == found
        print(found.os_threads)
    """
    assert run_clean_life(script, env={"HPYX_OS_THREADS": "3"}) == "3\n"


STACK = """
    import ctypes, threading
    import hpyx
    hpyx.init(os_threads=1, cfg={})

    def stack_size():
        libc = ctypes.CDLL(None)
        libc.pthread_self.restype = ctypes.c_void_p
        attributes, size = ctypes.create_string_buffer(256), ctypes.c_size_t()
        thread = ctypes.c_void_p(libc.pthread_self())
        assert libc.pthread_getattr_np(thread, attributes) == 0
        assert libc.pthread_attr_getstacksize(attributes, ctypes.byref(size)) == 0
        return size.value

    def usual():
        sizes = []
        thread = threading.Thread(target=lambda: sizes.append(stack_size()))
        thread.start()
        thread.join()
        return sizes[0]

    print(hpyx.async_(stack_size).result(), usual())
"""


@needs("thread_stacks")
def test_a_stack_size_may_enlarge_the_stacks_of_workers_and_of_no_other_thread():
    wanted = 100 << 20
    worker, usual = map(
        int, run_clean_life(STACK.format([f"hpx.stacks.small_size={wanted:#x}"])).split()
    )
    assert worker >= wanted > usual


@needs("thread_stacks")
def test_a_stack_size_never_makes_a_stack_smaller():
    output = run_clean_life(STACK.format(["hpx.stacks.small_size=0x20000"]))
    worker, usual = map(int, output.split())
    assert worker == usual


@pytest.mark.parametrize(
    "entry",
    ["hpx.stacks.small_size=big", "hpx.stacks.huge_size=0", "hpx.os_threads=-1", "novalue", "=4"]
    + ["hpx.os_threads=4097", "hpyx.max_spare_workers=" + 30 * "9"],
)
def test_a_cfg_entry_that_cannot_be_read_is_refused_and_named(entry):
    with pytest.raises(ValueError, match=re.escape(entry)):
        hpyx.init(cfg=[entry])


@pytest.mark.parametrize("cfg", [4, "hpx.os_threads=4", [4]])
def test_cfg_that_is_no_list_of_strings_is_refused(cfg):
    with pytest.raises(TypeError, match="cfg must be a list"):
        hpyx.init(cfg=cfg)


@pytest.mark.parametrize("os_threads", [4097, 10**30])
def test_more_threads_than_any_machine_serves_are_refused(os_threads):
    with pytest.raises(ValueError, match="at most 4096"):
        hpyx.init(os_threads=os_threads)
    with pytest.raises(ValueError, match=f"HPYX_OS_THREADS=.{os_threads}"):
        config.from_env({"HPYX_OS_THREADS": str(os_threads)})
