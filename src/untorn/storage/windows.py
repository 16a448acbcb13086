"""The calls of Windows, in the shapes that POSIX gives them (WRITER W6, W8, W9, W14, W17, W21).

What storage knows as a descriptor is a number of ours: of a file that is open so
that others may replace and remove it, or of a directory and its path. While a
directory is open nobody can rename it, so that its path remains true.

Other programs (virus scanners, indexers) hold files for moments, and Windows
then refuses what POSIX allows. It is tried again for a bounded time.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from untorn.storage import flags, win32
from untorn.storage.metadata import NATIVE_ACL
from untorn.storage.syscalls import Syscalls, closed
from untorn.storage.win32 import Refused, Win32
from untorn.storage.windows_files import HELD, HELD_NAME, Disk, Patience, failure, status_of
from untorn.storage.windows_names import link_target, lock_name, unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from untorn.storage.windows_files import Place

PATIENCE = 5.0
"""Seconds for which a file that somebody else holds is tried again."""

ATTRIBUTES = "user.windows.attributes"
"""What a file is besides read-only, as an extended attribute."""

_KEPT = win32.HIDDEN | win32.SYSTEM | win32.NOT_INDEXED
# Systems before Windows 10 1709, FAT, and servers: they know only the plain way.
_ONLY_PLAINLY = (1, 50, 87, 124)  # INVALID_FUNCTION, NOT_SUPPORTED, INVALID_PARAMETER, INVALID_LEVEL
# A descriptor's control word (winnt.h): to be told once more, or the entries become the file's own.
_INHERITED, _ASK_TO_INHERIT = 0x0400, 0x0100


class WindowsSyscalls(Syscalls):
    """The calls of Windows.

    Args:
        system: The calls underneath; tests give others.
        patience: Seconds for which a file that somebody else holds is tried again.
        clock: Tells the time, in seconds.
        sleep: Waits.
    """

    locks_apart = True

    def __init__(
        self,
        system: Win32 | None = None,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        disk = Disk(system or Win32(), Patience(patience, clock, sleep))
        names = _Names(disk)
        self.open = disk.open
        self.close = disk.close
        self.read = disk.read
        self.pread = disk.pread
        self.write = disk.write
        self.pwrite = disk.pwrite
        self.ftruncate = disk.ftruncate
        self.reserve = disk.reserve
        self.fstat = disk.fstat
        self.birth = disk.birth
        self.fsync = disk.fsync
        self.write_back = _lacking
        self.fchmod = disk.fchmod
        self.fchown = _nobodys
        self.flock = disk.flock
        self.stat = names.stat
        self.access = names.access
        self.readlink = names.readlink
        self.rename = names.rename
        self.rename_new = names.rename_new
        self.exchange = _lacking
        self.symlink = _lacking
        self.unlink = names.unlink
        self.mkdir = names.mkdir
        self.rmdir = names.rmdir
        self.listdir = names.listdir
        self.canonical = names.canonical
        self.listxattr = names.listxattr
        self.getxattr = names.getxattr
        self.setxattr = names.setxattr
        self.removexattr = _nobodys

    def umask(self, directory: int, probe: str) -> int:  # noqa: ARG002  as elsewhere
        """Return that nothing is taken away: what a new file's directory passes on decides."""
        return 0

    def inherit(self, fd: int, directory: int, probe: str) -> None:
        """Give a new file the list that the directory passes on, which ``open`` kept out."""
        how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags.O_TEMPORARY
        made = self.open(probe, how, 0o666, dir_fd=directory)
        try:
            passed_on = self.getxattr(made, NATIVE_ACL) if NATIVE_ACL in self.listxattr(made) else None
        finally:
            closed(made, self)
        if passed_on is not None:
            self.setxattr(fd, NATIVE_ACL, passed_on)

    def lock_file(self, path: Path) -> str:
        """Return the file that is locked for ``path``, in the user's own directory.

        Raises:
            OSError: That directory cannot be made.
        """
        directory = _state()
        try:
            self._make(directory)
        except FileNotFoundError:
            self._make(os.path.dirname(directory))  # noqa: PTH120  a string
            self._make(directory)
        return os.path.join(directory, lock_name(self._found(path)))  # noqa: PTH118  a string

    def _make(self, directory: str) -> None:
        with suppress(FileExistsError):
            self.mkdir(directory)

    def _found(self, path: Path) -> str:
        """Return the one name of a file: of its nearest parent that exists, and the rest."""
        for parent in path.parents:
            with suppress(OSError):
                return "\\".join([self.canonical(parent).rstrip("\\"), *path.relative_to(parent).parts])
        return str(path)  # this volume does not tell

    def unusable(self, path: Path) -> str:
        """Return why nothing can be saved under this name, or an empty string (W14)."""
        return next(filter(None, map(unusable, path.parts[1:])), "")


def _state() -> str:
    base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~")  # noqa: PTH111  a string
    return os.path.join(base, "untorn", "locks")  # noqa: PTH118  a string


def _nobodys(*_arguments: object) -> None:
    """Do what means nothing here: owners have no numbers, and no file is without a list."""


def _lacking(*_arguments: object, **_keywords: object) -> None:
    """Say that there is no such call: no two names are exchanged here, and a link takes a privilege."""
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


class _Names:
    """What is done with names."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._system = disk.system

    def stat(
        self,
        path: str | bytes | os.PathLike[str],
        *,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> os.stat_result:
        """Return what has this name."""
        name = self._disk.native(path, dir_fd)
        look = partial(self._disk.look, name, follow=follow_symlinks)
        return status_of(self._disk.patience(look, name, partial(self._disk.may_open, name)))

    def access(
        self,
        path: str | bytes | os.PathLike[str],
        mode: int,
        *,
        dir_fd: int | None = None,
        effective_ids: bool = False,  # noqa: ARG002  there are no others
    ) -> bool:
        """Return whether this process may read or write it, by opening it."""
        access = (win32.GENERIC_READ if mode & os.R_OK else 0) | (
            win32.GENERIC_WRITE if mode & os.W_OK else 0
        )
        name = self._disk.native(path, dir_fd)
        try:
            self._system.close(
                self._system.create(
                    name, access, win32.SHARE_ALL, win32.OPEN_EXISTING, win32.BACKUP_SEMANTICS
                )
            )
        except Refused as refused:
            return refused.code in HELD
        return True

    def readlink(self, path: str | os.PathLike[str]) -> str:
        """Return where a link leads, as people write it."""
        return link_target(os.fspath(path), os.readlink(path))  # noqa: PTH115  a string

    def canonical(self, path: str | os.PathLike[str]) -> str:
        """Return the one name of something that exists."""
        name = self._disk.native(path)
        return self._disk.told(lambda: self._final(name), name)

    def _final(self, name: str) -> str:
        with self._opened(name, win32.READ_ATTRIBUTES, win32.BACKUP_SEMANTICS) as handle:
            return self._system.final_path(handle)

    @contextmanager
    def _opened(self, name: str, access: int, extra: int) -> Iterator[int]:
        handle = self._system.create(name, access, win32.SHARE_ALL, win32.OPEN_EXISTING, extra)
        try:
            yield handle
        finally:
            self._system.close(handle)

    # ── Change ──────────────────────────────────────────────────────────────

    def rename(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """Rename, also over a file."""
        self._rename((source, src_dir_fd), (target, dst_dir_fd), replace=True)

    def rename_new(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """Rename, unless ``target`` exists: then EEXIST."""
        self._rename((source, src_dir_fd), (target, dst_dir_fd), replace=False)

    def _rename(self, source: tuple[str, int], target: tuple[str, int], *, replace: bool) -> None:
        old, new = self._disk.native(*source), self._disk.native(*target)
        self._disk.patience(
            lambda: self._rename_once(old, new, replace=replace), new, lambda code: code in HELD_NAME
        )
        self._disk.give_up(old)

    def _rename_once(self, old: str, new: str, *, replace: bool) -> None:
        with self._removable(old) as handle:
            try:
                self._system.rename(handle, new, replace=replace)
            except Refused as refused:
                if refused.code not in _ONLY_PLAINLY:
                    raise
                self._rename_plainly(handle, new, replace=replace)

    def _rename_plainly(self, handle: int, new: str, *, replace: bool) -> None:
        """Rename where nobody may have the target open, and it must not be read-only."""
        attributes = self._attributes(new) if replace else 0
        if not attributes & win32.READ_ONLY:
            self._system.rename(handle, new, replace=replace, plainly=True)
            return
        self._set_attributes(new, attributes & ~win32.READ_ONLY)
        try:
            self._system.rename(handle, new, replace=True, plainly=True)
        except BaseException:
            self._set_attributes(new, attributes)
            raise

    def _attributes(self, name: str) -> int:
        try:
            return self._system.attributes(name)
        except Refused:
            return 0  # the rename says what there is to say

    def _set_attributes(self, name: str, attributes: int) -> None:
        with self._opened(name, win32.WRITE_ATTRIBUTES, 0) as handle:
            self._system.set_attributes(handle, attributes)

    @contextmanager
    def _removable(self, name: str) -> Iterator[int]:
        """Give a handle by which a name may be renamed or removed: where there is one, our own."""
        ours = self._disk.ours(name)
        if ours is not None:
            yield ours
            return
        access = win32.DELETE | win32.READ_ATTRIBUTES | win32.WRITE_ATTRIBUTES
        with self._opened(name, access, win32.OPEN_REPARSE_POINT | win32.WRITE_THROUGH) as handle:
            yield handle

    def unlink(self, path: str | bytes | os.PathLike[str], *, dir_fd: int | None = None) -> None:
        """Remove a file.

        What we made a moment ago is tried again; of other files, a sweep's most
        of all, the next save may find that nobody holds them any more.
        """
        name = self._disk.native(path, dir_fd)
        ours = self._disk.ours(name) is not None
        self._disk.patience(lambda: self._remove(name), name, lambda code: ours and code in HELD_NAME)

    def _remove(self, name: str) -> None:
        with self._removable(name) as handle:
            try:
                self._system.remove(handle)
            except Refused as refused:
                if refused.code not in _ONLY_PLAINLY:
                    raise
                attributes = self._system.information(handle).attributes
                if attributes & win32.READ_ONLY:
                    self._system.set_attributes(handle, attributes & ~win32.READ_ONLY)
                self._system.remove(handle, plainly=True)

    def mkdir(self, path: str | os.PathLike[str], _mode: int = 0o777) -> None:
        """Make a directory; who may use it, its parent says."""
        name = self._disk.native(path)
        self._disk.told(lambda: self._system.make_directory(name), name)

    def rmdir(self, path: str | os.PathLike[str]) -> None:
        """Remove an empty directory."""
        name = self._disk.native(path)
        self._disk.told(lambda: self._system.remove_directory(name), name)

    def listdir(self, where: Place) -> list[str]:
        """Return the names in a directory."""
        return self._system.listdir(self._disk.native(where))

    # ── Lists and attributes ────────────────────────────────────────────────

    def listxattr(self, where: Place, *, follow_symlinks: bool = True) -> list[str]:  # noqa: ARG002  it was followed
        """Return what a save keeps: the access control list, and some attributes where they are set."""
        name = self._disk.native(where)
        attributes = self._disk.told(lambda: self._system.attributes(name), name)
        kept = [ATTRIBUTES] if attributes & _KEPT else []
        try:
            self._system.access_list(name)
        except Refused as refused:
            if refused.code not in _ONLY_PLAINLY:
                raise failure(refused, name) from refused
            return kept
        return [*kept, NATIVE_ACL]

    def getxattr(self, where: Place, name: str, *, follow_symlinks: bool = True) -> bytes:  # noqa: ARG002
        """Return one of these."""
        path = self._disk.native(where)
        if name == NATIVE_ACL:
            return self._disk.told(lambda: self._system.access_list(path), path)
        self._refuse_unknown(name)
        attributes = self._disk.told(lambda: self._system.attributes(path), path)
        return (attributes & _KEPT).to_bytes(4, "little")

    def setxattr(self, fd: int, name: str, value: bytes) -> None:
        """Set one of these for an open file."""
        path = self._disk.found(fd).path
        if name == NATIVE_ACL:
            self._disk.told(lambda: self._set_list(path, value), path)
        else:
            self._refuse_unknown(name)
            wanted = int.from_bytes(value, "little")
            self._disk.told(lambda: self._add_attributes(path, wanted), path)

    def _set_list(self, path: str, value: bytes) -> None:
        if self._system.access_list(path) != value:
            self._system.set_access_list(path, _as_it_was_read(value))

    def _add_attributes(self, path: str, wanted: int) -> None:
        self._set_attributes(path, self._system.attributes(path) | wanted)

    @staticmethod
    def _refuse_unknown(name: str) -> None:
        if name != ATTRIBUTES:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), name)


def _as_it_was_read(descriptor: bytes) -> bytes:
    """Return a descriptor so that entries which were inherited are still known for that."""
    control = int.from_bytes(descriptor[2:4], "little")
    if control & _INHERITED:
        control |= _ASK_TO_INHERIT
    return descriptor[:2] + control.to_bytes(2, "little") + descriptor[4:]
