"""What an exception tells of the calls that were not made because of it.

Owns: the notes (PEP 678) that failures get on their way through ``then`` and ``dataflow``, so that
a traceback shows the whole chain. Interpreters before 3.11 keep them in ``__notes__`` and do not
show them. Called by: the core, for each call given up. Invariant: never raises, never replaces
notes; a long chain leaves MOST notes and one that says so. Threads: any.
"""

from ._core_module import native

MOST = 16
_PREFIX = "hpyx: not called, since its input failed: "
_AND_SO_ON = "hpyx: and so on"


def add_note(exception, text):
    """Add a note to *exception*, as its add_note does where there is one. Never raises."""
    try:
        exception.__dict__.setdefault("__notes__", []).append(text)
    except Exception:  # an exception that takes no attributes, or strange notes of somebody else's
        pass


def note_not_called(exception, call):
    """Add to *exception* that *call* (the callable, or a packed call) was given up for it."""
    try:
        text = _PREFIX + _describe(call)
        notes = exception.__dict__.setdefault("__notes__", [])
        if notes and notes[-1] == _AND_SO_ON:
            return
        ours = sum(1 for note in notes if note.startswith(_PREFIX))
        if ours < MOST:
            notes.append(text)
        else:
            notes.append(_AND_SO_ON)
    except Exception:  # an exception that takes no attributes, or strange notes of somebody else's
        pass


def _describe(call):
    if isinstance(call, tuple):  # packed in Python; a dataflow keeps its callable one level down
        fn, args = call[:2]
        call = args[0] if fn is _call_with_results else fn
    name = getattr(call, "__qualname__", None) or repr(call)
    code = getattr(call, "__code__", None)
    file = getattr(code, "co_filename", None)  # PyPy's built-in functions have code without a file
    return f"{name}" if file is None else f"{name} ({file}:{code.co_firstlineno})"


if native.probe()["runs_tasks_natively"]:
    _call_with_results = None
else:
    from ._python_tasks import call_with_results as _call_with_results

native.register("note_not_called", note_not_called)
