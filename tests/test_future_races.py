"""Many threads use the same futures at once, in every way: each ends once, and tells each once.

Bursts, so that tasks wait, start and end while they are used.
"""

import collections
import concurrent.futures
import random
import threading

import pytest

import hpyx
import sizes
from child import run_clean
from helpers import Gate, parallel, wait_until

BURST = 100  # on GraalPy the last ones of such a burst go through the lane
USERS = 4


class Burst:
    """A burst of tasks, and what became of all that was done with their futures."""

    def __init__(self, submit):
        self.ran = []
        self.called = []
        self.attached = []  # per callback: the index of its future
        self.dependents = []
        self.futures = [submit(self.run, index) for index in range(BURST)]

    def run(self, index):
        self.ran.append(index)
        return -index

    def use(self, seed):
        """Do something with each future, in an order of this thread's own."""
        chance = random.Random(seed)
        for index in chance.sample(range(BURST), BURST):
            getattr(self, "do_" + chance.choice(DEEDS))(index, self.futures[index])

    def do_cancel(self, index, future):
        assert future.cancel() in (True, False)

    def do_then(self, index, future):
        self.dependents.append((index, future.then(lambda done: done.result())))

    def do_when_all(self, index, future):
        self.dependents.append((index, hpyx.when_all(future).then(lambda all_: all_.result()[0])))

    def do_callback(self, index, future):
        self.attached.append(index)
        future.add_done_callback(lambda done: self.called.append((index, done is future)))

    def do_result(self, index, future):
        try:
            assert future.result(sizes.PATIENCE) == -index
        except concurrent.futures.CancelledError:
            assert future.cancelled()

    def do_wait(self, index, future):
        done = concurrent.futures.wait([future], sizes.PATIENCE).done
        assert done == {future} and future.done() and not future.running()

    def do_look(self, index, future):
        looks = future.done(), future.running(), future.cancelled()
        assert sum(looks) <= 2, looks

    def check(self):
        """All has ended, and agrees with itself."""
        concurrent.futures.wait(self.futures, sizes.PATIENCE)
        cancelled = {index for index, future in enumerate(self.futures) if future.cancelled()}
        assert sorted(self.ran) == sorted(set(range(BURST)) - cancelled)
        for index, dependent in self.dependents:
            error = None
            try:
                assert dependent.result(sizes.PATIENCE) == -index
            except concurrent.futures.CancelledError as cancellation:
                error = cancellation
            assert (index in cancelled) == (error is not None)
        assert all(same for _, same in self.called)
        called = collections.Counter(index for index, _ in self.called)
        assert called == collections.Counter(self.attached)


DEEDS = [name[3:] for name in dir(Burst) if name.startswith("do_")]


@pytest.mark.parametrize("way", ["async_", "executor"])
def test_whatever_threads_do_with_the_same_futures_each_ends_once(way):
    for round_ in range(sizes.MANY // 20):
        executor = hpyx.HPXExecutor()
        burst = Burst(hpyx.async_ if way == "async_" else executor.submit)
        parallel(lambda index, burst=burst, first=USERS * round_: burst.use(first + index), USERS)
        executor.shutdown(wait=True)
        burst.check()


def scene_order_of_starts(count):
    """Attach something to every other task while all wait; return the order of their starts."""
    started = []
    with Gate() as gate:
        held = hpyx.async_(gate)
        gate.entered()
        futures = [hpyx.async_(started.append, index) for index in range(count)]
        attached = [future.then(lambda done: done.result()) for future in futures[1::4]]
        attached += [hpyx.when_all(*futures[3::4])]
    for future in [held, *futures, *attached]:
        future.result()
    return started


def test_what_waits_for_a_task_does_not_move_it_in_the_queue(one_worker_no_growth):
    assert one_worker_no_growth.call(scene_order_of_starts, 120) == list(range(120))


def test_an_executor_that_shuts_down_cancels_and_waits_for_tasks_that_others_wait_for(held):
    executor = hpyx.HPXExecutor()
    futures = [executor.submit(abs, -index) for index in range(8)]
    sums = [future.then(lambda done: done.result() + 1) for future in futures[::2]]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in [*futures, *sums])
    executor.shutdown(wait=True)


def test_a_task_that_others_wait_for_counts_in_its_executor_until_it_has_ended():
    with Gate() as gate:
        executor = hpyx.HPXExecutor()
        futures = [executor.submit(gate, index) for index in range(2)]
        gate.entered(2)
        more = [executor.submit(abs, -index) for index in range(4)]
        total = hpyx.when_all(*futures, *more)
        gate.open()
        executor.shutdown(wait=True)
        assert all(future.done() for future in [*futures, *more])
    assert total.result(sizes.PATIENCE) == (0, 1, 0, 1, 2, 3)


def test_a_task_of_an_executor_that_runs_for_its_waiter_is_inside_its_executor(executor):
    def shut_down():
        with pytest.raises(RuntimeError, match="own executor"):
            executor.shutdown(wait=True)
        return "refused"

    def wait_for_it():
        return waited_for.result()

    with Gate() as gate:
        holders = [hpyx.async_(gate) for _ in range(2)]
        gate.entered(2)
        waiting = hpyx.async_(wait_for_it)
        waited_for = executor.submit(shut_down)
    assert waiting.result(sizes.PATIENCE) == "refused"
    for holder in holders:
        holder.result(sizes.PATIENCE)


def test_who_attaches_something_calls_no_callbacks_of_others():
    callers = []
    with Gate() as gate, Gate() as callback_gate:
        future = hpyx.async_(gate)
        gate.entered()
        future.add_done_callback(callback_gate)
        future.add_done_callback(lambda done: callers.append(threading.get_ident()))
        gate.open()
        callback_gate.entered()  # the thread that ended the task is inside the first callback
        dependent = future.then(lambda done: done.result())
        both = hpyx.when_all(future, dependent)
        future.add_done_callback(callers.append)
        called_here = [caller for caller in callers if caller is not future]
    both.result(sizes.PATIENCE)
    assert called_here == []
    assert wait_until(lambda: len(callers) == 2)
    assert threading.get_ident() not in callers


def test_each_task_of_an_executor_is_refused_to_wait_for_its_shutdown():
    executor = hpyx.HPXExecutor()

    def shut_down():
        try:
            executor.shutdown(wait=True)
        except RuntimeError as error:
            return str(error)

    with Gate() as gate:
        futures = [executor.submit(gate)]
        gate.entered()
        refused = [executor.submit(shut_down) for _ in range(4)]
        # It counts in the executor as well, and does not end before they do.
        last = executor.submit(lambda: [future.result(sizes.PATIENCE) for future in refused])
    texts = last.result(sizes.PATIENCE)
    assert all("own executor" in text for text in texts), texts
    assert futures[0].result(sizes.PATIENCE) is None


def test_a_shutdown_waits_for_the_callbacks_of_a_task_that_others_wait_for(held):
    executor, returned, overtaken = hpyx.HPXExecutor(), threading.Event(), []
    future = executor.submit(abs, -1)
    dependent = future.then(lambda done: done.result())
    future.add_done_callback(lambda done: overtaken.append(returned.wait(0.1)))

    def shut_down():
        executor.shutdown(wait=True)
        returned.set()

    thread = threading.Thread(target=shut_down)
    thread.start()
    held.open()
    thread.join(sizes.PATIENCE)
    assert overtaken == [False] and dependent.result(sizes.PATIENCE) == 1


def test_tasks_that_race_with_the_end_of_the_runtime_end_or_are_refused():
    script = f"""
        import threading, hpyx
        hpyx.init(os_threads=2)
        executor = hpyx.HPXExecutor()
        futures, refused, submitted = [], [], threading.Semaphore(0)

        def submit_until_refused(submit):
            futures.append(submit(abs, -1))
            submitted.release()
            while True:
                try:
                    futures.extend([submit(abs, -1) for _ in range(50)])
                except RuntimeError as error:
                    refused.append(str(error))
                    return
                futures[-1].exception()  # so that the queue does not grow and grow

        threads = [
            threading.Thread(target=submit_until_refused, args=(submit,))
            for submit in (hpyx.async_, executor.submit, executor.submit)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            submitted.acquire()
        accepted = [executor.submit(abs, -1) for _ in range(300)]
        hpyx.shutdown()
        for thread in threads:
            thread.join()
        outcomes = [future.exception({sizes.PATIENCE}) for future in futures]
        assert all("shut" in text for text in refused), refused
        assert [future.result() for future in accepted] == [1] * 300
        assert all(error is None or "shut" in str(error) for error in outcomes), outcomes
        print(len(refused), len(futures) >= 3)
    """
    assert run_clean(script) == "3 True\n"
