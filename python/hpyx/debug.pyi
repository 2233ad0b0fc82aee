import os
from typing import NamedTuple

class Statistics(NamedTuple):
    workers: int
    threads: int
    spares_started: int
    tasks_started: int
    tasks_finished: int
    tasks_stolen: int
    queued: int
    asleep: int

def get_num_worker_threads() -> int: ...
def get_worker_thread_id() -> int: ...
def statistics() -> Statistics: ...
def enable_tracing(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None: ...
def disable_tracing() -> None: ...
