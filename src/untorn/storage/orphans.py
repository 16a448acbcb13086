"""Orphans: what crashed saves left behind, to be looked at, restored, kept or removed (W18, W20).

A temp's name tells which file it was made for, and the digest of what it should
hold, so that one that was written to its end can be told from one that was not.
What lies under a name that ends in ``.swap`` was there in the moment of an
exchange: it is a temp, or what the file held before, or what another program
wrote in that moment. Nothing here touches a temp whose writer lives, or that
may be somebody else's.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from untorn.errors import LimitError, ReadError, WriteError
from untorn.storage import flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.names import short_digest, stem_of
from untorn.storage.snapshot import read_to_end, unlike_a_file
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEX = rb"([0-9a-f]{32})"
_NAME = re.compile(rb"(\..*\.)%b\.(?:%b\.%b\.swap|%b\.tmp)" % (_HEX, _HEX, _HEX, _HEX), re.DOTALL)
# The end of a name that was too long and was cut: only the file itself tells the whole.
_CUT = re.compile(rb"~[0-9a-f]{16}\.\Z")
_FILE = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOFOLLOW | flags.O_NOCTTY
_DIRECTORY = os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC

_ROOT = 0

_NEWBORN_NS = 1_000_000_000
"""How long an empty temp may be one that its writer is about to lock, and a ``.swap`` one that moves on."""

Content: TypeAlias = Literal["new", "before", "foreign"]
"""What an orphan holds: what was to be saved, what the file held, or what another program wrote."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A temp that nobody may be writing any more.

    Attributes:
        path: Where it lies.
        target: The file that it was made for; ``None`` where that name was too
            long for a temp's and was cut, and no file here has it.
        id: What tells it from others: the random part of its name.
        size: Its bytes.
        changed_ns: When it was written last, in nanoseconds since 1970.
        owner: The number of its owner.
        mode: Its permission bits.
        complete: Whether it holds all that it should, by the digest in its
            name; ``None`` where it cannot be read.
        holds: What it holds; what is ``"foreign"``, no save removes.
        alive: Whether its writer lives, and will finish or remove it;
            ``None`` where that cannot be told.
        untouchable: Why no command touches it, or an empty string.
        identity: Its device and inode.
    """

    path: Path
    target: Path | None
    id: str
    size: int
    changed_ns: int
    owner: int
    mode: int
    complete: bool | None
    holds: Content
    alive: bool | None
    untouchable: str
    identity: tuple[int, int]


def orphans_of(path: Path, *, limit: int, calls: Syscalls = REAL) -> list[Orphan]:
    """Return the temps of the file at ``path`` (links resolved), the newest first.

    The file need not exist. Where its directory does not, there are none.

    Args:
        path: The file.
        limit: From how many bytes on a temp is not read, as no file is loaded.
        calls: The system calls to use.

    Raises:
        ReadError: The directory cannot be read.
    """
    stem = os.fsencode(stem_of(path.name))
    found = [each for each in _temps_in(path.parent, calls) if each.stem == stem]
    return _looked_at(path.parent, {stem: path}, found, limit, calls)


def orphans_in(directory: Path, *, limit: int, calls: Syscalls = REAL) -> list[Orphan]:
    """Return the temps of all files in ``directory``, those of one file together, the newest first.

    Raises:
        ReadError: The directory cannot be read.
    """
    found = _temps_in(directory, calls)
    stems = {each.stem for each in found}
    names = _names_in(directory, calls) if any(map(_CUT.search, stems)) else []
    known = {os.fsencode(stem_of(name)): directory / name for name in names}
    targets = {
        stem: known[stem] if stem in known else directory / os.fsdecode(stem[1:-1])
        for stem in stems
        if stem in known or not _CUT.search(stem)
    }
    return _looked_at(directory, targets, found, limit, calls)


class _Temp(NamedTuple):
    """What the name of a temp tells; ``before`` is the digest of what it was exchanged with, if it was."""

    name: str
    stem: bytes
    id: str
    before: str | None
    new: str

    def holds(self, data: bytes) -> Content:
        if self.before is None:
            return "new"
        known: dict[str, Content] = {self.before: "before", self.new: "new"}
        return known.get(short_digest(data), "foreign")

    def is_complete(self, data: bytes) -> bool:
        return self.before is not None or short_digest(data) == self.new


def _temp_called(name: str) -> _Temp | None:
    match = _NAME.fullmatch(os.fsencode(name))
    if match is None:
        return None
    before = match[3].decode("ascii") if match[3] else None
    return _Temp(name, match[1], match[2].decode("ascii"), before, (match[4] or match[5]).decode("ascii"))


def _temps_in(directory: Path, calls: Syscalls) -> list[_Temp]:
    found = (_temp_called(name) for name in _names_in(directory, calls))
    return [each for each in found if each is not None]


def _names_in(directory: Path, calls: Syscalls) -> list[str]:
    try:
        return calls.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        code = error.errno or errno.EIO
        raise ReadError(
            f"its orphans cannot be listed: {os.strerror(code)}",
            errno=code,
            path=directory,
            hint="ask for permission to read the directory: ls -ld shows who may",
        ) from error


def _looked_at(
    directory: Path,
    targets: dict[bytes, Path],
    found: list[_Temp],
    limit: int,
    calls: Syscalls,
) -> list[Orphan]:
    orphans = []
    for temp in found:
        with suppress(FileNotFoundError):  # its writer was faster
            orphans.append(_look_at(directory, temp, targets.get(temp.stem), limit, calls))
    return sorted(orphans, key=lambda each: (str(each.target), -each.changed_ns, each.id))


def _look_at(directory: Path, temp: _Temp, target: Path | None, limit: int, calls: Syscalls) -> Orphan:
    path = directory / temp.name
    status = calls.stat(path, follow_symlinks=False)
    data, alive = None, None
    if stat.S_ISREG(status.st_mode):
        data, alive = _judged(path, limit, calls)
    return Orphan(
        path=path,
        target=target,
        id=temp.id,
        size=status.st_size,
        changed_ns=status.st_mtime_ns,
        owner=status.st_uid,
        mode=stat.S_IMODE(status.st_mode),
        complete=None if data is None else temp.is_complete(data),
        holds="new" if data is None else temp.holds(data),
        alive=alive,
        untouchable=_untouchable(status, target, alive, calls) or _on_its_way(temp.name, status),
        identity=(status.st_dev, status.st_ino),
    )


def _judged(path: Path, limit: int, calls: Syscalls) -> tuple[bytes | None, bool | None]:
    """Return what a temp holds, if it can be read, and whether its writer lives."""
    try:
        fd = opened(partial(calls.open, path, _FILE))
    except FileNotFoundError:
        raise
    except OSError:
        return None, None
    try:
        alive = _is_locked(fd, calls)
        return _data_of(fd, path, limit, calls), alive
    finally:
        drop(fd, calls)


def _is_locked(fd: int, calls: Syscalls) -> bool | None:
    try:
        # Shared: two who look at once do not take each other for its writer.
        calls.flock(fd, flags.LOCK_SH | flags.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _data_of(fd: int, path: Path, limit: int, calls: Syscalls) -> bytes | None:
    try:
        return read_to_end(fd, calls.fstat(fd).st_size, path, limit, calls)
    except (OSError, LimitError):
        return None


def _untouchable(
    status: os.stat_result,
    target: Path | None,
    alive: bool | None,  # noqa: FBT001  an answer, not a switch
    calls: Syscalls,
) -> str:
    """Return why nobody should touch a temp, or an empty string (W18)."""
    strange = unlike_a_file(status.st_mode)
    if strange is not None:
        return f"it {strange[0]}, which untorn never makes"
    user = flags.effective_user()
    if status.st_uid != user and (user != _ROOT or status.st_uid != _owner_of(target, calls)):
        return f"it belongs to user {status.st_uid}"
    if status.st_nlink != 1:
        return f"it has {status.st_nlink} names (hard links), which untorn never gives it"
    if alive is None:
        return "whether its writer lives cannot be told here"
    return "its writer lives" if alive else ""


def _on_its_way(name: str, status: os.stat_result) -> str:
    """Return why not to touch what is being exchanged: a third program's may lie there, locked by nobody."""
    is_new = time.time_ns() - status.st_ctime_ns < _NEWBORN_NS  # each exchange is a change
    return "it was exchanged a moment ago, and may be going back" if is_new and name.endswith(".swap") else ""


def _owner_of(target: Path | None, calls: Syscalls) -> int | None:
    """Return whose the file is: a save by root gives its temp to that user before the rename."""
    if target is None:
        return None
    try:
        return calls.stat(target, follow_symlinks=False).st_uid
    except OSError:
        return None


# ── Acts ────────────────────────────────────────────────────────────────────


def content_of(orphan: Orphan, *, limit: int, calls: Syscalls = REAL) -> bytes:
    """Return what a complete orphan holds, proved once more by the digest in its name.

    Raises:
        ReadError: It is gone, or it is not complete.
    """
    temp = _temp_called(orphan.path.name)
    assert temp is not None
    try:
        fd = calls.open(orphan.path, _FILE)
        try:
            data = read_to_end(fd, orphan.size, orphan.path, limit, calls)
        finally:
            closed(fd, calls)
    except OSError as error:
        code = error.errno or errno.EIO
        raise ReadError(
            f"cannot be read: {os.strerror(code)}",
            errno=code,
            path=orphan.path,
            hint="list the orphans again",
        ) from error
    if not temp.is_complete(data):
        raise ReadError(
            "is not complete: its bytes are not those that its name promises",
            errno=errno.EIO,
            path=orphan.path,
            hint="only a complete orphan can be restored; --quarantine keeps it to be looked at",
        )
    return data


def remove(orphan: Orphan, *, calls: Syscalls = REAL) -> None:
    """Remove a dead orphan.

    Raises:
        WriteError: It stays, and why.
    """
    with _grasped(orphan, "removed", calls) as (_, directory):
        calls.unlink(orphan.path.name, dir_fd=directory)
        _remove_link(orphan, directory, calls)


def _remove_link(orphan: Orphan, directory: int, calls: Syscalls) -> None:
    """Remove the link that led to it: the next save would do so."""
    temp = _temp_called(orphan.path.name)
    if temp is None or temp.before is None:
        return
    link = os.fsdecode(temp.stem) + "swap"
    with suppress(OSError):
        if calls.readlink(link, dir_fd=directory) == temp.name:
            calls.unlink(link, dir_fd=directory)


def quarantine(orphan: Orphan, into: Path, *, calls: Syscalls = REAL) -> Path:
    """Move a dead orphan to the directory ``into``, and return where it is now.

    There its name is no temp's any more, so that no save removes it.

    Raises:
        WriteError: It stays, and why.
    """
    name = orphan.path.name.removeprefix(".").removesuffix(".tmp").removesuffix(".swap") + ".orphan"
    with _kept_in(into, orphan, calls) as there, _grasped(orphan, "moved", calls) as (fd, directory):
        _refuse_newborn(orphan, fd, calls)
        calls.fsync(fd)  # whoever keeps it wants it to last
        calls.rename_new(orphan.path.name, name, src_dir_fd=directory, dst_dir_fd=there)
        _remove_link(orphan, directory, calls)
        for each in (there, directory):
            with suppress(OSError):  # where it lies after a power cut, there or here, nothing is lost
                calls.fsync(each)
    return into / name


def _refuse_newborn(orphan: Orphan, fd: int, calls: Syscalls) -> None:
    """Leave a temp alone that was made a moment ago: its writer may be about to lock it."""
    status = calls.fstat(fd)
    if not status.st_size and time.time_ns() - status.st_ctime_ns < _NEWBORN_NS:
        raise _stays(orphan, "moved", "it was made a moment ago", errno.EAGAIN)


@contextmanager
def _kept_in(into: Path, orphan: Orphan, calls: Syscalls) -> Iterator[int]:
    try:
        fd = calls.open(into, _DIRECTORY)
    except OSError as error:
        code = error.errno or errno.EIO
        raise WriteError(
            f"not moved: {into} cannot be opened: {os.strerror(code)}",
            errno=code,
            path=orphan.path,
            hint="name a directory that exists: mkdir -m 700 makes one that only you can read",
        ) from error
    try:
        yield fd
    finally:
        closed(fd, calls)


@contextmanager
def _directory(path: Path, calls: Syscalls) -> Iterator[int]:
    fd = calls.open(path, _DIRECTORY)
    try:
        yield fd
    finally:
        closed(fd, calls)


@contextmanager
def _grasped(orphan: Orphan, done: str, calls: Syscalls) -> Iterator[tuple[int, int]]:
    """Lock an orphan, after a last look that it still is what was listed; yield it and its directory.

    Raises:
        WriteError: It is not to be touched, or something in the block failed.
    """
    if orphan.untouchable:
        raise _stays(orphan, done, orphan.untouchable, errno.EPERM)
    try:
        with _directory(orphan.path.parent, calls) as directory:
            fd = opened(partial(calls.open, orphan.path.name, _FILE, dir_fd=directory))
            try:
                calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)
                status = calls.stat(orphan.path.name, dir_fd=directory, follow_symlinks=False)
                here = calls.fstat(fd)
                reason = _untouchable(status, orphan.target, alive=False, calls=calls)
                reason = reason or _on_its_way(orphan.path.name, status)
                if not (orphan.identity == _identity(status) == _identity(here)):
                    reason = "it was replaced since it was listed"
                if reason:
                    raise _stays(orphan, done, reason, errno.EPERM)
                yield fd, directory
            finally:
                drop(fd, calls)
    except BlockingIOError as error:
        raise _stays(orphan, done, "its writer lives", errno.EAGAIN) from error
    except WriteError:
        raise
    except OSError as error:
        code = error.errno or errno.EIO
        raise _stays(orphan, done, os.strerror(code), code) from error


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)


_HINTS = {
    errno.ENOENT: "somebody else was faster: list the orphans again",
    errno.EXDEV: "name a directory on the same file system, so that it can be moved as it is",
    errno.EEXIST: "there is such a file in that directory already",
    errno.EACCES: "you need write permission in the directory",
    errno.EROFS: "the file system is mounted read-only",
}


def _stays(orphan: Orphan, done: str, reason: str, code: int) -> WriteError:
    hint = _HINTS.get(code, "")
    return WriteError(f"not {done}: {reason}", errno=code, path=orphan.path, hint=hint)
