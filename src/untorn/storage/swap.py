"""Two names of one directory that change places, until the newest of what others wrote has the file's."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from untorn.storage import flags

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from untorn.storage.syscalls import Syscalls

ROUNDS = 5
"""How often the names are exchanged because others keep replacing the file."""


class Overtaken(Exception):  # noqa: N818  no error: the save begins again
    """Somebody else was faster: the name does not lead to what the save was made for."""


Look: TypeAlias = tuple[int, ...]
"""What a look at a file tells: it is another's, or was changed since, if this differs."""


def look(status: os.stat_result) -> Look:
    """Return what is compared: the inode, its last write, its size, who may do what with it.

    Not when its metadata changed last, for to be renamed is such a change.
    """
    return (
        status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size,
        status.st_mode, status.st_uid, status.st_gid,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Swap:
    """A file's name, and the name of what is exchanged with it.

    Attributes:
        directory: The descriptor of their directory.
        name: The file's.
        other: The other one, which nobody else uses.
    """

    directory: int
    name: str
    other: str
    calls: Syscalls

    def exchange(self) -> None:
        """Let each name lead to what the other one led to, in one step.

        Raises:
            OSError: As rename(2) says; ENOENT where one of them is gone.
        """
        self.calls.exchange(self.other, self.name, src_dir_fd=self.directory, dst_dir_fd=self.directory)

    def out(self) -> os.stat_result:
        """Return what lies under the other name.

        Raises:
            OSError: As stat(2) says.
        """
        return self.calls.stat(self.other, dir_fd=self.directory, follow_symlinks=False)

    def at_name(self) -> os.stat_result | None:
        """Return what has the file's name, or ``None``.

        Raises:
            OSError: As stat(2) says.
        """
        try:
            return self.calls.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def give_back(self, ours: Look) -> None:
        """Give the file its name back that lies under the other one, or a newer one that came since.

        Args:
            ours: What has the name, as far as we know.

        Raises:
            OSError: As the calls say; or EBUSY, if the file was replaced in each round.
        """
        expected = ours
        for _ in range(ROUNDS):
            theirs = look(self.out())
            try:
                self.exchange()
            except FileNotFoundError:
                if self.at_name() is None:
                    return  # somebody removed it meanwhile: that is the newest
                raise
            # Something else than what we had put there is newer than what is there
            # now: a third program's, which must not be set back either.
            if look(self.out()) == expected:
                return
            expected = theirs
        raise OSError(errno.EBUSY, f"other programs replaced it {ROUNDS} times")


@contextmanager
def alone(directory: int, calls: Syscalls) -> Iterator[None]:
    """Keep out all others who would remove a link here that is not their own.

    Else of two who found one dead link the slower one could remove what the other
    has put there since.

    Args:
        directory: The descriptor of the directory.
        calls: The system calls to use.

    Raises:
        BlockingIOError: Somebody else is at it.
    """
    try:
        calls.flock(directory, flags.LOCK_EX | flags.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # over a network, a directory may not be lockable
        yield
        return
    try:
        yield
    finally:
        calls.flock(directory, flags.LOCK_UN)
