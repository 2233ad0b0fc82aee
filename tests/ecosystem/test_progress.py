"""Progress bars: tqdm and rich count tasks as they end."""

import io

import rich.console
import rich.progress
import tqdm

import hpyx
from helpers import wait_until


def test_tqdm_counts_what_a_map_gives(executor):
    out = io.StringIO()
    results = list(tqdm.tqdm(executor.map(abs, range(-50, 0)), total=50, file=out))
    assert results == list(range(50, 0, -1))
    assert "50/50" in out.getvalue()


def test_tqdm_counts_done_futures():
    out = io.StringIO()
    with tqdm.tqdm(total=40, file=out) as bar:
        futures = [hpyx.async_(abs, i) for i in range(40)]
        for future in hpyx.as_completed(futures):
            future.result()
            bar.update()
        assert bar.n == 40
    assert "40/40" in out.getvalue()


def test_rich_tracks_a_map(executor):
    console = rich.console.Console(file=io.StringIO(), force_terminal=False)
    with rich.progress.Progress(console=console) as progress:
        total = sum(progress.track(executor.map(abs, range(30)), total=30))
        assert progress.finished
    assert total == sum(range(30))


def test_rich_may_be_told_from_done_callbacks():
    console = rich.console.Console(file=io.StringIO(), force_terminal=False)
    with rich.progress.Progress(console=console) as progress:
        task = progress.add_task("tasks", total=25)
        futures = [hpyx.async_(abs, i) for i in range(25)]
        for future in futures:
            future.add_done_callback(lambda _: progress.advance(task))
        assert hpyx.when_all(*futures).result() == tuple(range(25))
        # A future is done before its callbacks are called.
        assert wait_until(lambda: progress.tasks[0].completed == 25)
