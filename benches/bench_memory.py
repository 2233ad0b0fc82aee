"""What a waiting task weighs: all workers are blocked, TASKS more are queued.

Each contestant is measured in a process of its own, whose resident set is read before and after.
The pool is kept from growing (``hpyx.max_spare_workers=0``), or spares would start the tasks.
"""

import gc
import os
import subprocess
import sys
import threading

import common
import hpyx

TASKS = 100_000


def resident_bytes():
    """Return the size of the resident set."""
    for _ in range(3):
        gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_per_waiting_task(submit):
    """Block the workers, queue TASKS tasks, and return what each of them takes."""
    for future in [submit(common.increment, i) for i in range(1_000)]:
        future.result()
    started, release = threading.Semaphore(0), threading.Event()

    def block():
        started.release()
        release.wait()

    blockers = [submit(block) for _ in range(common.WORKERS)]
    for _ in blockers:
        started.acquire()
    futures = [None] * TASKS
    before = resident_bytes()
    for i in range(TASKS):
        futures[i] = submit(common.increment, 1)
    taken = resident_bytes() - before
    release.set()
    if any(future.result() != 2 for future in futures):
        raise AssertionError("wrong result")
    return taken / TASKS


def measure_here(contestant):
    """Measure one contestant in this process."""
    if contestant == "hpyx":
        hpyx.init(os_threads=common.WORKERS, cfg=["hpyx.max_spare_workers=0"])
        return bytes_per_waiting_task(hpyx.async_)
    with common.thread_pool() as threads:
        return bytes_per_waiting_task(threads.submit)


def measure_in_child(contestant):
    """Measure one contestant in a process of its own; None where the system does not tell."""
    if not os.path.exists("/proc/self/statm"):
        return None
    words = [sys.executable, os.path.abspath(__file__), contestant]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)


def measure():
    """Return the figure."""
    ours, theirs = measure_in_child("hpyx"), measure_in_child("threads")
    return [common.cost("memory", "memory per waiting task", "bytes", ours, theirs)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(measure_here(sys.argv[1]))
    else:
        common.main(measure)
