import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any, TypeVar, overload

from typing_extensions import TypeAlias

from ._future import Future

_R = TypeVar("_R")
_F = TypeVar("_F")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")

# What the combinators take: hpyx.Future is a concurrent.futures.Future.
_Any: TypeAlias = concurrent.futures.Future[_R] | asyncio.Future[_R]

@overload
def when_all() -> Future[tuple[()]]: ...
@overload
def when_all(f1: _Any[_T1], /) -> Future[tuple[_T1]]: ...
@overload
def when_all(f1: _Any[_T1], f2: _Any[_T2], /) -> Future[tuple[_T1, _T2]]: ...
@overload
def when_all(f1: _Any[_T1], f2: _Any[_T2], f3: _Any[_T3], /) -> Future[tuple[_T1, _T2, _T3]]: ...
@overload
def when_all(
    f1: _Any[_T1], f2: _Any[_T2], f3: _Any[_T3], f4: _Any[_T4], /
) -> Future[tuple[_T1, _T2, _T3, _T4]]: ...
@overload
def when_all(*futures: _Any[_R]) -> Future[tuple[_R, ...]]: ...
def when_any(*futures: _F) -> Future[tuple[int, list[_F]]]: ...
def dataflow(fn: Callable[..., _R], /, *inputs: Any, **kwargs: Any) -> Future[_R]: ...
def shared_future(future: _Any[_R], /) -> Future[_R]: ...
