"""The interpreters of the matrix: which are wanted, how they are found, how they are got.

``columns.py`` lists what is wanted, ``find.py`` looks on the machine, ``probe.py`` asks an
interpreter what it is, ``debian.py``, ``free_threaded.py`` and ``uv.py`` get a missing one, and
``environment.py`` makes a fresh environment for one.
"""
