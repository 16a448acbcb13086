"""Two runs of one order do the same: no clock, no chance, nothing that an earlier run has left."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from untorn.storage import exchange, locking, owed, sweeps, unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Numbers:
    """What stands for chance: the same in each run of an order."""

    def __init__(self) -> None:
        self.last = 0

    def take(self, size: int) -> bytes:
        self.last += 1
        return self.last.to_bytes(max(size, 8), "big")[-size:]


_numbers = _Numbers()


class _Forgotten(dict["Path", Any]):
    """What programs remember of directories: nothing, for each saves once, and is a process of its own."""

    def setdefault(self, _key: Path, default: Any = None) -> Any:  # noqa: ANN401  what it is given
        return default


@contextmanager
def without_chance(root: Path, *, by_rename: bool) -> Iterator[None]:
    """Let nothing but the order of system calls in ``root`` decide what a program does.

    Args:
        root: The directory in which it happens.
        by_rename: Whether names cannot be exchanged there.
    """
    # A busy machine takes longer than these for one order, and would then take another way.
    # And a sweep goes through temps by name, so that names may not be left to chance.
    always = (
        (exchange, "STILL", 0.0), (unfinished, "_YOUNG_NS", 10**15), (sweeps, "_left", _Forgotten()),
        (os, "urandom", _numbers.take),
        (locking, "_holder", lambda _identity: None),  # /proc/locks knows this one process only
    )  # fmt: skip
    with ExitStack() as stack:
        for module, name, value in always:
            stack.enter_context(mock.patch.object(module, name, value))
        exchange.without.clear()
        if by_rename:
            exchange.without.add(root.stat().st_dev)
        yield
        exchange.without.clear()


def as_a_new_process() -> None:
    """Know nothing of what was saved before."""
    _numbers.last = 0
    sweeps._left.clear()  # noqa: SLF001  its own memory
    owed._owed.clear()  # noqa: SLF001  as above
