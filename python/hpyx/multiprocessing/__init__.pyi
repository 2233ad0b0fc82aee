from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeVar

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

class _MutableSequence(Protocol[_T_co]):
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> _T_co: ...
    def __setitem__(self, index: int, value: Any, /) -> None: ...

def for_loop(
    function: Callable[[_T], object],
    data: _MutableSequence[_T],
    policy: Literal["seq", "par"] = "seq",
) -> None: ...

__all__ = ["for_loop"]
