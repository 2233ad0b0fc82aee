"""How tasks are packed and run where Python does that: chosen here, by what was probed.

Called by: ``_future``, ``_submit``, ``_executor``, ``_runtime``, ``_trace``. Threads: none of its
own.
"""

from . import _python_tasks
from ._core_module import native

# Whether tasks from outside the pool stay in Python: see ``_lane``.
has_lane = native.probe()["family"] == "graalpy"

if has_lane:
    from . import _list_tasks as front
else:
    front = _python_tasks
    native.register("lane", None)

native.register("run_future", front.run_future)
