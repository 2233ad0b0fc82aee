"""The static checks, one per file: ``check.py`` runs them all, or those that it is told.

Each module has ``FAST`` (may it run in ``--fast``?) and ``check()``, which returns a list of
complaints; an empty list means that all is well. The first line of the module's docstring is what
``check.py --list`` shows.
"""
