"""Combinators: futures made of other futures.

Owns: the public functions. Called by: users. All of them return at once; none blocks a thread. As
inputs they take ``hpyx.Future``, ``concurrent.futures.Future`` and asyncio futures.
Threads: any.
"""

from ._adopt import adopt
from ._core_module import native
from ._future import Future

if native.probe()["runs_tasks_natively"]:
    _dataflow = native.dataflow
else:
    from ._python_compose import dataflow as _dataflow


def when_all(*futures):
    """Return a future of the tuple of the results of *futures*, in the order given.

    The first of them to fail decides: the result raises its exception at once, and does not wait
    for the others. Without *futures* it is ``()``.

    Raises: TypeError if an argument is not a future. RuntimeError: the runtime was shut down.

    Threads and cancellation: any thread. If one of *futures* is cancelled, so is the result;
    cancelling the result leaves *futures* alone.
    """
    return native.when_all(*futures)


def when_any(*futures):
    """Return a future of ``(index, futures)`` that is done as soon as one of *futures* is.

    ``index`` is the position of the one that was done first (with a result or an exception),
    ``futures`` the list of all, as they were given: ``futures[index].result()`` does not block.

    Raises: ValueError without *futures*. TypeError if an argument is not a future. RuntimeError:
        the runtime was shut down.

    Threads and cancellation: any thread. One of *futures* that is cancelled is passed over; if all
    are, so is the result. Cancelling the result leaves *futures* alone.
    """
    if not futures:
        raise ValueError("when_any() needs at least one future: write when_any(*futures)")
    return native.when_any(*futures)


def dataflow(fn, /, *inputs, **kwargs):
    """Return a future of ``fn(*inputs, **kwargs)``, futures among them replaced by their results.

    *fn* runs on a worker as soon as all of them are done. Other values are passed on as they are.
    If one fails, *fn* is not called and the result raises that exception.

    Raises: TypeError if *fn* is not callable. RuntimeError: the runtime was shut down.

    Threads and cancellation: any thread; *fn* sees the caller's context variables. If an input is
    cancelled, so is the result; cancelling the result leaves the inputs alone.
    """
    return _dataflow(fn, *inputs, **kwargs)


def shared_future(future, /):
    """Return a shareable view of *future*: its result may be taken any number of times.

    A ``hpyx.Future`` is that already, and is returned itself. For another kind of future the view
    is a ``hpyx.Future`` that ends as it does.

    Raises: TypeError if *future* is not a future.
    """
    shared = future if isinstance(future, Future) else adopt(future)
    if shared is None:
        raise TypeError(
            f"shared_future() takes a future, not {type(future).__name__}: write "
            "hpyx.ready_future(value) for a value"
        )
    return shared
