"""``hpyx.aio``: futures in coroutines, of asyncio and of trio.

Owns: the public helpers. Called by: users. ``await future`` needs none of them. Importing this
module imports no event loop library; that happens with the first wait.
Threads: coroutines run on their event loop; the work they wait for runs on the workers.
"""

from ._submit import async_


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
