"""Syncs that are owed: after a ``NotDurableError``, or a save that asked for none. A durable one pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.storage.parents import Parents
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    from pathlib import Path

_owed: set[Path] = set()


def owe(path: Path) -> None:
    """Note that the directory of ``path`` was renamed in, and not synced; nor its name, perhaps."""
    _owed.add(path)


def owes(path: Path) -> bool:
    """Return whether there is such a note."""
    return path in _owed


def settle(path: Path) -> None:
    """Forget the debt: a new save syncs the directory anyway."""
    _owed.discard(path)


def pay(path: Path, *, calls: Syscalls = REAL) -> OSError | None:
    """Sync what is owed for ``path``, if anything; return the error if the disk refuses again."""
    if path not in _owed:
        return None
    parents = Parents(path.parent, calls)
    try:
        parents.hold()
        parents.sync(new=True)
    except OSError as error:
        return error
    finally:
        parents.close(keep_created=True)
    settle(path)
    return None
