"""``hpyx.aio``: futures in coroutines, of asyncio and of trio.

Owns: the public helpers. Called by: users. ``await future`` needs none of them. Importing this
module imports no event loop library; that happens with the first wait.
Threads: coroutines run on their event loop; the work they wait for runs on the workers.
"""

from ._compose import when_all, when_any
from ._submit import async_


async def await_all(*futures):
    """Wait for all of *futures* and return the tuple of their results, in the order given.

    The coroutine's form of ``hpyx.when_all``: the first of them to fail ends the wait with its
    exception. *futures* may be those of hpyx, of other executors and of asyncio.

    Raises: what the first to fail raised; CancelledError (asyncio's, in asyncio) if one was
        cancelled; TypeError if an argument is not a future.
    Threads and cancellation: under asyncio and trio. Cancelling the coroutine leaves *futures*
    alone.
    """
    return await when_all(*futures)


async def await_any(*futures):
    """Wait until one of *futures* is done; return ``(index, futures)``, *futures* as a list.

    The coroutine's form of ``hpyx.when_any``: ``futures[index].result()`` is the result of the
    one that was done first, or raises its exception.

    Raises: ValueError without *futures*; TypeError if an argument is not a future; CancelledError
        (asyncio's, in asyncio) if all were cancelled.
    Threads and cancellation: under asyncio and trio. Cancelling the coroutine leaves *futures*
    alone.
    """
    return await when_any(*futures)


async def to_thread(fn, /, *args, **kwargs):
    """Run fn(*args, **kwargs) on a worker thread and wait for its result, as asyncio.to_thread.

    Raises: what *fn* raised; RuntimeError if the runtime was shut down.
    Threads and cancellation: under asyncio, trio and anyio; *fn* sees the caller's context
    variables. Cancelling the coroutine cancels the call if it has not started; one that runs goes
    on, and its result is dropped.
    """
    return await async_(fn, *args, **kwargs)


def wrap_future(future, *, loop=None):
    """Return an asyncio.Future that ends as *future* does, as asyncio.wrap_future.

    For what wants asyncio's own futures, such as asyncio.wait. Futures of hpyx that are done at
    about the same time wake the loop once, not once each.

    Args:
        future: a hpyx.Future or any other concurrent.futures.Future.
        loop: the event loop that will wait; by default the running one.

    Raises: TypeError: *future* is neither. RuntimeError: *loop* is not given, and none is running.
    Threads and cancellation: the loop's thread; cancelling the returned future cancels *future* if
    it has not started, and the other way round.
    """
    from ._bridge import wrap_future

    return wrap_future(future, loop)
