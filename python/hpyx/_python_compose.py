"""``dataflow`` where tasks are packed and run in Python (see ``_python_tasks``).

Called by: ``_compose``. Invariant: bad input raises before anything is linked. Threads: any.
"""

from ._adopt import adopt
from ._core_module import native
from ._python_tasks import call_with_results, no_callable, submitters_context


def dataflow(fn, /, *inputs, **kwargs):
    """Return the future of fn(*inputs, **kwargs), futures among them replaced by their results."""
    if not callable(fn):
        raise no_callable("dataflow(fn, *futures, **kwargs)", fn)
    given = [*inputs, *kwargs.values()]
    sources = [adopt(value) for value in given]
    flags = tuple(source is not None for source in sources)
    given = [value if source is None else source for value, source in zip(given, sources)]
    call = (call_with_results, (fn, given, flags, tuple(kwargs)), {}, submitters_context())
    return native.dependent(call, *(source for source in sources if source is not None))
