"""When the orphans of a file are looked for: not at each save, for that reads the directory (W18, W24)."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from untorn.storage.names import sweep

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.storage.syscalls import Syscalls

LOOK_AGAIN = 1.0
"""Seconds after which a process looks again though all is as it left it.

A writer that dies *during* a save of ours may leave an orphan which the change
of the directory, being ours too, does not tell. To ask twice more about the
directory in each save would tell nearly always; this costs nothing.
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a save saw of its directory.

    Attributes:
        directory: Its descriptor.
        owner: Whom the file belongs to.
        found: When it was changed last before the save.
        left: When it was changed last behind the rename: most likely by that.
        replaced: Device and inode of the file before.
        given: Device and inode of the new one.
        locked: Whether the save has locked the directory itself, as for a new file.
    """

    directory: int
    owner: int
    found: int | None
    left: int | None
    replaced: tuple[int, int] | None
    given: tuple[int, int]
    locked: bool


@dataclass(frozen=True, slots=True)
class _Swept:
    """When the orphans of a file were removed last, and the inode that this process gave it since."""

    when: float
    given: tuple[int, int]


@dataclass(slots=True)
class _Left:
    """A directory as this process left it: when it was changed last, and whose orphans were removed."""

    change: int | None = None
    swept: dict[str, _Swept] = field(default_factory=dict)


_left: dict[Path, _Left] = {}

# A child is a process of its own, and has left nothing yet.
if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows has no fork
    os.register_at_fork(after_in_child=_left.clear)


def forget(place: Path) -> None:
    """Let the next save of any file in the directory look."""
    _left.pop(place, None)


def sweep_if_due(place: Path, name: str, visit: Visit, calls: Syscalls) -> None:
    """Remove the orphans of the file ``name``, unless all is as this process had left it. Never raises.

    The caller holds the file's lock, and is behind its commit point.
    """
    left = _left.setdefault(place, _Left())
    if left.change != visit.found:
        left.swept.clear()
    left.change = visit.left
    last = left.swept.pop(name, None)
    now = time.monotonic()
    if last is not None and last.given == visit.replaced and now - last.when < LOOK_AGAIN:
        left.swept[name] = _Swept(last.when, visit.given)
        return
    if sweep(name, visit.directory, visit.owner, calls, locked=visit.locked):
        left.swept[name] = _Swept(now, visit.given)
    with suppress(OSError):  # what was removed has changed it
        left.change = calls.fstat(visit.directory).st_mtime_ns
