import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Generic, TypeVar, overload

from typing_extensions import Self

from ._future import Future

_T = TypeVar("_T")
_F = TypeVar("_F")

class AsCompleted(Iterator[_F], AsyncIterator[_F], Generic[_F]):
    def __iter__(self) -> Self: ...
    def __aiter__(self) -> Self: ...
    def __next__(self) -> _F: ...
    async def __anext__(self) -> _F: ...
    def close(self) -> None: ...

# A future of hpyx is one of the standard library, so the first overload is a special case.
@overload
def as_completed(  # pyright: ignore[reportOverlappingOverload]
    futures: Iterable[Future[_T]], timeout: float | None = None
) -> AsCompleted[Future[_T]]: ...
@overload
def as_completed(
    futures: Iterable[concurrent.futures.Future[_T]], timeout: float | None = None
) -> AsCompleted[concurrent.futures.Future[_T]]: ...
@overload
def as_completed(
    futures: Iterable[concurrent.futures.Future[_T] | asyncio.Future[_T]],
    timeout: float | None = None,
) -> AsCompleted[concurrent.futures.Future[_T] | asyncio.Future[_T]]: ...
