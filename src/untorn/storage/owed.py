"""Syncs that are owed after a ``NotDurableError``, paid by the next save of the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from untorn.storage import flags
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from pathlib import Path

_owed: set[Path] = set()


def owe(path: Path) -> None:
    """Note that the directory of ``path`` was renamed in, and not synced."""
    _owed.add(path)


def settle(path: Path) -> None:
    """Forget the debt: a new save syncs the directory anyway."""
    _owed.discard(path)


def pay(path: Path, *, calls: Syscalls = REAL) -> OSError | None:
    """Sync what is owed for ``path``, if anything; return the error if the disk refuses again."""
    if path not in _owed:
        return None
    try:
        fd = calls.open(path.parent, os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC)
        try:
            calls.fsync(fd)
        finally:
            closed(fd, calls)
    except OSError as error:
        return error
    settle(path)
    return None
