"""Read a file once: its bytes, or that there is none."""

from __future__ import annotations

import errno
import os
import stat

from untorn.errors import LimitError, ReadError
from untorn.revisions import Snapshot
from untorn.storage import failures, flags
from untorn.storage.syscalls import REAL, Syscalls, closed

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from pathlib import Path

# A FIFO without a writer would block open(2) for ever, a terminal would become ours.
FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOCTTY

RECORD = ".untorn-transaction"
"""The record of a transaction, in the directory of its files: one name, so that one look finds it."""

_KINDS = {
    stat.S_IFDIR: ("is a directory", errno.EISDIR),
    stat.S_IFIFO: ("is a FIFO", errno.EINVAL),
    stat.S_IFSOCK: ("is a socket", errno.ENXIO),
    stat.S_IFCHR: ("is a device", errno.EINVAL),
    stat.S_IFBLK: ("is a device", errno.EINVAL),
    stat.S_IFLNK: ("is a symbolic link", errno.ELOOP),
}


def record_beside(path: Path | str, *, calls: Syscalls = REAL) -> bool:
    """Return whether a transaction has left its record in the directory of ``path`` (W25).

    To be asked *before* the file is read: what is read when there is no record
    any more has all of its transaction.

    Raises:
        ReadError: Nobody can tell.
    """
    record = os.path.join(os.path.dirname(path), RECORD)  # noqa: PTH118, PTH120  a string
    try:
        return calls.access(record, os.F_OK)
    except OSError as error:
        raise failures.reading(error, path) from error


def read(path: Path | str, *, limit: int | None = None, calls: Syscalls = REAL) -> Snapshot:
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
        fd = calls.open(path, FLAGS)
    except FileNotFoundError:
        return Snapshot(path, None)
    except OSError as error:
        raise failures.reading(error, path) from error
    try:
        return Snapshot(path, read_regular(fd, path, limit, calls)[0])
    finally:
        closed(fd, calls)


def read_regular(
    fd: int, path: Path | str, limit: int | None, calls: Syscalls
) -> tuple[bytes, os.stat_result]:
    """Return what an open file holds, and what it is besides.

    Raises:
        ReadError: It is no regular file, or cannot be read.
        LimitError: It has more than ``limit`` bytes.
    """
    try:
        status = calls.fstat(fd)
        strange = unlike_a_file(status.st_mode)
        if strange is not None:
            reason, code = strange
            raise ReadError(
                f"{reason}, not a file", errno=code, path=path, hint="name a regular file, or a link to one"
            )
        return read_to_end(fd, status.st_size, path, limit, calls), status
    except OSError as error:
        if isinstance(error, ReadError):
            raise
        raise failures.reading(error, path) from error


def read_to_end(fd: int, size: int, path: Path | str, limit: int | None, calls: Syscalls) -> bytes:
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
