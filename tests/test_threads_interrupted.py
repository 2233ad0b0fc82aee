"""Signal handlers that raise while threads of the pool are started, in the main thread.

``Thread.start()`` waits for the new thread, so a handler often raises there, after the thread runs
or before there is one. Either way the pool gets its threads, no thread twice, and the exception
comes out of the call of hpyx that the main thread is in, once.
"""

import pytest

import sizes
from child import run_clean, run_life, run_python
from skips import needs

# Raises once from start() of the threads of a role, before or after the thread is started.
PRELUDE = """
    import signal, threading
    import hpyx

    class Alarm(Exception):
        pass

    start, times = threading.Thread.start, []

    def interrupted(self):
        first = self.name.startswith({name!r})
        if first:
            threading.Thread.start = start
            times.append(self.name)
        if first and {early}:
            raise {kind}("alarm")
        start(self)
        if first:
            raise {kind}("alarm")

    threading.Thread.start = interrupted

    def names():
        return sorted(thread.name for thread in threading.enumerate())
"""

KINDS = ["Alarm", "KeyboardInterrupt", "SystemExit", "RuntimeError"]


def run_scene(scene, name, early, kind):
    script = PRELUDE.format(name=name, early=early, kind=kind) + scene.format(kind=kind)
    done = run_life(script)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("done", "", 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early", [True, False])
def test_the_start_of_the_runtime_ends_with_all_workers_and_raises(early, kind):
    scene = """
    try:
        hpyx.init(os_threads=3)
    except {kind} as error:
        assert str(error) == "alarm"
    else:
        raise AssertionError("lost")
    assert hpyx.is_running()
    workers = [name for name in names() if "worker" in name]
    assert workers == ["hpyx-worker-0", "hpyx-worker-1", "hpyx-worker-2"], workers
    meeting = threading.Barrier(3)
    futures = [hpyx.async_(meeting.wait, 20) for _ in range(3)]
    assert sorted(future.result() for future in futures) == [0, 1, 2]
    hpyx.shutdown()
    assert not [name for name in names() if "hpyx" in name], names()
    print("done")
    """
    run_scene(scene, "hpyx-worker-1", early, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early", [True, False])
def test_a_submission_that_starts_the_sentry_is_queued_and_raises(early, kind):
    scene = """
    hpyx.init(os_threads=1)
    held, running = threading.Event(), threading.Event()
    seen, lost = [], 0

    def submit(function, *args):
        global lost
        try:
            hpyx.async_(function, *args)
        except {kind} as error:
            assert str(error) == "alarm"
            lost += 1

    # This one starts the sentry already if the worker is not idle yet.
    submit(lambda: (running.set(), held.wait(20)))
    assert running.wait(20)
    for index in range(20):
        submit(seen.append, index)
    held.set()
    hpyx.shutdown()
    assert lost == 1 and len(times) == 1, (lost, times)
    assert sorted(seen) == list(range(20)), seen
    print("done")
    """
    run_scene(scene, "hpyx-sentry", early, kind)


REAL_SIGNAL = """
    import signal, threading
    import hpyx

    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    NO_SPARES = ["hpyx.max_spare_workers=0"]  # so that all four workers have to come
    signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, {seconds})
        hpyx.init(os_threads=4, cfg=NO_SPARES)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Alarm:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        hpyx.init(os_threads=4, cfg=NO_SPARES)
    except Alarm:
        pass
    meeting = threading.Barrier(4)
    futures = [hpyx.async_(meeting.wait, 20) for _ in range(4)]
    assert sorted(future.result() for future in futures) == [0, 1, 2, 3]
    hpyx.shutdown()
    print("done")
"""


@needs("interrupts_anywhere")
@pytest.mark.parametrize("microseconds", sizes.START_MOMENTS)
def test_a_real_signal_at_any_moment_of_the_start_leaves_a_whole_pool(microseconds):
    done = run_python(REAL_SIGNAL.format(seconds=microseconds * 1e-6))
    # Not stderr: threading itself may have given up a thread that runs, which then says so there.
    assert (done.stdout.strip(), done.returncode) == ("done", 0)


def test_what_threading_makes_of_an_interrupted_start_is_not_what_is_raised():
    """CPython 3.13 may raise KeyError when it cleans up after a handler that raised."""
    script = """
        import threading, hpyx

        class Alarm(Exception):
            pass

        real_start, left = threading.Thread.start, [True]

        def start(self):
            real_start(self)
            if left and left.pop():
                try:
                    raise Alarm
                except Alarm:
                    {}[self]

        threading.Thread.start = start
        try:
            hpyx.init(os_threads=2)
        except Alarm as error:
            print("alarm", error.__suppress_context__)
        hpyx.init(os_threads=2)
        meeting = threading.Barrier(2)
        futures = [hpyx.async_(meeting.wait, 20) for _ in range(2)]
        print(sorted(future.result() for future in futures))
    """
    assert run_clean(script) == "alarm True\n[0, 1]\n"
