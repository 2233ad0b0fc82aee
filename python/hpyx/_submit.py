"""``async_`` and ``ready_future``: tasks without an executor.

Owns: which front end is used, the native one or one in Python. Called by: users.
"""

from ._core_module import native
from ._task_front import has_lane

ready_future = native.ready_future

if native.probe()["runs_tasks_natively"]:
    async_ = native.async_
elif has_lane:
    from ._lane import async_
else:
    from ._python_tasks import async_  # noqa: F401
