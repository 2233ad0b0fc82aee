"""The native core as a module object: ``from ._core_module import native``.

Owns: the one call that loads the library in this interpreter. Called by: every module of the
package.
"""

from ._loader import load

native = load()
