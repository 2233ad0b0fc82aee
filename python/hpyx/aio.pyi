import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

from typing_extensions import ParamSpec

_P = ParamSpec("_P")
_T = TypeVar("_T")

async def to_thread(fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...
def wrap_future(
    future: concurrent.futures.Future[_T], *, loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Future[_T]: ...
