"""The directory of a target: held open, its missing parents made, all of it synced (W4, W7)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from untorn.storage import flags
from untorn.storage.syscalls import closed

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.storage.syscalls import Syscalls

_DIRECTORY = os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC
# What fsync(2) says of a directory where a file system has no such thing.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)

_named: set[tuple[int, int]] = set()
"""The directories, by device and inode, whose names this process has made durable."""


_TRIES = 5
"""How often a directory is made anew that another save, which failed, takes away again."""


class Parents:
    """The directory of a save's target.

    ``fd`` is held, so that the save goes on in the same directory though
    somebody renames it meanwhile.
    """

    def __init__(self, directory: Path, calls: Syscalls) -> None:
        self._directory = directory
        self._calls = calls
        self._created: list[Path] = []
        self.fd = -1

    def open(self) -> int:
        """Open the directory, making it and its parents where they are missing.

        Raises:
            OSError: As open(2) and mkdir(2) say; ``close`` removes what was made.
        """
        told: OSError | None = None
        for _ in range(_TRIES):
            try:
                return self.hold()
            except FileNotFoundError as gone:
                told = self._create(self._directory) or gone
        try:
            return self.hold()
        except FileNotFoundError as gone:
            raise told or gone from None

    def hold(self) -> int:
        """Open the directory.

        Raises:
            OSError: As open(2) says.
        """
        if self.fd >= 0:
            closed(self.fd, self._calls)
            self.fd = -1
        self.fd = self._calls.open(self._directory, _DIRECTORY)
        return self.fd

    def _create(self, directory: Path) -> OSError | None:
        """Make a directory and its parents; return what mkdir(2) said if it was not us who made it."""
        told: OSError | None = None
        while True:
            try:
                self._calls.mkdir(directory)
            except FileExistsError as exists:
                return exists  # somebody else made it meanwhile, and keeps it
            except FileNotFoundError as gone:
                if told is not None or directory == directory.parent:
                    return told or gone
                told = self._create(directory.parent) or gone
            else:
                if directory not in self._created:
                    self._created.append(directory)
                return None

    def sync(self, *, new: bool) -> bool:
        """Sync the directory; of a ``new`` file, each parent's name as well, in its own parent.

        Returns:
            ``False`` where that cannot be done on this file system.

        Raises:
            OSError: The disk did not confirm.
        """
        durable = self._sync(self.fd)
        return self._sync_names() and durable if new else durable

    def _sync_names(self) -> bool:
        """Sync the names of the directory and its parents, up to the mount point; once in a process.

        Not only of those that this save made: whoever made the others, a moment
        ago, may not have synced them, or may have been killed first.
        """
        directory, status = self._directory, self._calls.fstat(self.fd)
        durable = True
        while directory in self._created or (status.st_dev, status.st_ino) not in _named:
            try:
                fd = self._calls.open(directory.parent, _DIRECTORY)
            except PermissionError:
                return durable and directory not in self._created
            try:
                above = self._calls.fstat(fd)
                if above.st_dev != status.st_dev or directory == directory.parent:
                    return durable  # a mount point has its name elsewhere
                durable = self._sync(fd) and durable
            finally:
                closed(fd, self._calls)
            _named.add((status.st_dev, status.st_ino))
            directory, status = directory.parent, above
        return durable

    def _sync(self, fd: int) -> bool:
        try:
            self._calls.fsync(fd)
        except OSError as error:
            if error.errno in _CANNOT_SYNC:
                return False
            raise
        return True

    def close(self, *, keep_created: bool) -> None:
        """Close the directory; remove what was made for a save that came to nothing. Never raises."""
        if self.fd >= 0:
            closed(self.fd, self._calls)
            self.fd = -1
        if not keep_created:
            for made in reversed(self._created):
                try:
                    self._calls.rmdir(made)
                except OSError:
                    return  # not empty: somebody else uses it by now
        self._created.clear()
