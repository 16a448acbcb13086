"""Descriptors that are locked, and what a forked child has to do with them (WRITER W19)."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from untorn.storage.syscalls import Syscalls, closed

if TYPE_CHECKING:
    from collections.abc import Callable

_descriptors: set[int] = set()
# No fork between an open and the note of it, nor between a close and its: held
# by os.fork itself.
_noting = threading.RLock()


def opened(opening: Callable[[], int]) -> int:
    """Open a descriptor to be locked: a forked child closes it, or it would hold the lock too.

    Raises:
        OSError: As ``opening`` does.
    """
    with _noting:
        fd = opening()
        _descriptors.add(fd)
    return fd


def drop(fd: int, calls: Syscalls) -> None:
    """Close a locked descriptor, which unlocks it. Raises no ``OSError``."""
    with _noting:
        try:
            closed(fd, calls)
        finally:  # the number may soon be another's, which no child should close
            _descriptors.discard(fd)


def _forget_all() -> None:  # pragma: no cover  runs in forked children, which report nothing
    for fd in _descriptors:
        os.close(fd)
    _descriptors.clear()
    _noting.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows has no fork
    os.register_at_fork(before=_noting.acquire, after_in_parent=_noting.release, after_in_child=_forget_all)
