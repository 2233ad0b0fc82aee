"""fork: the child gets a fresh runtime and broken pending futures, the parent keeps its own.

Each scenario is a script that forks; the forked child reports through its exit status. The warnings
of newer Pythons about forking with threads are silenced: forking with threads is the point here.
"""

from child import run_clean
from sizes import FORKS
from skips import needs

pytestmark = needs("fork")

PRELUDE = """
import concurrent.futures, os, sys, threading, traceback
import hpyx
from helpers import Gate, parallel, wait_until

def in_child(body, leave=os._exit):
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        body()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    leave(0)

def join(pid):
    status = os.waitpid(pid, 0)[1]
    assert status == 0, "forked child ended with status {}".format(status)

"""


def run(script):
    return run_clean(PRELUDE + script, warnings="ignore::DeprecationWarning")


def test_the_child_gets_a_runtime_of_its_own_and_the_parent_keeps_its_own():
    script = """
hpyx.init(os_threads=2)
executor = hpyx.HPXExecutor()
assert executor.submit(abs, -1).result() == 1
before = {t.ident for t in threading.enumerate()}

def body():
    assert hpyx.async_(abs, -5).result() == 5
    assert executor.submit(abs, -6).result() == 6
    assert list(executor.map(abs, range(-50, 0))) == list(range(50, 0, -1))
    assert hpyx.HPXExecutor().submit(abs, -7).result() == 7
    assert hpyx.is_running()
    assert hpyx.debug.get_num_worker_threads() == 2
    assert hpyx.debug.get_worker_thread_id() == -1
    assert hpyx.debug.statistics().tasks_started < 100

join(in_child(body))
assert executor.submit(abs, -2).result() == 2
assert before <= {t.ident for t in threading.enumerate()}
"""
    run(script)


def test_futures_that_were_pending_are_broken_in_the_child_and_end_in_the_parent():
    script = """
hpyx.init(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
gate = Gate()
running = hpyx.async_(gate, "running")
gate.entered()
pending = hpyx.async_(abs, -1)
finished = hpyx.ready_future("ready")
called = []
pending.add_done_callback(called.append)

def body():
    for future in (running, pending):
        for ask in (future.result, future.exception, lambda: future.result(5)):
            try:
                outcome = ask()
            except concurrent.futures.BrokenExecutor:
                continue
            assert isinstance(outcome, concurrent.futures.BrokenExecutor), outcome
    assert finished.result() == "ready"
    done, not_done = concurrent.futures.wait([running, pending, finished], timeout=10)
    assert not not_done
    assert hpyx.async_(abs, -3).result() == 3

join(in_child(body))
gate.open()
assert running.result() == "running"
assert pending.result() == 1
assert wait_until(lambda: called == [pending])
"""
    run(script)


def test_a_child_that_ends_like_a_script_ends_clean():
    script = """
hpyx.init(os_threads=2)
assert hpyx.async_(abs, -1).result() == 1

def use():
    assert hpyx.async_(abs, -5).result() == 5
    hpyx.async_(print, "queued", flush=True)

join(in_child(use, leave=sys.exit))
join(in_child(lambda: None, leave=sys.exit))
"""
    assert run(script) == "queued\n"


def test_a_fork_before_the_start_changes_nothing():
    script = """
def body():
    assert not hpyx.is_running()
    assert hpyx.async_(abs, -5).result() == 5

join(in_child(body))
assert not hpyx.is_running()
assert hpyx.async_(abs, -5).result() == 5
"""
    run(script)


def test_a_grandchild_works_like_a_child():
    script = """
hpyx.init(os_threads=2)

def body():
    assert hpyx.async_(abs, -5).result() == 5
    join(in_child(lambda: hpyx.async_(abs, -6).result(20)))
    assert hpyx.async_(abs, -7).result() == 7

join(in_child(body))
"""
    run(script)


def test_a_fork_inside_a_task_leaves_both_sides_working():
    script = """
hpyx.init(os_threads=2)

def task():
    pid = in_child(lambda: hpyx.async_(abs, -5).result(20))
    join(pid)
    return hpyx.async_(abs, -6).result()

assert hpyx.async_(task).result() == 6
"""
    run(script)


def test_a_task_that_returns_in_both_processes_leaves_the_queue_to_the_parent():
    script = """
hpyx.init(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
read_end, write_end = os.pipe()
gate = Gate()

def forks():
    gate("forks")
    if os.fork() == 0:
        os.write(write_end, b"c")
    return os.getpid()

def says_where():
    os.write(write_end, b"p" if os.getpid() == parent else b"!")

parent = os.getpid()
forking = hpyx.async_(forks)
gate.entered()
queued = [hpyx.async_(says_where) for _ in range(10)]
gate.open()
assert forking.result() == parent
for future in queued:
    future.result()
os.wait()
os.close(write_end)
assert sorted(os.read(read_end, 100)) == sorted(b"c" + b"p" * 10)
"""
    run(script)


def test_forks_in_the_middle_of_heavy_use_never_inherit_a_held_lock():
    script = """
hpyx.init(os_threads=2)
stop = threading.Event()

def use(_):
    while not stop.is_set():
        futures = [hpyx.async_(abs, -i) for i in range(50)]
        assert [f.result() for f in futures] == list(range(50))

def body():
    assert [hpyx.async_(abs, -i).result(20) for i in range(20)] == list(range(20))

users = [threading.Thread(target=use, args=(i,)) for i in range(2)]
for user in users:
    user.start()
for _ in range({forks}):
    join(in_child(body))
stop.set()
for user in users:
    user.join()
assert hpyx.async_(abs, -9).result() == 9
"""
    run(script.replace("{forks}", str(FORKS)))


def test_multiprocessing_with_fork_works_from_a_process_that_uses_hpyx():
    script = """
import multiprocessing

def target(connection):
    connection.send([hpyx.async_(abs, -i).result() for i in range(5)])
    connection.close()

hpyx.init(os_threads=2)
assert hpyx.async_(abs, -1).result() == 1
context = multiprocessing.get_context("fork")
ours, theirs = context.Pipe()
process = context.Process(target=target, args=(theirs,))
process.start()
assert ours.poll(30)
assert ours.recv() == [0, 1, 2, 3, 4]
process.join()
assert process.exitcode == 0
"""
    run(script)


def test_shutdown_in_the_child_is_its_own():
    script = """
hpyx.init(os_threads=2)

def body():
    assert hpyx.async_(abs, -5).result() == 5
    hpyx.shutdown()
    assert not hpyx.is_running()

join(in_child(body))
assert hpyx.is_running()
assert hpyx.async_(abs, -1).result() == 1
"""
    run(script)
