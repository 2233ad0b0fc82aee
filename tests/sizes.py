"""How much work the tests do, and how long they wait: every number that depends on the interpreter.

What the library promises on every interpreter (FIB, CHAIN, CYCLES) is the same everywhere; what
only makes a race likelier shrinks where the interpreter is slower. Time limits that guard against a
hang (PATIENCE) are generous, as they cost nothing when all is well; the few that state a promise
(SLEEPERS_SECONDS, SIGNAL_SECONDS, FAIR_SECONDS, COLLECTION_SECONDS) say which.
"""

import sys

IMPLEMENTATION = sys.implementation.name
_SPEED = {"cpython": 1.0, "pypy": 0.5, "graalpy": 0.05}.get(IMPLEMENTATION, 0.05)


def _scaled(count, least):
    return max(least, int(count * _SPEED))


# Promised sizes: the same on every interpreter.
FIB, FIB_RESULT = 20, 6765
CHAIN = 10_000
CYCLES = 1_000
DEEP_CHAIN = 100_000 if IMPLEMENTATION != "graalpy" else 10_000
SLEEPERS, SLEEP = 16, 0.2

# Sizes that only make a race likelier.
BURST = _scaled(100_000, 10_000)
BURST_THREADS = 8
ROUND_TRIPS = _scaled(20_000, 1_000)
RACES = _scaled(5_000, 300)
MANY = _scaled(1_000, 100)
FORKS = _scaled(10, 3)
COLLECTIONS = 5 if IMPLEMENTATION == "graalpy" else 20
COLLECTIONS_AT_ONCE = 4 if IMPLEMENTATION == "graalpy" else _scaled(50, 10)
FIRST_STARTS = 1 if IMPLEMENTATION == "graalpy" else _scaled(5, 2)
# When a signal comes while the runtime starts, in microseconds.
START_MOMENTS = (5_000, 20_000, 60_000) if IMPLEMENTATION == "graalpy" else range(100, 2100, 200)

# Whether scripts that need a runtime of their own, but no process, share one: starting takes long.
LIVES_SHARE_A_PROCESS = IMPLEMENTATION == "graalpy"

# Variables for child processes, which run for a moment. The launcher of ci/pythons/graalpy.py reads
# this one: a JVM that optimises less is up in half the time. On 25.0 the stack that a JVM usually
# gives its threads ends a recursion of some 200 calls, with hpyx or without.
SHORT_LIVED = (
    {"HPYX_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss16m"}
    if IMPLEMENTATION == "graalpy"
    else {}
)

# Promised bounds, in seconds. A wait is promised to end within 0.1 s of Ctrl-C; the rest is slack
# for a loaded machine. A GIL holder is promised to yield within some switch intervals (5 ms each).
SLEEPERS_SECONDS = 3.0 if IMPLEMENTATION == "graalpy" else 0.8
SIGNAL_SECONDS = 1.0
FAIR_SECONDS = 1.5 if IMPLEMENTATION == "graalpy" else 0.5  # where a thread is long in starting
# GraalPy's gc.collect() asks the JVM to collect, lets others in several times on the way, and takes
# a third of a second when nothing else happens.
COLLECTION_SECONDS = 5.0 if IMPLEMENTATION == "graalpy" else FAIR_SECONDS
LOAD_SECONDS = 6.0 if IMPLEMENTATION == "graalpy" else 3.0
IDLE_CPU_SECONDS = 0.5 if IMPLEMENTATION == "graalpy" else 0.01  # a JVM has threads of its own
CPU_BOUND_SECONDS = 3.0

# Guards against a hang, in seconds.
PATIENCE = {"cpython": 30, "pypy": 60}.get(IMPLEMENTATION, 90)

# What the resident set may grow by over three bursts, once warm: far below what one leaked
# object per task would take.
BURST_GROWTH_BYTES = (10 if IMPLEMENTATION == "cpython" else 64) * 2**20
