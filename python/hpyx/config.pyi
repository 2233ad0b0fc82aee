from collections.abc import Mapping
from typing import Literal, TypedDict

class _Configuration(TypedDict):
    os_threads: int | None
    cfg: list[str]
    autoinit: bool
    trace_path: str | None

DEFAULTS: _Configuration

def from_env(environ: Mapping[str, str] | None = None) -> _Configuration: ...
def async_mode(environ: Mapping[str, str] | None = None) -> Literal["async", "deferred"]: ...
def threads_are_auto(environ: Mapping[str, str] | None = None) -> bool: ...
