"""The handle debug mode: open handles are counted, and a mixed workload leaks none."""

import pytest

from child import run_clean

WORKLOAD = """
    import concurrent.futures, gc, logging, hpyx
    from hpyx import _native
    from helpers import Gate, wait_until
    hpyx.init(os_threads=2)
    logging.disable()  # an initializer that fails is logged, which is not the point here

    def fail():
        raise ValueError([])

    def nested(depth):
        return hpyx.async_(nested, depth - 1).result() + 1 if depth else 0

    def misuse():
        for wrong in (
            lambda: hpyx.async_(5),
            lambda: hpyx.async_(),
            lambda: hpyx.Future(),
            lambda: hpyx.init(os_threads=77),
            lambda: hpyx.ready_future(1).set_result(2),
            lambda: hpyx.async_(fail).result(),
            lambda: hpyx.when_all(3),
            lambda: hpyx.when_any(3),
            lambda: hpyx.when_any(),
            lambda: hpyx.dataflow(3),
            lambda: hpyx.ready_future(1).then(3),
        ):
            try:
                wrong()
            except (TypeError, RuntimeError, ValueError):
                pass

    def workload():
        futures = [hpyx.async_(abs, -index) for index in range(50)]
        futures += [hpyx.async_(dict, a=index) for index in range(50)]
        futures += [hpyx.async_(fail) for _ in range(50)]
        futures += [hpyx.async_(nested, 5) for _ in range(10)]
        futures += [hpyx.ready_future([]) for _ in range(10)]
        futures += [future.then(lambda done: done.result()) for future in futures[::7]]
        futures += [hpyx.dataflow(dict, a=future, b=1) for future in futures[::7]]
        futures += [hpyx.when_all(*futures[:20]), hpyx.when_any(*futures[30:40])]
        futures += [hpyx.when_all(concurrent.futures.Future(), futures[0])]
        for future in futures:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
        for future in futures[::3]:
            future.cancel()
        futures.pop().cancel()
        done, not_done = concurrent.futures.wait(futures)
        assert not not_done
        repr(futures)
        with Gate() as gate:
            blocked = hpyx.async_(gate)
            try:
                blocked.result(0.01)
            except concurrent.futures.TimeoutError:
                pass
        blocked.result()
        with hpyx.HPXExecutor(initializer=int) as executor:
            assert list(executor.map(abs, range(-50, 0))) == list(range(50, 0, -1))
        broken = hpyx.HPXExecutor(initializer=fail)
        assert broken.submit(abs, -1).exception() is not None
        broken.shutdown()
        misuse()
        hpyx.debug.statistics()

    def open_handles():
        gc.collect()
        return _native.open_handles()
"""


def test_a_mixed_workload_leaks_no_handle():
    script = (
        WORKLOAD
        + """
    for _ in range(2):
        workload()
    wait_until(lambda: hpyx.debug.statistics().queued == 0)
    hpyx.async_(abs, -1).result()
    levels = []
    for _ in range(3):
        settled = open_handles()
        workload()
        wait_until(lambda: open_handles() <= settled, 10)
        levels.append(open_handles() - settled)
    assert max(levels) <= 0, levels
    """
    )
    run_clean(script, env={"HPYX_DEBUG_HANDLES": "1"}, warnings="default")


def test_the_debug_mode_sees_what_is_open():
    """Otherwise the test above could not fail: while a callback runs, the core holds on to it."""
    script = """
        import hpyx
        from hpyx import _native
        from helpers import Gate, wait_until
        hpyx.init(os_threads=1, cfg=["hpyx.max_spare_workers=0"])
        during = []
        with Gate() as gate:
            future = hpyx.async_(gate)
            gate.entered()
            future.add_done_callback(lambda _: during.append(_native.open_handles()))
        assert wait_until(lambda: during)
        assert during[0] > 0, during
        assert wait_until(lambda: _native.open_handles() == 0, 10)
    """
    run_clean(script, env={"HPYX_DEBUG_HANDLES": "1"})


@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_the_debug_mode_nothing_is_counted(value):
    script = (
        WORKLOAD
        + """
    keep = [hpyx.ready_future(object()) for _ in range(100)]
    assert open_handles() == 0
    """
    )
    run_clean(script, env={} if value is None else {"HPYX_DEBUG_HANDLES": value})
