"""The end of the process: queued work is finished, nothing crashes or hangs, stderr is empty.

Each claim needs an interpreter of its own. `run_clean` asserts the exit status and the empty
stderr. See also test_fork.py for the exit of forked children, test_runtime_lifecycle.py for
shutdown().
"""

import sys

import pytest

import sizes
from child import run_clean, run_python


def test_queued_work_is_finished_at_exit():
    script = """
        import hpyx
        hpyx.init(os_threads=1)
        done = []
        def work(index):
            done.append(index)
            if len(done) == 300:
                print("all done", done == list(range(300)), flush=True)
        for index in range(300):
            hpyx.async_(work, index)
    """
    assert run_clean(script) == "all done True\n"


def test_running_work_is_finished_at_exit():
    script = """
        import threading, time, hpyx
        def work():
            started.set()
            time.sleep(0.3)
            print("finished", flush=True)
        started = threading.Event()
        hpyx.async_(work)
        started.wait()
    """
    assert run_clean(script) == "finished\n"


def test_work_of_an_executor_that_nobody_shut_down_is_finished_at_exit():
    script = """
        import os, hpyx
        executor = hpyx.HPXExecutor()
        results = executor.map(lambda i: os.write(1, b"%d\\n" % i), range(5))
    """
    assert sorted(run_clean(script).split()) == list("01234")


@pytest.mark.parametrize(
    "ending, status",
    [("sys.exit(3)", 3), ("raise SystemExit(4)", 4), ("sys.exit(0)", 0)],
)
def test_the_exit_status_is_kept(ending, status):
    script = """
        import sys, hpyx
        for index in range(20):
            hpyx.async_(abs, index)
        hpyx.async_(print, "worked", flush=True)
        {}
    """
    assert run_clean(script.format(ending), returncode=status) == "worked\n"


def test_work_is_finished_although_the_main_script_fails():
    script = """
        import hpyx
        hpyx.async_(print, "worked", flush=True)
        raise LookupError("the script's own")
    """
    result = run_python(script)
    assert result.returncode == 1
    assert result.stdout == "worked\n"
    assert result.stderr.strip().splitlines()[-1] == "LookupError: the script's own"


def test_a_task_that_asks_to_exit_does_not_end_the_process():
    script = """
        import sys, hpyx
        future = hpyx.async_(sys.exit, 9)
        assert type(future.exception()) is SystemExit
        hpyx.async_(sys.exit, 9).add_done_callback(lambda done: done.exception())
    """
    run_clean(script)


def test_after_exit_has_begun_new_work_is_refused_with_the_text_of_the_standard_library():
    script = """
        import atexit, hpyx
        hpyx.init(os_threads=2)
        executor = hpyx.HPXExecutor()
        future = hpyx.async_(abs, -1)
        @atexit.register
        def late():
            print(future.result())
            for submit in (hpyx.async_, executor.submit):
                try:
                    submit(abs, -1)
                except RuntimeError as error:
                    print(error)
    """
    text = "cannot schedule new futures after interpreter shutdown"
    assert run_clean(script).splitlines() == ["1", text, text]


def test_a_task_that_submits_after_exit_has_begun_is_refused_and_nothing_hangs():
    script = """
        import threading, hpyx
        hpyx.init(os_threads=1)
        exiting = threading.Event()
        threading._register_atexit(exiting.set)  # runs before what was registered earlier
        def task():
            exiting.wait()
            try:
                print("accepted", hpyx.async_(abs, -1).result(), flush=True)
            except RuntimeError as error:
                print(error, flush=True)
        hpyx.async_(task)
    """
    output = run_clean(script).strip()
    allowed = ["accepted 1", "cannot schedule new futures after interpreter shutdown"]
    assert output in allowed


CHAIN_AT_EXIT = """
    import threading, hpyx
    hpyx.init(os_threads=1)
    futures, ready = [], threading.Event()
    def link(index):
        ready.wait()
        try:
            value = futures[index + 1].result({timeout}) + 1 if index + 1 < {length} else 1
        except RuntimeError:
            print("no more threads", flush=True)
            raise
        if index == 0:
            print("length", value, flush=True)
        return value
    futures.extend(hpyx.async_(link, index) for index in range({length}))
    ready.set()
"""


SLOW_START = """
    import threading
    start = threading.Thread.start
    def slow_start(self):
        start(self)
        self.join(0.05)  # long enough for a spare that finds nothing to do to have gone again
    threading.Thread.start = slow_start
"""


@pytest.mark.parametrize(
    "start, timeout, length",
    [("", "", 500), ("", "60", 20), (SLOW_START, "60", 20)],
    ids=["nested", "on spares", "on spares that start slowly"],
)
def test_queued_tasks_that_wait_for_each_other_are_finished_at_exit(start, timeout, length):
    """CPython 3.12.0 and 3.12.1 start no thread now: waits nest further, or fail, but end."""
    output = run_clean(start + CHAIN_AT_EXIT.format(timeout=timeout, length=length))
    if "no more threads" in output:
        assert sys.version_info[:3] in ((3, 12, 0), (3, 12, 1)), output
    else:
        assert output == f"length {length}\n"


def test_blocked_tasks_that_need_each_other_end_at_exit():
    script = """
        import os, threading, hpyx
        hpyx.init(os_threads=2)
        meeting = threading.Barrier(5)
        def meet():
            meeting.wait(20)
            os.write(1, b"met\\n")
        futures = [hpyx.async_(meet) for _ in range(5)]
        futures[0].result()
    """
    assert run_clean(script) == "met\n" * 5


DAEMON = """
    import sys, threading, hpyx
    hpyx.init(os_threads=2)
    exiting = threading.Event()
    threading._register_atexit(exiting.set)
    def wait_to_the_end():
        inside.release()
        try:
            {wait}
        except BaseException:
            pass
    inside = threading.Semaphore(0)
    def blocked():
        exiting.wait()
        threading.Event().wait(0.2)
    futures = [hpyx.async_(blocked)]
    for _ in range(4):
        threading.Thread(target=wait_to_the_end, daemon=True).start()
    for _ in range(4):
        inside.acquire()
    {ending}
"""


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "exiting.set(); hpyx.shutdown()"])
@pytest.mark.parametrize(
    "wait",
    [
        "futures[0].result()",
        "futures[0].result(30)",
        "[hpyx.async_(abs, -1).result() for _ in iter(int, 1)]",
    ],
)
def test_daemon_threads_inside_a_wait_do_not_disturb_the_exit(wait, ending):
    """Up to CPython 3.13 such a thread is ended by force when it asks for the GIL again."""
    for _ in range(sizes.FIRST_STARTS):
        run_clean(DAEMON.format(wait=wait, ending=ending))


def test_finalizers_that_run_at_exit_may_touch_futures():
    script = """
        import hpyx
        class Late:
            def __init__(self):
                self.future = hpyx.async_(abs, -1)
            def __del__(self, hpyx=hpyx):
                self.future.done(), self.future.cancel(), repr(self.future)
                try:
                    hpyx.async_(abs, -1)
                except RuntimeError:
                    pass
        keep = [Late() for _ in range(10)]
        keep.append(keep)
        cycle = Late()
        cycle.self = cycle
        import sys
        sys.keep_until_the_end = Late()
    """
    run_clean(script)


def test_a_finalizer_that_waits_while_the_interpreter_dies_comes_back():
    """Not every interpreter runs finalizers then."""
    script = """
        import concurrent.futures, sys, hpyx
        never = concurrent.futures.Future()
        class Late:
            def __del__(self, future=hpyx.when_all(never), late=concurrent.futures.TimeoutError):
                try:
                    future.result(0.001)
                except late:
                    print("came back", flush=True)
        sys.modules["late"] = Late()
    """
    assert run_clean(script) in ("", "came back\n")


def test_import_alone_leaves_nothing_to_clean_up():
    script = """
        import threading, hpyx
        assert threading.active_count() == 1
        assert not hpyx.is_running()
    """
    run_clean(script)


def test_exit_right_after_the_start_is_clean():
    for _ in range(sizes.FIRST_STARTS):
        run_clean("import hpyx; hpyx.init(os_threads=4)")
        run_clean("import hpyx; hpyx.async_(int)")


def test_a_mixed_life_under_the_memory_debugger_ends_clean():
    script = """
        import concurrent.futures, gc, threading, hpyx
        hpyx.init(os_threads=2)
        def nested(depth):
            return hpyx.async_(nested, depth - 1).result() + 1 if depth else 0
        futures = [hpyx.async_(nested, 5) for _ in range(50)]
        futures += [hpyx.async_(int, "x") for _ in range(50)]
        for future in futures:
            future.add_done_callback(lambda done: done.exception())
        with hpyx.HPXExecutor() as executor:
            list(executor.map(abs, range(100)))
        concurrent.futures.wait(futures)
        gc.collect()
        del futures
        for call in ((nested, 3), (int, "x")):  # either may be refused, or fail, at exit
            hpyx.async_(*call).add_done_callback(lambda done: done.exception())
        print("end")
    """
    assert run_clean(script, env={"PYTHONMALLOC": "debug", "PYTHONDEVMODE": "1"}) == "end\n"
