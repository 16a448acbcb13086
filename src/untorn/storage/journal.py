"""The journal of an in-place write: found, believed, answered from, replayed (WRITER W12, W13).

A save that writes in place first puts a complete copy, the journal, into a
directory that the caller names. Its name comes from the file itself, so that all
who reach the file find it, whatever path they know the file by. While it lies
there it is *hot*: the file may be half-written, and the journal is what it holds.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from untorn.errors import ConflictError, ReadError, SaveError
from untorn.records import Snapshot
from untorn.storage import failures, flags
from untorn.storage.journal_format import HEADER_MOST, Identity, Journal, decode
from untorn.storage.locking import lock
from untorn.storage.open_file import Reading
from untorn.storage.open_file import reading as plainly_reading
from untorn.storage.snapshot import read_to_end
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
_DIRECTORY = os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC
_STRANGE = flags.O_NOFOLLOW | flags.O_NONBLOCK | flags.O_NOCTTY | flags.O_CLOEXEC
READ = os.O_RDONLY | _STRANGE
WRITE = os.O_RDWR | _STRANGE
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
# What fsync(2) says of a directory where a file system has no such thing.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH  # where there is an ACL, its mask is the group's bits


class UnusableJournalError(Exception):
    """There is a journal that is not believed, or does not fit, or its directory cannot be looked into.

    Never ignored: the file may be torn.
    """

    def __init__(self, reason: str, code: int, hint: str, *, foreign: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.hint = hint
        self.foreign = foreign

    def reading(self, path: Path) -> ReadError:
        """Return what a load says."""
        return ReadError(self.reason, errno=self.code, path=path, hint=self.hint)

    def writing(self, path: Path) -> SaveError:
        """Return what a save says."""
        if self.foreign:
            return ConflictError(f"not saved: {self.reason}", path=path, hint=self.hint)
        return failures.refusal(self.reason, self.code, path, self.hint)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that a journal may belong to."""

    path: Path
    fd: int
    status: os.stat_result
    identity: Identity

    @property
    def inode(self) -> tuple[int, int]:
        """Device and inode, as a lock names them."""
        return (self.status.st_dev, self.status.st_ino)


def identified(path: Path, fd: int, calls: Syscalls) -> OpenFile:
    """Return what is open as ``fd``, with what its journal is named after.

    Raises:
        OSError: It cannot be looked at.
    """
    status = calls.fstat(fd)
    return OpenFile(path, fd, status, Identity(status.st_ino, calls.birth(fd)))


def content_of(file: OpenFile, calls: Syscalls, *, limit: int | None = None) -> bytes:
    """Return what it holds now.

    Raises:
        OSError: It cannot be read.
        LimitError: It is more than ``limit``.
    """
    return read_to_end(file.fd, calls.fstat(file.fd).st_size, file.path, limit, calls)


class JournalDirectory:
    """The directory of journals, held open."""

    def __init__(self, path: Path, calls: Syscalls) -> None:
        self.path = path
        self.fd = -1
        self._calls = calls

    def open(self) -> Self:
        """Open it.

        Raises:
            UnusableJournalError: It cannot be opened, so that nobody can tell
                whether a journal lies there.
        """
        try:
            self.fd = self._calls.open(self.path, _DIRECTORY)
        except OSError as error:
            code = error.errno or errno.EIO
            raise UnusableJournalError(
                f"the journal directory {self.path} cannot be opened: {os.strerror(code)}",
                code,
                "it must be there, and be the same for all who read or save this file with in_place=",
            ) from error
        return self

    def close(self) -> None:
        """Close it. Raises no ``OSError``."""
        if self.fd >= 0:
            closed(self.fd, self._calls)
            self.fd = -1

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self) -> bool:
        """Sync it; return ``False`` where the file system cannot.

        Raises:
            OSError: The disk did not confirm.
        """
        try:
            self._calls.fsync(self.fd)
        except OSError as error:
            if error.errno in _CANNOT_SYNC:
                return False
            raise
        return True

    def hot(self, file: OpenFile, *, limit: int | None = None) -> Journal | None:
        """Return the journal of ``file`` if one lies here.

        Raises:
            UnusableJournalError: One does, and is not believed.
            OSError: It cannot be read.
        """
        name = file.identity.journal_name
        try:
            fd = self._calls.open(name, READ, dir_fd=self.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in _NOT_TO_BE_OPENED:
                raise
            raise self._unbelieved(file, _NOT_TO_BE_OPENED[error.errno], error.errno) from error
        try:
            status = self._calls.fstat(fd)
            if not status.st_nlink:
                return None  # done and removed, since it was opened
            doubt = doubt_of(status, file.status)
            if doubt:
                raise self._unbelieved(file, doubt)
            most = None if limit is None else 2 * limit + HEADER_MOST
            data = read_to_end(fd, status.st_size, self.path / name, most, self._calls)
        finally:
            closed(fd, self._calls)
        try:
            journal = decode(data)
        except ValueError as error:
            raise self._unbelieved(file, str(error)) from error
        if journal.identity != file.identity:
            raise self._unbelieved(file, "it was made for another file")
        return journal

    def _unbelieved(self, file: OpenFile, doubt: str, code: int = errno.EBADMSG) -> UnusableJournalError:
        where = self.path / file.identity.journal_name
        return UnusableJournalError(
            f"there is a journal of an unfinished save, {where}, but {doubt}; the file may be torn",
            code,
            recover_hint(file.path, self.path),
        )

    def foreign(self, file: OpenFile) -> UnusableJournalError:
        """Return the error for a journal that does not fit what the file holds."""
        where = self.path / file.identity.journal_name
        return UnusableJournalError(
            f"a save was cut off, and its journal {where} would complete it, "
            "but since then another program wrote the file",
            errno.EBADMSG,
            recover_hint(file.path, self.path),
            foreign=True,
        )

    def remove(self, file: OpenFile) -> None:
        """Remove the journal of ``file``.

        Raises:
            OSError: It stays.
        """
        self._calls.unlink(file.identity.journal_name, dir_fd=self.fd)


_NOT_TO_BE_OPENED = {
    errno.ELOOP: "it is a symbolic link",
    errno.ENXIO: "it is no regular file",
    errno.EACCES: "you may not read it",
    errno.EPERM: "you may not read it",
}


def failed(error: UnusableJournalError | OSError, path: Path, directory: Path, doing: str) -> SaveError:
    """Return what a save says of a failure before the mark."""
    if isinstance(error, SaveError):
        return error
    if isinstance(error, UnusableJournalError):
        return error.writing(path)
    if error.errno in READ_ONLY:
        hint = f"you need write permission for the file, and in the journal directory {directory}"
        return failures.refusal(f"{doing}: {error.strerror}", error.errno, path, hint)
    return failures.writing(error, path, doing)


def doubt_of(journal: os.stat_result, file: os.stat_result) -> str:
    """Return why a journal with this status is not to be believed, or an empty string.

    Whoever may write the journal must be somebody who may write the file anyway.
    """
    if not stat.S_ISREG(journal.st_mode):
        return "it is no regular file"
    if journal.st_nlink > 1:
        return "it has other names (hard links)"
    if journal.st_uid not in (file.st_uid, flags.effective_user()):
        return f"it belongs to user {journal.st_uid}, neither the file's owner nor you"
    return "others than its owner may write it" if journal.st_mode & _OTHERS_WRITE else ""


def recover_hint(path: Path, directory: Path) -> str:
    """Return what to do about a journal that is in the way."""
    return f"see what it holds and decide: untorn recover {path} --in-place {directory}"


# ── Read ────────────────────────────────────────────────────────────────────

_TICK = 15_000_000
"""Nanoseconds: the kernel's clock for timestamps ticks at least every 10 ms (CONFIG_HZ, time(7))."""

_TRIES = 20
"""How often a load looks at a file that is just being written, before it takes the file's lock."""

_PATIENCE = 10.0
"""Seconds that it then waits for the lock."""


@contextmanager
def reading(
    path: Path, directory: Path, *, limit: int | None = None, locked: bool = False, calls: Syscalls = REAL
) -> Iterator[Reading]:
    """Read a file that is written in place by others at any moment, for a save, and keep it open.

    Nothing is written: where a journal is hot, its new bytes are the answer.

    Args:
        path: The file, links resolved.
        directory: Where its journals are.
        limit: How many bytes it may have at most.
        locked: Whether the caller holds its lock.
        calls: The system calls to use.

    Raises:
        ReadError: The file or its journal cannot be read.
        WriteError: The journal is not to be believed.
        ConflictError: The journal does not fit what the file holds.
        LimitError: There are more than ``limit`` bytes.
    """
    with plainly_reading(path, limit=limit, calls=calls) as file:
        try:
            _settle(file, directory, limit, calls, locked=locked)
        except UnusableJournalError as error:
            raise error.writing(path) from error
        yield file


def read(path: Path, directory: Path, *, limit: int | None = None, calls: Syscalls = REAL) -> Snapshot:
    """Return what a file holds that is written in place by others at any moment. Nothing is written.

    Raises:
        ReadError: The file or its journal cannot be read, or the journal is not to be
            believed, or does not fit what the file holds.
        LimitError: There are more than ``limit`` bytes.
    """
    with plainly_reading(path, limit=limit, calls=calls) as file:
        try:
            _settle(file, directory, limit, calls, locked=False)
        except UnusableJournalError as error:
            raise error.reading(path) from error
        return file.snapshot


def _settle(file: Reading, directory: Path, limit: int | None, calls: Syscalls, *, locked: bool) -> None:
    """Let ``file`` be what it holds for all who know of its journal."""
    if file.fd < 0:
        return
    try:
        data = _settled(file, directory, limit, calls, locked=locked)
    except OSError as error:
        path = file.snapshot.path
        raise error if isinstance(error, ReadError) else failures.reading(error, path) from error
    file.snapshot = Snapshot(file.snapshot.path, data)


def _settled(reading: Reading, directory: Path, limit: int | None, calls: Syscalls, *, locked: bool) -> bytes:
    path = reading.snapshot.path
    with JournalDirectory(directory, calls) as place:
        file = identified(path, reading.fd, calls)
        for _ in range(0 if locked else _TRIES):
            data = _looked(file, place, limit, calls)
            if data is not None:
                return data
            time.sleep(_TICK / 1e9)
        if locked:
            return _under_lock(file, place, limit, calls)
        try:
            with lock(path, timeout=_PATIENCE, calls=calls) as held:
                if held.identity == file.inode:
                    return _under_lock(file, place, limit, calls)
        except SaveError as error:
            raise _busy(path, str(error.reason)) from error
    raise _busy(path, "another program replaced it meanwhile")


def _busy(path: Path, why: str) -> ReadError:
    return ReadError(
        f"it is being written all the time: {why}", errno=errno.EAGAIN, path=path, hint="load it again"
    )


def _looked(file: OpenFile, place: JournalDirectory, limit: int | None, calls: Syscalls) -> bytes | None:
    """Return what the file holds without its lock; ``None`` if it may have been written meanwhile.

    A journal is there from before the first byte of an in-place write until after
    the last. So if there was none at one moment, and nothing was written from
    before that moment until after it, then what was read is whole. That nothing
    was written, the time of the last change says, if it is longer ago than the
    clock's tick. The second reading is for clocks that tick still more slowly.
    """
    now = time.time_ns()
    before = calls.fstat(file.fd)
    data = read_to_end(file.fd, before.st_size, file.path, limit, calls)
    journal = place.hot(file, limit=limit)
    if journal is not None:
        # Foreign: perhaps read while it was being written.
        return journal.new if journal.state_of(data) != "foreign" else None
    again = read_to_end(file.fd, before.st_size, file.path, limit, calls)
    after = calls.fstat(file.fd)
    same = (before.st_ctime_ns, before.st_size) == (after.st_ctime_ns, after.st_size)
    return data if same and data == again and before.st_ctime_ns < now - _TICK else None


def _under_lock(file: OpenFile, place: JournalDirectory, limit: int | None, calls: Syscalls) -> bytes:
    journal = place.hot(file, limit=limit)
    data = content_of(file, calls, limit=limit)
    if journal is None:
        return data
    if journal.state_of(data) == "foreign":
        raise place.foreign(file)
    return journal.new


# ── Write ───────────────────────────────────────────────────────────────────


def overwrite(file: OpenFile, data: bytes, *, calls: Syscalls) -> None:
    """Make the file hold ``data``, and sync it. There must be a journal: the file is torn meanwhile.

    Never truncated first: what is cut off then is still most of the file to
    those who do not know of the journal.

    Raises:
        OSError: As the calls say, or EIO where it does not hold ``data`` then.
    """
    done = 0
    rest = memoryview(data)
    while done < len(data):
        taken = calls.pwrite(file.fd, rest[done:], done)
        if taken == 0:
            raise OSError(errno.EIO, "pwrite(2) accepted no bytes")
        done += taken
    calls.ftruncate(file.fd, len(data))
    calls.fsync(file.fd)
    # pwrite(2) said that it took all: never remove the journal of what it did not keep.
    if read_to_end(file.fd, len(data), file.path, None, calls) != data:
        raise OSError(errno.EIO, "the file does not hold what was written")


def replay_hot(
    file: OpenFile, place: JournalDirectory, *, over_foreign: bool = False, calls: Syscalls
) -> bool:
    """Finish the save that was cut off, if one was; return whether one was. Call it under the lock.

    Args:
        file: The file, open for writing.
        place: Where its journal would be.
        over_foreign: Whether to overwrite what another program wrote since.
        calls: The system calls to use.

    Raises:
        UnusableJournalError: The journal is not believed, or another program wrote the file since.
        OSError: As the calls say; the journal stays hot.
    """
    journal = place.hot(file)
    if journal is None:
        return False
    if journal.state_of(content_of(file, calls)) == "foreign" and not over_foreign:
        raise place.foreign(file)
    overwrite(file, journal.new, calls=calls)
    place.remove(file)
    place.sync()
    return True
