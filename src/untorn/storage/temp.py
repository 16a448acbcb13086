"""The temporary file: all of the new content, under a name that nobody reads (WRITER W1, W7, W16, W18)."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from untorn.records import revision_of
from untorn.storage import flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.names import swap_name, temp_name

if TYPE_CHECKING:
    from untorn.records import Revision
    from untorn.storage.syscalls import Syscalls

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | flags.O_NOFOLLOW | flags.O_CLOEXEC

_TRIES = 10
"""How many temps a sweep may take for an orphan, each in the moment before it is locked."""

_LARGE = 1 << 16
"""From how many bytes on space is reserved: one write(2) of less says just as soon that the disk is full."""


class Temp:
    """A file beside its target, which its writer alone can read, and has locked.

    Attributes:
        name: Its name in the target's directory; empty while there is none.
        fd: Its descriptor, -1 while there is none.
        identity: Its device and inode.
        revision: What identifies its content.
        stays: Whether the file system refused its removal.
    """

    def __init__(self, target: str, data: bytes, calls: Syscalls) -> None:
        self._target = target
        self._data = data
        self.revision = revision_of(data)
        self._calls = calls
        self.name = ""
        self._other = ""
        self.fd = -1
        self.identity = (-1, -1)
        self.stays = False

    def write(self, directory: int) -> os.stat_result:
        """Create it with all of the data, and return what became of it.

        Raises:
            OSError: As the calls say, or EIO where not all bytes were kept;
                ``remove`` and ``close`` are due all the same.
        """
        for _ in range(_TRIES):
            self._create(directory)
            with suppress(BlockingIOError):  # a sweep holds it, and is about to remove it
                self._calls.flock(self.fd, flags.LOCK_EX | flags.LOCK_NB)
                status = self._filled()
                if status.st_nlink:  # else a sweep was faster than the lock
                    return status
            self.remove(directory)
            self.close()
        raise OSError(errno.EAGAIN, "somebody else locks each new file at once")

    def _create(self, directory: int) -> None:
        self.name = temp_name(self._target, self.revision)
        try:
            self.fd = opened(partial(self._calls.open, self.name, _FLAGS, 0o600, dir_fd=directory))
        except OSError:
            self.name = ""  # if there is such a file, it is not ours to remove
            raise

    def _filled(self) -> os.stat_result:
        if len(self._data) > _LARGE:
            reserve(self.fd, len(self._data), calls=self._calls)
        write_all(self.fd, self._data, calls=self._calls)
        status = self._calls.fstat(self.fd)
        self.identity = (status.st_dev, status.st_ino)
        if status.st_size != len(self._data):
            # write(2) said it took all: never install what it did not keep.
            raise OSError(errno.EIO, f"{status.st_size} of {len(self._data)} bytes were kept")
        return status

    def another_name(self) -> str:
        """Return a name that a sweep of the target takes for an orphan, should a crash leave such a file."""
        return temp_name(self._target, self.revision)

    def holds(self, data: bytes) -> bool:
        """Return whether ``data`` is what it shall hold."""
        return data == self._data

    def to_be_exchanged(self, base: Revision) -> str:
        """Return what to call it while it is exchanged with the target, which holds ``base``."""
        return swap_name(self.name, base)

    def rename(self, directory: int, name: str) -> None:
        """Give it another name.

        Raises:
            OSError: As rename(2) says.
        """
        self._other = name  # of the two, until it is known which one it has
        self._calls.rename(self.name, name, src_dir_fd=directory, dst_dir_fd=directory)
        self.name, self._other = name, ""

    def remove(self, directory: int) -> None:
        """Remove its name, if it has one. Raises no ``OSError``: see ``stays``."""
        refused = ""
        for name in filter(None, (self.name, self._other)):
            try:
                self._calls.unlink(name, dir_fd=directory)
            except FileNotFoundError:
                continue
            except OSError:
                refused = refused or name
            else:
                return  # it has one name only
        if refused:
            self.name, self.stays = refused, True

    def close(self) -> None:
        """Close it, which unlocks it. Raises no ``OSError``."""
        if self.fd >= 0:
            drop(self.fd, self._calls)
            self.fd = -1


# fallocate(2): what says only that the file system, or the system, has no such thing.
_CANNOT_RESERVE = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EINTR)


def reserve(fd: int, size: int, *, calls: Syscalls) -> None:
    """Set space aside, so that a full disk says so before a byte is written.

    Raises:
        OSError: The disk is full, the quota used up, or the file too large.
    """
    try:
        calls.reserve(fd, size)
    except OSError as error:
        if error.errno not in _CANNOT_RESERVE:
            raise


def write_all(fd: int, data: bytes, *, calls: Syscalls) -> None:
    """Write all of ``data``; write(2) may take less than it is given.

    Raises:
        OSError: As write(2) says, or EIO where it accepts nothing.
    """
    rest = memoryview(data)
    while rest:
        taken = calls.write(fd, rest)
        if taken == 0:
            raise OSError(errno.EIO, "write(2) accepted no bytes")
        rest = rest[taken:]
