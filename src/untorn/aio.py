"""The functions of the front door for asyncio: the same names, the same pipeline, in threads of their own.

::

    async with aio.edit("settings.toml") as doc:
        doc["server"]["port"] = 8080

A call that is cancelled stops waiting for the file's lock; behind that it is done
or not done, and the ``CancelledError`` comes when that is settled, with a note that
says which. Nothing stays locked, and nothing is left behind.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from untorn import callers, front

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

P = ParamSpec("P")
T = TypeVar("T")


async def call(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of untorn, such as ``doc.save``, in a thread of its own, for this task.

    Args:
        function: What to call.
        args: What to give it.
        kwargs: What to give it by name.

    Returns:
        What it returns.

    Raises:
        asyncio.CancelledError: This task was cancelled; a note says what became of the call.
        BaseException: What it raises.
    """
    stop = threading.Event()
    caller = callers.Caller(callers.token(), threading.get_ident(), blocks=None, stopped=stop.is_set)
    future = _started(caller, function, args, kwargs)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            # The thread cannot be killed; it stops where it would only wait.
            stop.set()
            cancelled = error
    if cancelled is None:
        return future.result()
    failure = future.exception()
    cancelled.add_note("untorn: the call was completed" if failure is None else f"untorn: {failure}")
    raise cancelled


def _started(
    caller: callers.Caller, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> asyncio.Future[T]:
    """Call it in a thread of its own: in a pool, those who wait for a lock would keep out who holds it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()
    context.run(callers.acting_for.set, caller)

    def work() -> None:
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001  whoever awaits it gets it
            _tell(loop, future.set_exception, error)
        else:
            _tell(loop, future.set_result, result)

    threading.Thread(target=work, name="untorn").start()
    return future


def _tell(loop: asyncio.AbstractEventLoop, tell: Callable[[Any], None], what: object) -> None:
    try:
        loop.call_soon_threadsafe(tell, what)
    except RuntimeError:  # the loop was closed meanwhile: nobody listens any more
        return


def _awaited(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await call(function, *args, **kwargs)

    return run


def _entered(
    function: Callable[P, AbstractContextManager[T]],
) -> Callable[P, AbstractAsyncContextManager[T]]:
    @wraps(function)
    @asynccontextmanager
    async def manage(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[T]:
        manager = function(*args, **kwargs)
        entered: list[T] = []
        try:
            await call(lambda: entered.append(manager.__enter__()))
            yield entered[0]
        except BaseException:
            # Cancelled while it got the lock, or whatever the block raised.
            if entered:
                await call(manager.__exit__, *sys.exc_info())
            raise
        else:
            await call(manager.__exit__, None, None, None)

    return manage


load = _awaited(front.load)
loads = _awaited(front.loads)
dumps = _awaited(front.dumps)
open = _awaited(front.open)
parse = _awaited(front.parse)
save = _awaited(front.save)
edit = _entered(front.edit)
update = _awaited(front.update)
transaction = _entered(front.transaction)
use = _awaited(front.use)
write_text = _awaited(front.write_text)
write_bytes = _awaited(front.write_bytes)
