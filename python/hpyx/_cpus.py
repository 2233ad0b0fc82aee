"""How many CPUs this process may really use, and how many threads it may ask for.

Owns: affinity and container limits. Called by: ``_settings``, ``_runtime``, ``config``. Errors:
none; what cannot be read does not limit.
"""

import os

MOST_THREADS = 4096
"""More would take minutes to start and to stop: a slip of the pen is better refused."""


def usable_cpus():
    """Return the number of CPUs that affinity, container and interpreter leave to us."""
    count = os.cpu_count() or 1
    if hasattr(os, "process_cpu_count"):
        count = min(count, os.process_cpu_count() or count)
    if hasattr(os, "sched_getaffinity"):
        try:
            count = min(count, len(os.sched_getaffinity(0)))
        except OSError:
            pass
    limit = container_limit()
    return max(1, count if limit is None else min(count, limit))


def container_limit():
    """Return the CPU quota of the control group, rounded up to CPUs; None if there is none."""
    try:
        quota, period = _read("/sys/fs/cgroup/cpu.max").split()
        if quota == "max":
            return None
    except (OSError, ValueError):
        try:
            quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
            period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
        except OSError:
            return None
    try:
        quota, period = int(quota), int(period)
    except ValueError:
        return None
    return None if quota <= 0 or period <= 0 else -(-quota // period)


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read()
