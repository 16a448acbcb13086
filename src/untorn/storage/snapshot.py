"""Read a file once: its bytes, or that there is none.

A save keeps the descriptor that it read from, because that is what it locks.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from untorn.errors import LimitError, ReadError
from untorn.records import Snapshot
from untorn.storage import failures, flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A FIFO without a writer would block open(2) for ever, a terminal would become ours.
_FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOCTTY

_KINDS = {
    stat.S_IFDIR: ("is a directory", errno.EISDIR),
    stat.S_IFIFO: ("is a FIFO", errno.EINVAL),
    stat.S_IFSOCK: ("is a socket", errno.ENXIO),
    stat.S_IFCHR: ("is a device", errno.EINVAL),
    stat.S_IFBLK: ("is a device", errno.EINVAL),
    stat.S_IFLNK: ("is a symbolic link", errno.ELOOP),
}


def read(path: Path, *, limit: int | None = None, calls: Syscalls = REAL) -> Snapshot:
    """Return what the file at ``path`` holds; a missing file has ``data`` ``None``.

    Args:
        path: The file, links resolved.
        limit: How many bytes it may have at most.
        calls: The system calls to use.

    Raises:
        ReadError: It is unreadable, or no regular file.
        LimitError: It has more than ``limit`` bytes.
    """
    try:
        fd = calls.open(path, _FLAGS)
    except FileNotFoundError:
        return Snapshot(path, None)
    except OSError as error:
        raise failures.reading(error, path) from error
    try:
        return _read(path, fd, limit, calls).snapshot
    finally:
        closed(fd, calls)


@dataclass(slots=True)
class Reading:
    """A file that was read, and that is still open.

    Attributes:
        snapshot: What it held.
        status: What it was besides; ``None`` where there was none, or where the
            name itself is a link.
        fd: The descriptor, -1 where there is none (any more).
    """

    snapshot: Snapshot
    status: os.stat_result | None = None
    fd: int = -1
    process: int = field(default_factory=os.getpid)

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of what is open."""
        assert self.status is not None
        return (self.status.st_dev, self.status.st_ino)


@contextmanager
def reading(path: Path, *, limit: int | None = None, calls: Syscalls = REAL) -> Iterator[Reading]:
    """Read the file at ``path`` as ``read`` does, and keep it open.

    Raises:
        ReadError: It is unreadable, or no regular file.
        LimitError: It has more than ``limit`` bytes.
    """
    try:
        fd = opened(partial(calls.open, path, _FLAGS | flags.O_NOFOLLOW))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise failures.reading(error, path) from error
        # Nothing to keep: there is no file, or it is the link that shall be replaced.
        yield Reading(
            read(path, limit=limit, calls=calls) if error.errno == errno.ELOOP else Snapshot(path, None)
        )
        return
    file: Reading | None = None
    try:
        file = _read(path, fd, limit, calls)
        yield file
    finally:
        if file is None or (file.fd >= 0 and file.process == os.getpid()):
            drop(fd, calls)


def _read(path: Path, fd: int, limit: int | None, calls: Syscalls) -> Reading:
    try:
        status = calls.fstat(fd)
        strange = unlike_a_file(status.st_mode)
        if strange is not None:
            reason, code = strange
            raise ReadError(
                f"{reason}, not a file", errno=code, path=path, hint="name a regular file, or a link to one"
            )
        return Reading(Snapshot(path, read_to_end(fd, status.st_size, path, limit, calls)), status, fd)
    except OSError as error:
        if isinstance(error, ReadError):
            raise
        raise failures.reading(error, path) from error


def read_to_end(fd: int, size: int, path: Path, limit: int | None, calls: Syscalls) -> bytes:
    """Read from offset 0 to the end; ``size`` is what the file is thought to have.

    Raises:
        LimitError: There is more than ``limit``.
        OSError: As pread(2) says.
    """
    parts: list[bytes] = []
    done = 0
    while True:
        if limit is not None and max(size, done) > limit:
            raise LimitError(
                f"is larger than {limit} bytes", path=path, hint="is this really a configuration file?"
            )
        # One byte more than there should be: a short answer is then the end.
        wanted = max(size - done, 0) + 1
        part = calls.pread(fd, wanted, done)
        parts.append(part)
        done += len(part)
        if not part or (len(part) < wanted and done >= size):
            return b"".join(parts)


def unlike_a_file(mode: int) -> tuple[str, int] | None:
    """Return why something with this mode is no regular file, with an errno; ``None`` if it is one."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), ("is no regular file", errno.EINVAL))
