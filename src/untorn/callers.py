"""Who is calling: a thread or an asyncio task, also where a worker thread acts for it."""

from __future__ import annotations

import sys

# What threading and contextvars take from there, too; a load should not pay for the rest of them.
from _contextvars import ContextVar
from _thread import _local as thread_local  # pyright: ignore[reportPrivateUsage]  see above
from _thread import get_ident

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable


class Caller:
    """A thread or task.

    No dataclass: importing that module alone costs more than starting Python does.

    Attributes:
        token: Stands for it, and for no other, also when one ends and its number is used again.
        home: The thread in which it goes on.
        blocks: The thread that stands still while it waits for a lock; ``None`` where that
            is a worker's, which nobody else needs.
        stopped: Says whether it no longer wants what it waits for.
    """

    __slots__ = ("blocks", "home", "stopped", "token")

    def __init__(
        self, token: object, home: int, *, blocks: int | None, stopped: Callable[[], bool] | None = None
    ) -> None:
        self.token = token
        self.home = home
        self.blocks = blocks
        self.stopped = stopped

    def waits_for_itself(self, holder: Caller) -> bool:
        """Return whether ``holder`` can never go on while this one waits."""
        return holder.token is self.token or holder.home == self.blocks


acting_for: ContextVar[Caller | None] = ContextVar("untorn_acting_for", default=None)
"""For whom a worker thread acts."""

_threads = thread_local()
_tasks: weakref.WeakKeyDictionary[object, object] | None = None


def current() -> Caller:
    """Return who is calling."""
    acting = acting_for.get()
    if acting is not None:
        return acting
    me = get_ident()
    return Caller(token(), me, blocks=me)


def token() -> object:
    """Return what stands for the running task, or else the thread."""
    acting = acting_for.get()
    if acting is not None:
        return acting.token
    task = _current_task()
    if task is not None:
        return _token_of(task)
    if not hasattr(_threads, "token"):
        _threads.token = object()
    return _threads.token


def _token_of(task: object) -> object:
    global _tasks  # noqa: PLW0603  made when the first task calls
    if _tasks is None:
        from weakref import WeakKeyDictionary  # noqa: PLC0415  asyncio has imported it

        _tasks = WeakKeyDictionary()
    return _tasks.setdefault(task, object())


def _current_task() -> object | None:
    asyncio = sys.modules.get("asyncio")  # who never imported it runs no task
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()  # type: ignore[no-any-return]  # a module from sys.modules is untyped
    except RuntimeError:
        return None
