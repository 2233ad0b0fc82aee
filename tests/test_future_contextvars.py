"""Context variables: a task sees those of its submitter, as they were at the submission.

Same rule as asyncio.to_thread. Tasks of one submitter each have their own copy, so that they can
run at the same time and leak nothing into the worker.
"""

import contextvars
import threading

import hpyx
import sizes

variable = contextvars.ContextVar("variable", default="default")


def set_and_get(value):
    before = variable.get()
    variable.set(value)
    return before, variable.get()


def in_own_context(function, *args):
    return contextvars.copy_context().run(function, *args)


def test_a_task_sees_the_variables_of_its_submitter():
    def submit():
        variable.set("submitter's")
        return hpyx.async_(variable.get)

    assert in_own_context(submit).result() == "submitter's"


def test_a_task_sees_the_values_of_the_moment_of_submission(held):
    def submit():
        variable.set("early")
        future = hpyx.async_(variable.get)
        variable.set("late")
        return future

    future = in_own_context(submit)
    held.open()
    assert future.result() == "early"


def test_what_a_task_sets_does_not_leak_to_the_submitter_or_the_next_task():
    futures = [hpyx.async_(set_and_get, index) for index in range(200)]
    assert [f.result() for f in futures] == [("default", index) for index in range(200)]
    assert variable.get() == "default"


def test_tasks_of_one_submitter_run_at_the_same_time_in_their_own_copies():
    meeting = threading.Barrier(2)

    def meet(value):
        variable.set(value)
        meeting.wait(sizes.PATIENCE)
        return variable.get()

    def submit():
        variable.set("shared")
        return [hpyx.async_(meet, index) for index in range(2)]

    assert [future.result() for future in in_own_context(submit)] == [0, 1]


def test_a_subtask_inherits_from_its_parent_task():
    def parent():
        variable.set("parent's")
        return hpyx.async_(set_and_get, "child's").result(), variable.get()

    assert hpyx.async_(parent).result() == (("parent's", "child's"), "parent's")


def test_executor_submit_and_map_carry_the_context(executor):
    def submit():
        variable.set("executor's")
        mapped = executor.map(lambda _: variable.get(), range(3))
        return executor.submit(variable.get).result(), list(mapped)

    assert in_own_context(submit) == ("executor's", ["executor's"] * 3)


def test_a_thread_without_a_context_of_its_own_submits_with_defaults():
    results = []
    thread = threading.Thread(
        target=lambda: results.append(hpyx.async_(set_and_get, "thread's").result())
    )
    thread.start()
    thread.join(sizes.PATIENCE)
    assert results == [("default", "thread's")]
