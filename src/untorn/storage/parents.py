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
        try:
            self.fd = self._calls.open(self._directory, _DIRECTORY)
        except FileNotFoundError:
            self._create(self._directory)
            self.fd = self._calls.open(self._directory, _DIRECTORY)
        return self.fd

    def _create(self, directory: Path) -> None:
        try:
            try:
                self._calls.mkdir(directory)
            except FileNotFoundError:
                if directory == directory.parent:
                    raise
                self._create(directory.parent)
                self._calls.mkdir(directory)
        except FileExistsError:
            return  # somebody else made it meanwhile, and keeps it
        self._created.append(directory)

    def sync(self) -> bool:
        """Sync the directory, and each that was made in its own parent.

        Returns:
            ``False`` where the file system cannot sync directories.

        Raises:
            OSError: The disk did not confirm.
        """
        durable = self._sync(self.fd)
        for made in reversed(self._created):
            fd = self._calls.open(made.parent, _DIRECTORY)
            try:
                durable = self._sync(fd) and durable
            finally:
                closed(fd, self._calls)
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
