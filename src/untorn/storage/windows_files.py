"""The files that are open on Windows, as descriptors; and the patience that sharing takes (WRITER W17)."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from untorn.storage import flags, win32
from untorn.storage.failures import InUse
from untorn.storage.win32 import Refused, Win32
from untorn.storage.windows_names import error_number, native, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Place = str | bytes | os.PathLike[str] | int

_Result = TypeVar("_Result")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1  # seconds

_ACCESS_DENIED, _SHARING_VIOLATION, _LOCK_VIOLATION, _MAPPED = 5, 32, 33, 1224
HELD = (_SHARING_VIOLATION, _LOCK_VIOLATION)
# Of a name that is being replaced or removed, access is also denied while others have it open.
HELD_NAME = (*HELD, _ACCESS_DENIED, _MAPPED)


@dataclass(slots=True)
class Open:
    """What a descriptor stands for; without a ``handle``, it was renamed and is closed already.

    ``made``: we made it, and may remove it by this handle.
    """

    handle: int | None
    path: str
    is_directory: bool = False
    writes: bool = False
    made: bool = False
    locked: bool = False
    position: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """Tries again what others prevent, for a bounded time."""

    seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    def __call__(self, attempt: Callable[[], _Result], path: str, held: Callable[[int], bool]) -> _Result:
        """Return what ``attempt`` does.

        Raises:
            InUse: Somebody held the file all the time.
            OSError: It failed for another reason.
        """
        until: float | None = None
        pause = _FIRST_PAUSE
        while True:
            try:
                return attempt()
            except Refused as refused:
                if not held(refused.code):
                    raise failure(refused, path) from refused
                now = self.clock()
                until = now + self.seconds if until is None else until
                if now >= until:
                    raise InUse(errno.EACCES, os.strerror(errno.EACCES), plain(path)) from refused
            self.sleep(min(pause * (0.5 + os.urandom(1)[0] / 255), until - now))  # spreads those who wait
            pause = min(pause * 2, _LONGEST_PAUSE)


def failure(refused: Refused, path: str | None = None) -> OSError:
    """Return the error for what Windows said."""
    number = error_number(refused.code)
    return OSError(number, os.strerror(number), None if path is None else plain(path))


# ── Descriptors ─────────────────────────────────────────────────────────────


class Disk:
    """What is done with descriptors."""

    def __init__(self, system: Win32, patience: Patience) -> None:
        self.system = system
        self.patience = patience
        self.numbers = itertools.count(1 << 20)  # like none of the C library's
        self.open_ones: dict[int, Open] = {}

    def found(self, fd: int) -> Open:
        """Return what ``fd`` stands for."""
        try:
            return self.open_ones[fd]
        except KeyError:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None

    def _handle(self, fd: int) -> int:
        handle = self.found(fd).handle
        if handle is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return handle

    def native(self, where: Place, dir_fd: int | None = None) -> str:
        """Return the name by which Windows knows something, whatever its length."""
        if isinstance(where, int):
            return self.found(where).path
        name = os.fsdecode(where)
        return native(name) if dir_fd is None else self.found(dir_fd).path + "\\" + name

    def open(
        self,
        path: str | bytes | os.PathLike[str],
        how: int,
        mode: int = 0o777,
        *,
        dir_fd: int | None = None,
    ) -> int:
        """Open, so that others may read, write, replace and remove it meanwhile."""
        name = self.native(path, dir_fd)
        opening = self._directory if how & flags.O_DIRECTORY else self._file
        made = self.patience(lambda: opening(name, how, mode), name, lambda code: self.may_open(name, code))
        fd = next(self.numbers)
        self.open_ones[fd] = made
        return fd

    def may_open(self, name: str, code: int) -> bool:
        """Return whether a file that could not be opened, or looked at, may be soon."""
        if code != _ACCESS_DENIED:
            return code in HELD
        try:
            self.system.attributes(name)
        except Refused as refused:
            return refused.code == _ACCESS_DENIED  # it is going; of one that stays, this much is told
        return False

    def _directory(self, name: str, _how: int, _mode: int) -> Open:
        access = win32.LIST_DIRECTORY | win32.READ_ATTRIBUTES
        # Not for others to rename or remove, as long as names in it are joined to its path.
        share = win32.SHARE_READ | win32.SHARE_WRITE
        handle = self.system.create(name, access, share, win32.OPEN_EXISTING, win32.BACKUP_SEMANTICS)
        made = Open(handle, name.rstrip("\\"), is_directory=True)
        self._look_at(made, lambda here: here.attributes & win32.DIRECTORY, errno.ENOTDIR)
        return made

    def _file(self, name: str, how: int, mode: int) -> Open:
        new, writes = bool(how & os.O_EXCL), bool(how & (os.O_WRONLY | os.O_RDWR))
        access = win32.GENERIC_READ | (win32.GENERIC_WRITE if writes else 0) | (win32.DELETE if new else 0)
        disposition = win32.OPEN_ALWAYS if how & os.O_CREAT else win32.OPEN_EXISTING
        if new:
            # Nobody can open it without leave to remove it, so that we can at any time.
            # Written through, for NTFS then writes a rename by this handle before it
            # returns: it knows no sync of the directory.
            extra = win32.DELETE_ON_CLOSE if how & flags.O_TEMPORARY else win32.WRITE_THROUGH
            private = not mode & 0o077
            handle = self.system.create(
                name, access, win32.SHARE_ALL, win32.CREATE_NEW, extra, private=private
            )
            return Open(handle, name, writes=True, made=True)
        extra = 0 if how & os.O_CREAT else win32.BACKUP_SEMANTICS  # also a directory, to be told from a file
        if how & flags.O_NOFOLLOW:
            extra |= self._reparse(name)
        handle = self.system.create(name, access, win32.SHARE_ALL, disposition, win32.NORMAL | extra)
        made = Open(handle, name, writes=writes)
        if how & flags.O_NOFOLLOW:
            self._look_at(made, lambda here: here.tag != win32.SYMBOLIC_LINK, errno.ELOOP)
        return made

    def _reparse(self, name: str) -> int:
        """Return how to open what a link may be: a file that is kept in a cloud has to be opened plainly."""
        info = self.look(name, follow=False)
        other = info.attributes & win32.REPARSE_POINT and info.tag != win32.SYMBOLIC_LINK
        return 0 if other else win32.OPEN_REPARSE_POINT

    def _look_at(self, made: Open, fits: Callable[[win32.Information], object], otherwise: int) -> None:
        """Close what is not what it should be, and say so."""
        assert made.handle is not None
        try:
            fine = fits(self.system.information(made.handle))
        except BaseException:
            self.system.close(made.handle)
            raise
        if not fine:
            self.system.close(made.handle)
            raise OSError(otherwise, os.strerror(otherwise), plain(made.path))

    def look(self, name: str, *, follow: bool) -> win32.Information:
        """Return what has this name."""
        extra = win32.BACKUP_SEMANTICS | (0 if follow else win32.OPEN_REPARSE_POINT)
        handle = self.system.create(name, win32.READ_ATTRIBUTES, win32.SHARE_ALL, win32.OPEN_EXISTING, extra)
        try:
            return self.system.information(handle)
        finally:
            self.system.close(handle)

    def close(self, fd: int) -> None:
        """Close, which unlocks; at once, and not when the system finds the time."""
        closing = self.found(fd)
        try:
            if closing.handle is not None:
                self._release(closing)
        finally:
            self.open_ones.pop(fd, None)

    def _release(self, closing: Open) -> None:
        handle, closing.handle = closing.handle, None
        assert handle is not None
        try:
            if closing.locked:
                self.told(lambda: self.system.unlock(handle))
        finally:
            self.told(lambda: self.system.close(handle))

    def give_up(self, source: str) -> None:
        """Close what was renamed: who opens it by its new name may not want to share it with a writer."""
        for each in [*self.open_ones.values()]:
            if each.path == source and each.made and each.handle is not None:
                self._release(each)

    def ours(self, name: str) -> int | None:
        """Return the handle of a file that we made and may remove, if it has this name."""
        return next(
            (each.handle for each in [*self.open_ones.values()] if each.path == name and each.writes), None
        )

    @staticmethod
    def told(call: Callable[[], _Result], path: str | None = None) -> _Result:
        """Return what ``call`` does; what Windows says becomes an ``OSError``."""
        try:
            return call()
        except Refused as refused:
            raise failure(refused, path) from refused

    def read(self, fd: int, size: int) -> bytes:
        """Read on."""
        data = self.pread(fd, size, self.found(fd).position)
        self.found(fd).position += len(data)
        return data

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read at an offset."""
        handle, path = self._handle(fd), self.found(fd).path
        return self.patience(lambda: self.system.read(handle, size, offset), path, HELD.__contains__)

    def write(self, fd: int, data: bytes) -> int:
        """Write on."""
        taken = self.pwrite(fd, data, self.found(fd).position)
        self.found(fd).position += taken
        return taken

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """Write at an offset."""
        handle = self._handle(fd)
        return self.told(lambda: self.system.write(handle, bytes(data), offset))

    def ftruncate(self, fd: int, size: int) -> None:
        """Let the file end there."""
        handle = self._handle(fd)
        self.told(lambda: self.system.truncate(handle, size))

    def reserve(self, fd: int, size: int) -> None:
        """Set space aside; the file's size stays."""
        handle = self._handle(fd)
        self.told(lambda: self.system.reserve(handle, size))

    def fsync(self, fd: int) -> None:
        """Have the drive write a file; a directory cannot be synced: see ``_file``."""
        opened, handle = self.found(fd), self._handle(fd)
        if opened.writes:
            self.told(lambda: self.system.flush(handle))
        elif not opened.is_directory:
            self.told(lambda: self._flush_by_name(opened.path))

    def _flush_by_name(self, name: str) -> None:
        """Do it by a handle that may write, for no other may."""
        handle = self.system.create(name, win32.GENERIC_WRITE, win32.SHARE_ALL, win32.OPEN_EXISTING, 0)
        try:
            self.system.flush(handle)
        finally:
            self.system.close(handle)

    def fstat(self, fd: int) -> os.stat_result:
        """Return what is open."""
        handle = self._handle(fd)
        return status_of(self.told(lambda: self.system.information(handle)))

    def birth(self, fd: int) -> int | None:
        """Return when the file was made, in nanoseconds since 1970."""
        handle = self._handle(fd)
        return self.told(lambda: self.system.information(handle)).created

    def fchmod(self, fd: int, mode: int) -> None:
        """Make the file read-only or not: the rest of what a mode says is in the list."""
        handle = self._handle(fd)
        now = self.told(lambda: self.system.information(handle)).attributes
        wanted = now & ~win32.READ_ONLY if mode & stat.S_IWUSR else now | win32.READ_ONLY
        if wanted != now:
            self.told(lambda: self.system.set_attributes(handle, wanted))

    def flock(self, fd: int, how: int) -> None:
        """Lock a file for who asks so; a directory is locked by a file elsewhere (``lock_file``)."""
        opened, handle = self.found(fd), self._handle(fd)
        if opened.is_directory:
            return
        try:
            if how & flags.LOCK_UN:
                self.system.unlock(handle)
            else:
                self.system.lock(handle, exclusive=bool(how & flags.LOCK_EX))
        except Refused as refused:
            if refused.code == _LOCK_VIOLATION:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from refused
            raise failure(refused) from refused
        opened.locked = not how & flags.LOCK_UN


def status_of(info: win32.Information) -> os.stat_result:
    """Return what POSIX would say; the time of the last change is that, and not when it was made."""
    if info.tag == win32.SYMBOLIC_LINK:
        mode = stat.S_IFLNK | 0o777
    elif info.attributes & win32.DIRECTORY:
        mode = stat.S_IFDIR | 0o777
    else:
        mode = stat.S_IFREG | (0o444 if info.attributes & win32.READ_ONLY else 0o666)
    times = (info.accessed, info.written, info.changed)
    seconds = (each // 1_000_000_000 for each in times)
    exact: dict[str, int] = dict(zip(("st_atime_ns", "st_mtime_ns", "st_ctime_ns"), times, strict=True))
    return os.stat_result((mode, info.index, info.volume, info.links, 0, 0, info.size, *seconds), exact)
