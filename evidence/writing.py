"""What the writers of ``evidence.writers`` are made of."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from untorn.storage import Syscalls

NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def temp_of(path: Path) -> Path:
    """Return a new name beside ``path``."""
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")


@contextmanager
def opened(path: Path, flags: int, calls: Syscalls, mode: int = 0o600) -> Iterator[int]:
    """Keep a file open during a block."""
    fd = calls.open(path, flags, mode)
    try:
        yield fd
    finally:
        with suppress(OSError):
            calls.close(fd)


@contextmanager
def removed_on_failure(temp: Path, calls: Syscalls) -> Iterator[None]:
    """Remove ``temp`` if the block fails."""
    try:
        yield
    except OSError:
        with suppress(OSError):
            calls.unlink(temp)
        raise


def write_all(fd: int, data: bytes, calls: Syscalls) -> None:
    """Write until all of it is taken."""
    while data:
        data = data[calls.write(fd, data) :]


def like_the_old(fd: int, path: Path, calls: Syscalls) -> None:
    """Give a new file what the old one has: owner, mode, attributes."""
    try:
        status = calls.stat(path)
    except FileNotFoundError:
        calls.fchmod(fd, 0o644)
        return
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        calls.fchown(fd, status.st_uid, status.st_gid)
    calls.fchmod(fd, status.st_mode & 0o7777)
    for name in calls.listxattr(path):
        calls.setxattr(fd, name, calls.getxattr(path, name))


def sync(path: Path, calls: Syscalls, flags: int = DIRECTORY) -> None:
    """Sync a directory, or with other ``flags`` a file."""
    with opened(path, flags, calls) as fd:
        calls.fsync(fd)


def make_parents(path: Path, calls: Syscalls) -> list[Path]:
    """Make what is missing above ``path``; return it, the outermost first."""
    missing = [each for each in path.parents if not each.exists()][::-1]
    for each in missing:
        calls.mkdir(each)
    return missing


def replace(path: Path, data: bytes, calls: Syscalls, *, like: Path | None = None) -> None:
    """Do all but the sync of the directory."""
    temp = temp_of(path)
    with removed_on_failure(temp, calls):
        with opened(temp, NEW, calls) as fd:
            write_all(fd, data, calls)
            like_the_old(fd, like or path, calls)
            calls.fsync(fd)
        calls.rename(temp, path)
