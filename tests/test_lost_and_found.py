"""Work that once was lost, waits that once never ended, and objects that once were half-made.

Each test is named after what broke. Scenes that could hang run in a child with a time-out.
"""

import sys
import threading

import pytest

import hpyx
import sizes
from child import run_clean
from helpers import Gate, parallel


def scene_spawned_tasks_meet():
    """A task spawns two while the other worker sleeps; all three must run at once."""
    for _ in range(5):
        barrier = threading.Barrier(3, timeout=sizes.PATIENCE)

        def spawn(barrier=barrier):
            children = [hpyx.async_(barrier.wait) for _ in range(2)]
            barrier.wait()
            return len(children)

        assert hpyx.async_(spawn).result() == 2
    return "met"


def test_a_task_pushed_while_a_sleeper_is_on_its_way_is_not_forgotten(two_workers):
    assert two_workers.call(scene_spawned_tasks_meet) == "met"


def scene_cancel_callback_shuts_down():
    """The callback of a cancelled future shuts its executor down, on the canceller's thread."""
    executor = hpyx.HPXExecutor()
    seen = []
    with Gate() as gate:
        blockers = [hpyx.async_(gate) for _ in range(hpyx.debug.get_num_worker_threads())]
        gate.entered(len(blockers))
        future = executor.submit(abs, -1)
        future.add_done_callback(lambda _: seen.append(executor.shutdown(wait=True)))
        cancelled = future.cancel()
    return cancelled, seen


def test_a_callback_of_a_cancelled_future_may_wait_for_the_shutdown(one_worker):
    assert one_worker.call(scene_cancel_callback_shuts_down) == (True, [None])


def scene_generator_in_an_except_block():
    """A generator waits for a task while its caller handles an exception."""
    executor = hpyx.HPXExecutor()

    def handled():
        return repr(sys.exc_info()[1])

    def generate():
        yield executor.submit(handled).result()
        yield repr(sys.exc_info()[1])

    def task():
        generator = generate()
        try:
            raise LookupError
        except LookupError:
            inside = next(generator)
        return inside, next(generator)

    return executor.submit(task).result()


def test_a_task_waited_for_in_a_generator_does_not_see_what_its_caller_handles(one_worker):
    assert one_worker.call(scene_generator_in_an_except_block) == ("None", "None")


def scene_initializer_of_a_lost_executor():
    """An executor that only a cycle holds is collected while its task is queued."""
    import gc

    local = threading.local()

    class Service:
        def __init__(self):
            self.executor = hpyx.HPXExecutor(initializer=self.set_up)

        def set_up(self):
            local.ready = True

    with Gate() as gate:
        hpyx.async_(gate)
        gate.entered()
        service = Service()
        future = service.executor.submit(lambda: getattr(local, "ready", "not initialised"))
        del service
        gc.collect()
    return future.result()


def test_the_collector_leaves_the_initializer_to_queued_tasks(one_worker):
    assert one_worker.call(scene_initializer_of_a_lost_executor) is True


def test_blocked_workers_get_help_while_the_interpreter_exits():
    script = """
    import threading, hpyx
    hpyx.init(os_threads=1)
    event = threading.Event()
    hpyx.async_(event.wait)
    hpyx.async_(event.set)
    """
    for _ in range(sizes.FIRST_STARTS):
        run_clean(script)


def test_an_exit_after_tasks_that_ran_on_their_waiters_is_clean():
    script = """
    import hpyx
    hpyx.init(os_threads=1)
    def link(i):
        return hpyx.async_(link, i - 1).result() + 1 if i else 0
    print(hpyx.async_(link, 100).result())
    """
    assert run_clean(script).strip() == "100"


def test_an_executor_without_its_constructor_is_refused():
    class Careless(hpyx.HPXExecutor):
        def __init__(self):
            pass

    with pytest.raises(RuntimeError, match="__init__"):
        Careless().submit(abs, -1)


def test_a_future_made_behind_our_back_is_refused():
    with pytest.raises(TypeError):
        object.__new__(hpyx.Future).done()


def test_map_and_shutdown_race_without_losing_a_waiter():
    executors = [hpyx.HPXExecutor() for _ in range(8)]

    def use(index):
        executor = executors[index % len(executors)]
        try:
            futures = [executor.submit(abs, -i) for i in range(20)]
        except RuntimeError:
            futures = []
        executor.shutdown(wait=True)
        return all(future.done() for future in futures)

    assert all(parallel(use, 8))
