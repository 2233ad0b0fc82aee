from collections.abc import Iterable
from types import TracebackType
from typing import Literal

from typing_extensions import Self

def init(
    os_threads: int | Literal["auto"] | None = None, cfg: Iterable[str] | None = None
) -> None: ...
def shutdown() -> None: ...
def is_running() -> bool: ...

class HPXRuntime:
    def __init__(
        self,
        os_threads: int | Literal["auto"] | None = None,
        cfg: Iterable[str] | None = None,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
        /,
    ) -> None: ...
