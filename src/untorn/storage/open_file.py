"""A file that was read, and that stays open: a save locks the descriptor that it read from."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from untorn.revisions import Snapshot
from untorn.storage import failures, flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.snapshot import FLAGS, read, read_regular
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        fd = opened(partial(calls.open, path, FLAGS | flags.O_NOFOLLOW))
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
        data, status = read_regular(fd, path, limit, calls)
        file = Reading(Snapshot(path, data), status, fd)
        if calls.locks_apart:  # nothing needs it any more, and it would be in others' way
            file.fd = -1
            drop(fd, calls)
        yield file
    finally:
        if file is None or (file.fd >= 0 and file.process == os.getpid()):
            drop(fd, calls)
