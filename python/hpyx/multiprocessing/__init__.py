"""Loops over collections that run in parallel.

Owns: the public name ``for_loop``. Called by: users. Threads: any.
"""

from ._for_loop import for_loop

__all__ = ["for_loop"]
