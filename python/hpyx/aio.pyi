import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar, overload

from typing_extensions import ParamSpec, TypeAlias

_P = ParamSpec("_P")
_T = TypeVar("_T")
_F = TypeVar("_F")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")

_Any: TypeAlias = concurrent.futures.Future[_T] | asyncio.Future[_T]

@overload
async def await_all() -> tuple[()]: ...
@overload
async def await_all(f1: _Any[_T1], /) -> tuple[_T1]: ...
@overload
async def await_all(f1: _Any[_T1], f2: _Any[_T2], /) -> tuple[_T1, _T2]: ...
@overload
async def await_all(f1: _Any[_T1], f2: _Any[_T2], f3: _Any[_T3], /) -> tuple[_T1, _T2, _T3]: ...
@overload
async def await_all(
    f1: _Any[_T1], f2: _Any[_T2], f3: _Any[_T3], f4: _Any[_T4], /
) -> tuple[_T1, _T2, _T3, _T4]: ...
@overload
async def await_all(*futures: _Any[_T]) -> tuple[_T, ...]: ...
async def await_any(*futures: _F) -> tuple[int, list[_F]]: ...
async def to_thread(fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...
def wrap_future(
    future: concurrent.futures.Future[_T], *, loop: asyncio.AbstractEventLoop | None = None
) -> asyncio.Future[_T]: ...
