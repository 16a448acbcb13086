"""Who holds a file's lock right now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from untorn.storage import flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOCTTY | flags.O_NOFOLLOW
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock of a file.

    Attributes:
        held: Whether anybody does; ``None``: not known.
        process: Who, where the system tells.
        command: What that process calls itself.
    """

    held: bool | None
    process: int | None = None
    command: str = ""


def holder_of(place: Path, inode: int, device: tuple[int, int], *, calls: Syscalls = REAL) -> Holder:
    """Return who holds the lock of what is at ``place``.

    Args:
        place: The file; its directory where there is none.
        inode: Its inode.
        device: That of its file system, as the mount table has it: on btrfs,
            stat(2) tells another one.
        calls: The system calls to use.
    """
    process = _process(inode, device, calls)
    if process is None:
        return Holder(_is_locked(place, calls))
    return Holder(held=True, process=process, command=_text(f"/proc/{process}/comm", calls).strip())


def numbers_of(device: int) -> tuple[int, int]:
    """Return major and minor number of a device, where devices have them."""
    return (os.major(device), os.minor(device)) if hasattr(os, "major") else (0, device)


def _process(inode: int, device: tuple[int, int], calls: Syscalls) -> int | None:
    # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF (proc(5)); "->" waits for it
    what = f"{device[0]:02x}:{device[1]:02x}:{inode}"
    for line in _text("/proc/locks", calls).splitlines():
        fields = line.split()
        if fields[1:2] == ["FLOCK"] and fields[5:6] == [what] and fields[4].isdecimal():
            return int(fields[4]) or None  # 0: one of another container's
    return None


def _text(path: str, calls: Syscalls) -> str:
    try:
        fd = calls.open(path, os.O_RDONLY | flags.O_CLOEXEC)
    except OSError:
        return ""
    parts = []
    try:
        while part := calls.read(fd, _PIECE):
            parts.append(part)
    except OSError:
        return ""
    finally:
        closed(fd, calls)
    return b"".join(parts).decode("utf-8", "replace")


def _is_locked(place: Path, calls: Syscalls) -> bool | None:
    try:
        locked = calls.lock_file(place) if calls.locks_apart else place
    except OSError:
        return None
    try:
        fd = opened(partial(calls.open, locked, _FLAGS))
    except FileNotFoundError:
        return False if calls.locks_apart else None  # made by the first who locks it
    except OSError:
        return None
    try:
        # Shared, and for this moment only: a save that meets it tries again at once.
        calls.flock(fd, flags.LOCK_SH | flags.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        drop(fd, calls)
    return False
