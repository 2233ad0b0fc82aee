import os
from collections.abc import Mapping
from typing import Literal, NamedTuple

class Statistics(NamedTuple):
    workers: int
    threads: int
    busy: int
    searching: int
    asleep: int
    queued: int
    tasks_started: int
    tasks_finished: int
    tasks_stolen: int
    spares_started: int

class Configuration(NamedTuple):
    os_threads: int
    os_threads_from: str
    cfg: tuple[str, ...]
    options: Mapping[str, str]
    max_spare_workers: int
    stack_size: int | None
    autoinit: bool
    async_mode: Literal["async", "deferred"]
    trace_path: str | None

def get_num_worker_threads() -> int: ...
def get_worker_thread_id() -> int: ...
def statistics() -> Statistics: ...
def configuration() -> Configuration: ...
def enable_tracing(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None: ...
def disable_tracing() -> None: ...
