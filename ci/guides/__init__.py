"""The code that guides print, run as it is printed, with the outcome that they state.

``parse.py`` finds sections and blocks in a document, ``outcomes.py`` reads the comments that state
an outcome, ``run_section.py`` runs one section in a process of its own, ``preamble_*.py`` supply
the names that a document leaves undefined, ``exceptions.py`` is the table of what is not as
printed, and why. Called by: the script beside this folder.
"""
