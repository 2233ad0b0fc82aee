"""How tasks are packed and run where Python does that: chosen here, by what was probed.

Called by: ``_submit``, ``_executor``, ``_future``, ``_runtime``. Threads: none of its own.
"""

from . import _python_tasks
from ._core_module import native

if native.probe()["family"] == "graalpy":
    from . import _list_tasks as _front
else:
    _front = _python_tasks

async_ = _front.async_
submit = _front.submit
run_future = _front.run_future
run_thread = _front.run_thread
result = _front.result
attributes = _front.attributes

native.register("run_future", run_future)
