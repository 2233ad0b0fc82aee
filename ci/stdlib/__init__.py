"""CPython's own tests of executors and futures, run with hpyx in place of the thread pool.

``sources.py`` finds the tests of an interpreter, ``swap.py`` puts hpyx in the place of
``ThreadPoolExecutor`` in every process of an environment, ``driver.py`` runs the tests there, and
``exclusions.py`` is the table of those that look inside what was replaced.
Called by: ``stdlib_tests.py``.
"""
