"""Put ``hpyx.HPXExecutor`` in the place of ``ThreadPoolExecutor``.

Installed into an environment as a module that each interpreter start imports, since some tests
start interpreters of their own and import the executor, and the tests, there. ``HPYX_STDLIB_TESTS``
names the folder that the tests are in; the package ``test`` of the interpreter may lack them.
"""

import concurrent.futures
import concurrent.futures.thread
import os
import sys

import test

import hpyx

test.__path__ = [os.environ["HPYX_STDLIB_TESTS"], *test.__path__]
if sys.implementation.name == "pypy":
    # It would compile this module from a source that Debian leaves out; the tests need it not.
    sys.modules["_testcapi"] = None
for _module in (concurrent.futures, concurrent.futures.thread):
    _module.ThreadPoolExecutor = hpyx.HPXExecutor
    _module.HPXExecutor = hpyx.HPXExecutor
