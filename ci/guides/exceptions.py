"""What is not run as printed or not checked by its comment, and why: the one table of both.

Called by: ``guides.py``, which complains about an entry that no document needs.
Keys are (document, section).
"""

from __future__ import annotations

# A block that must end with an exception where the guide contradicts itself: document, section and
# number of the block -> (exception, reason).
ENDS_WITH = {
    ("000", "Explicit initialization", 0): (
        "RuntimeError",
        "prints two alternative calls of init() in one block; by the rule stated below it, the"
        " second one must raise",
    ),
    ("000", "Optimal Threading Configuration", 0): (
        "RuntimeError",
        "opens runtimes with several thread counts in one process; by the rule of init(), the"
        " second one must raise. Our guide makes this measurement with one process per count",
    ),
}

# Sections whose blocks get a process each, and why.
BLOCKS_APART = {
    ("000", "Explicit initialization"): "its two blocks start the runtime with different settings",
}

# Texts of exceptions that are a description, not the text itself.
DESCRIBED = {
    "already started with different config": "the text says both values instead",
}

# Sections that another package does not let run on PyPy.
NOT_ON_PYPY = {
    ("000", "dask integration"): "dask asks for the size of objects, which PyPy does not tell",
    ("000", "Worked examples"): "dask asks for the size of objects, which PyPy does not tell",
}

# Comments behind an expression that state no outcome of this statement.
PROSE = {
    "use 8 HPX worker threads",
    "OK — no-op",
    "HPX cannot restart within the same process after shutdown",
    "must come first",
    "block, raise if upstream raised",
    "block, return exception or None",
    "True if completed (success or failure)",
    "True if started but not done",
    "True if cancel() returned True before start",
    "only succeeds before the task starts",
    "FIFO; runs synchronously if already done",
    "callback receives the resolved Future",
    "return a shareable view",
    "asyncio bridge — see § asyncio Integration",
    "marks this handle unusable",
    "still works — already-submitted work runs to completion",
    "Sequential execution",
    "Perform in-place operations when possible",
    "May or may not be done yet",
    "Tasks with higher IDs finish faster",
    "Inspect the exception stored in the Future",
    # These state an outcome in words; CHECKS has it.
    "True once started, False before first init",
    "e.g. 8 if HPYX_OS_THREADS=8 is set, else None",
    'blocks; "got 42" prints once the callback fires',
}

# What text and comments state in words, as conditions after the last block. ``printed`` is what the
# section printed.
CHECKS = {
    ("000", "Querying runtime state"): ["printed == 'False\\n'"],
    ("000", "Shutdown"): ["not hpyx.is_running()", "raised(RuntimeError, hpyx.init)"],
    ("000", "HPXRuntime context manager"): ["printed == 'hello from HPX\\nTrue\\n'"],
    ("000", "Reading config programmatically"): ["cfg['os_threads'] is None"],
    ("000", "Disabling auto-init"): ["printed == '42\\n'"],
    ("000", "Future methods"): ["fut.done() and not fut.running() and not fut.cancelled()"],
    ("000", "when_any(inputs) -> HPXFuture"): ["all(f.result() for f in futures_list)"],
    ("000", "Combinators with the Pythonic wrapper"): ["futs[idx].result() == idx + 1"],
    ("000", "Adding done callbacks"): ["soon(lambda: seen() == 'got 42\\n')"],
    ("000", "map"): ["len(pairs) == 5"],
    ("000", "dask integration"): ["total == sum(range(1_000_000))"],
    ("000", "Direct await"): ["result == 'slow-result'", "n == 100"],
    ("000", "concurrent.futures.wait and as_completed"): [
        "sorted(printed.split()) == ['1', '2', '3']",
        "not not_done",
    ],
    ("000", "Execution Policies"): [],
    ("000", "Complex Object Transformation"): [
        "[r['id'] for r in records] == [1, 2, 3] and all(r['processed'] for r in records)",
        "[round(r['value']) for r in records] == [110, 220, 330]",
    ],
    ("000", "Mathematical Operations"): ["data == [math.sqrt(i + 1) * 2 for i in range(10)]"],
    ("000", "NumPy Array Processing with hpyx.async_"): [
        "stats['min'] == data.min() and stats['max'] == data.max()",
        "stats['sum'] == np.sum(data)",
    ],
    ("000", "Matrix Operations"): [
        "np.allclose(product, A @ B)",
        "'Product shape: (100, 100)\\nNumber of eigenvalues: 100\\n' == printed",
    ],
    ("000", "NumPy with for_loop"): ["np.allclose(arr, [15.0, 27.0, 31.0, 49.0, 8.0])"],
    ("000", "Large Array Processing"): ["printed.count('Array size ') == 3"],
    ("000", "Exception Handling with Futures"): [
        "printed == 'f(2) = 0.5\\nf(0): Division by zero error\\n'"
        " 'f(-1): Negative values not allowed\\nf(4) = 0.25\\n'"
    ],
    ("000", "Runtime Initialization Errors"): ["printed == 'Computation result: Success!\\n'"],
    ("000", "Robust Error Handling Pattern"): [
        "[(i, r) for i, _, r in results] == [(0, 1), (1, 4), (3, 16), (4, 25)]",
        "[e['error'] for e in errors] == ['Negative value: -3', 'Negative value: -6']",
    ],
    ("000", "Memory-Efficient Processing"): ["330_000 < result < 337_000"],
    ("000", "2. Handle Exceptions Gracefully"): ["reliable_computation(20) == 40"],
    ("000", "4. Batch Operations When Possible"): ["processed == [2 * n for n in range(10000)]"],
    ("000", "5. Profile and Measure Performance"): [
        "parallel_result == sequential_result == sum(range(1000000))"
    ],
    ("000", "6. Design for Scalability"): ["result == sum(x * x for x in range(100000))"],
    ("001", "Drop-in swap"): ["results == [my_fn(x) for x in inputs]"],
    ("001", "Composing beyond stdlib"): [
        "combined.result() == 'one two'",
        "futures_list[idx].done()",
    ],
}

# What differs between two runs of a section of 003, on whatever executor: pattern -> replacement.
VARIES = {
    r"\d+\.\d+(?=s|x)": "#",  # seconds and speed-ups
    r"^(.*(?:PID|differ from main).*)$": "(process ids)",
    r"^Done: (?:True|False)$": "Done: ?",  # "may or may not be done yet"
    r"^Default max_workers: \d+$": "Default max_workers: ?",  # that of the shared pool
}
# Sections where lines come in the order in which tasks end. Tasks that sleep do not hold the others
# back on hpyx, whose blocked pool grows, so that order may differ from that of three threads.
UNORDERED = {
    ("003", "Callbacks on Futures"),
    ("003", "as_completed(): Results in Completion Order"),
}

# Annotations such as ``int | None`` are evaluated where they stand outside of functions: on a
# Python before 3.10 the cells of this document are compiled with annotations as text.
NEEDS_310 = {"003"}
