"""Tracebacks of a failure that went through then and dataflow name the calls it prevented."""

import traceback

import hpyx
from skips import needs

PREFIX = "hpyx: not called, since its input failed: "


class Failure(Exception):
    pass


def fail():
    raise Failure("upstream")


def parse(future):
    return future.result()


def merge(left, right, *, scale=1):
    return (left + right) * scale


def chain():
    return hpyx.dataflow(merge, hpyx.async_(fail).then(parse), 1, scale=hpyx.ready_future(2))


def test_each_call_that_was_given_up_is_named_in_order():
    exception = chain().exception()
    first, second = exception.__notes__
    assert first.startswith(f"{PREFIX}parse (") and second.startswith(f"{PREFIX}merge (")
    assert first.endswith(f"{__file__}:{parse.__code__.co_firstlineno})")


@needs("notes")
def test_the_traceback_shows_the_task_and_then_the_chain():
    exception = chain().exception()
    lines = "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    assert lines.index("in fail") < lines.index("Failure: upstream") < lines.index(PREFIX + "parse")


def test_a_failure_that_prevents_nothing_has_no_notes():
    assert not hasattr(hpyx.async_(fail).exception(), "__notes__")
    assert not hasattr(hpyx.when_all(hpyx.async_(fail)).exception(), "__notes__")


def test_a_callable_without_code_is_named_all_the_same():
    exception = hpyx.async_(fail).then(Failure).exception()
    assert exception.__notes__ == [PREFIX + "Failure"]


def test_a_built_in_function_is_named_all_the_same():
    exception = hpyx.async_(fail).then(len).exception()
    assert exception.__notes__ == [PREFIX + "len"]


def test_a_long_chain_leaves_a_bounded_number_of_notes():
    future = hpyx.async_(fail)
    for _ in range(100):
        future = future.then(parse)
    notes = future.exception().__notes__
    assert len(notes) == 17 and notes[-1] == "hpyx: and so on"


def test_an_exception_with_notes_of_its_own_keeps_them():
    def fail_with_note():
        failure = Failure("with a note")
        failure.__notes__ = ["mine"]
        raise failure

    notes = hpyx.async_(fail_with_note).then(parse).exception().__notes__
    assert notes[0] == "mine" and len(notes) == 2


def test_an_exception_whose_notes_are_no_list_passes_all_the_same():
    def fail_strangely():
        failure = Failure("strange")
        failure.__notes__ = 3
        raise failure

    exception = hpyx.async_(fail_strangely).then(parse).exception()
    assert isinstance(exception, Failure) and exception.__notes__ == 3
