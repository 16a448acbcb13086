"""kernel32 and advapi32, as far as untorn calls them, over files of Linux: with Windows' sharing rules.

The list of who may do what is the file's mode on Linux, so that a reader of
modes sees what a stranger could do.
"""
# The names and arguments are those of Windows, and its paths are strings.
# ruff: noqa: N802, PLR0917, PTH101, PTH102, PTH104, PTH106, PTH112, PTH115, PTH116, PTH120, PTH208

from __future__ import annotations

import ctypes
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from libsystem import running_with
from win32_errors import (
    ALREADY,
    BAD_HANDLE,
    BAD_PARAMETER,
    DENIED,
    END,
    EXISTS,
    LOCKED,
    NO_PATH,
    NOT_FOUND,
    SHARING,
    TOO_SMALL,
    UNSUPPORTED,
    Failure,
)
from win32_library import READS, REMOVES, WRITES, Handle, Library, Range

from untorn.storage import win32
from untorn.storage.win32 import (
    CREATE_NEW,
    DELETE,
    DELETE_ON_CLOSE,
    DIRECTORY,
    GENERIC_READ,
    GENERIC_WRITE,
    LIST_DIRECTORY,
    OPEN_ALWAYS,
    OPEN_REPARSE_POINT,
    READ_ONLY,
    REPARSE_POINT,
    SYMBOLIC_LINK,
    WRITE_THROUGH,
    Win32,
)
from untorn.storage.windows import WindowsSyscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INHERITED, _ASKS, _PROTECTED = 0x0400, 0x0100, 0x1000
_EPOCH = 116_444_736_000_000_000


class Windows(Library):
    """Both libraries."""

    def listdir(self, path: str) -> list[str]:
        return os.listdir(self._real(path))

    # ── Files ───────────────────────────────────────────────────────────────

    @staticmethod
    def _real(path: str) -> str:
        assert path.startswith("\\\\?\\"), path  # else at most 260 characters, and no name as it is
        real = path.removeprefix("\\\\?\\").replace("\\", "/") or "/"
        if real.startswith("/proc"):
            raise Failure(NO_PATH)
        directory, _, name = real.rpartition("/")
        if not os.path.lexists(real) and os.path.isdir(directory or "/"):
            alike = [each for each in os.listdir(directory or "/") if each.casefold() == name.casefold()]
            return f"{directory}/{alike[0]}" if alike else real
        return real

    def _CreateFileW(
        self, path: str, access: int, share: int, security: Any, disposition: int, flags: int, _template: None
    ) -> int:
        real = self._real(path)
        wants = (
            (READS if access & (GENERIC_READ | LIST_DIRECTORY) else 0)
            | (WRITES if access & GENERIC_WRITE else 0)
            | (REMOVES if access & DELETE else 0)
        )
        follow = not flags & OPEN_REPARSE_POINT
        try:
            status = os.stat(real, follow_symlinks=follow)
        except FileNotFoundError:
            if disposition not in (CREATE_NEW, OPEN_ALWAYS):
                raise Failure(NOT_FOUND if os.path.isdir(os.path.dirname(real)) else NO_PATH) from None
            made = self._create(real, 0o600 if security else 0o666)
            made.wants, made.share = wants, share
            made.temporary, made.through = bool(flags & DELETE_ON_CLOSE), bool(flags & WRITE_THROUGH)
            return self._new_handle(made)
        if disposition == CREATE_NEW:
            raise Failure(EXISTS)
        key = (status.st_dev, status.st_ino)
        self._check(key, real, status.st_mode, wants, share, flags)
        if stat.S_ISLNK(status.st_mode) or not wants & (READS | WRITES):
            how = os.O_PATH
        else:  # on Windows, who may write to a directory may open it for that
            how = os.O_RDWR if wants & WRITES and not stat.S_ISDIR(status.st_mode) else os.O_RDONLY
        fd = os.open(real, how | (0 if follow else os.O_NOFOLLOW))
        through = bool(flags & WRITE_THROUGH)
        return self._new_handle(Handle(key, real, wants, share, fd, through=through))

    def _check(self, key: tuple[int, int], real: str, mode: int, wants: int, share: int, flags: int) -> None:
        others = self.others(key)
        if key in self.going or (wants & WRITES and self.attributes.get(key, 0) & READ_ONLY):
            raise Failure(DENIED)
        if real in self.forbidden and wants:
            raise Failure(DENIED)
        if stat.S_ISDIR(mode) and not flags & win32.BACKUP_SEMANTICS:
            raise Failure(DENIED)
        if wants and any(wants & ~each.share or each.wants & ~share for each in others if each.wants):
            raise Failure(SHARING)

    def _create(self, real: str, mode: int) -> Handle:
        fd = os.open(real, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        status = os.fstat(fd)
        key = (status.st_dev, status.st_ino)
        self.attributes.pop(key, None)
        return Handle(key, real, 0, 0, fd)

    def _new_handle(self, handle: Handle) -> int:
        number = next(self._numbers)
        self.handles[number] = handle
        return number

    def _handle(self, number: int) -> Handle:
        if number not in self.handles:
            raise Failure(BAD_HANDLE)
        return self.handles[number]

    @staticmethod
    def _CloseHandle(_number: int) -> int:
        return 1

    def _refuse_locked(self, handle: Handle, start: int, size: int) -> None:
        self.others(handle.key)  # who is gone by now has no locks
        for each in self.locks:
            others = each.key == handle.key and each.owner is not handle
            if others and each.exclusive and each.meets(start, size):
                raise Failure(LOCKED)

    def _ReadFile(self, number: int, buffer: Any, size: int, done: Any, at: Any) -> int:
        handle, offset = self._handle(number), at.high << 32 | at.low
        self._refuse_locked(handle, offset, size)
        data = os.pread(handle.fd, size, offset)
        if not data:
            raise Failure(END)
        ctypes.memmove(buffer, data, len(data))
        done.value = len(data)
        return 1

    def _WriteFile(self, number: int, data: bytes, size: int, done: Any, at: Any) -> int:
        handle, offset = self._handle(number), at.high << 32 | at.low
        self._refuse_locked(handle, offset, size)
        if not handle.wants & WRITES:
            raise Failure(DENIED)
        done.value = os.pwrite(handle.fd, data[:size], offset)
        return 1

    def _FlushFileBuffers(self, number: int) -> int:
        if not self._handle(number).wants & WRITES:
            raise Failure(DENIED)
        os.fsync(self.handles[number].fd)
        return 1

    def _LockFileEx(self, number: int, how: int, _0: int, low: int, high: int, at: Any) -> int:
        assert how & 1, "it would wait for ever"
        handle, start = self._handle(number), at.high << 32 | at.low
        exclusive, size = bool(how & 2), high << 32 | low
        self.others(handle.key)
        for each in self.locks:
            in_the_way = exclusive or each.exclusive
            if each.key == handle.key and in_the_way and each.meets(start, size):
                raise Failure(LOCKED)
        self.locks.append(Range(handle.key, handle, start, size, exclusive))
        return 1

    def _UnlockFileEx(self, number: int, _0: int, _low: int, _high: int, _at: Any) -> int:
        handle = self._handle(number)
        kept = [each for each in self.locks if each.owner is not handle]
        if len(kept) == len(self.locks):
            raise Failure(158)  # ERROR_NOT_LOCKED
        self.locks = kept
        return 1

    # ── What is told ────────────────────────────────────────────────────────

    def _attributes_of(self, status: os.stat_result) -> int:
        kind = DIRECTORY if stat.S_ISDIR(status.st_mode) else 0
        link = REPARSE_POINT if stat.S_ISLNK(status.st_mode) else 0
        return kind | link | self.attributes.get((status.st_dev, status.st_ino), 0) or win32.NORMAL

    def _GetFileInformationByHandle(self, number: int, answer: Any) -> int:
        status = os.fstat(self._handle(number).fd)
        answer.attributes, answer.volume = self._attributes_of(status), status.st_dev
        answer.links = status.st_nlink
        answer.size_high, answer.size_low = status.st_size >> 32, status.st_size & 0xFFFF_FFFF
        answer.index_high, answer.index_low = status.st_ino >> 32, status.st_ino & 0xFFFF_FFFF
        return 1

    def _GetFileInformationByHandleEx(self, number: int, what: int, answer: Any, size: int) -> int:
        handle = self._handle(number)
        status = os.fstat(handle.fd)
        assert size == ctypes.sizeof(answer) == {0: 40, 1: 24, 9: 8}[what]
        if what == 0:
            times = (status.st_ctime_ns, status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
            answer.created, answer.accessed, answer.written, answer.changed = (
                each // 100 + _EPOCH for each in times
            )
        elif what == 1:
            answer.going = handle.key in self.going or not status.st_nlink
        else:
            answer.tag = self.tags.get(handle.key, SYMBOLIC_LINK)
        return 1

    def _GetFileAttributesW(self, path: str) -> int:
        status = os.lstat(self._real(path))
        if (status.st_dev, status.st_ino) in self.going:
            raise Failure(DENIED)
        return self._attributes_of(status)

    def _GetFinalPathNameByHandleW(self, number: int, answer: Any, size: int, _how: int) -> int:
        if "final paths" not in self.knows:
            raise Failure(1)  # ERROR_INVALID_FUNCTION, as disks in memory say
        path = "\\\\?\\" + os.readlink(f"/proc/self/fd/{self._handle(number).fd}").replace("/", "\\")
        if len(path) >= size:
            return len(path) + 1
        raw = path.encode("utf-16-le") + b"\0\0"
        ctypes.memmove(answer, raw, len(raw))
        return len(path)

    # ── What is set ─────────────────────────────────────────────────────────

    def _SetFileInformationByHandle(self, number: int, what: int, value: Any, size: int) -> int:
        handle = self._handle(number)
        assert size == ctypes.sizeof(value)
        if what in (21, 22) and "posix" not in self.knows:
            raise Failure(BAD_PARAMETER)
        if what == 0:
            assert not any((value.created, value.accessed, value.written, value.changed))
            self.attributes[handle.key] = value.attributes & ~win32.NORMAL
        elif what in (3, 22):
            name = bytes(value.name)[: value.size].decode("utf-16-le", "surrogatepass")
            self._rename(handle, self._real(name), value.flags, posix=what == 22)
        elif what in (4, 21):
            self._remove(handle, value.value, posix=what == 21)
        elif what == 6:
            os.ftruncate(handle.fd, value.value)
        else:
            assert what == 5
        return 1

    def _rename(self, handle: Handle, target: str, how: int, *, posix: bool) -> None:
        assert handle.wants & REMOVES
        assert handle.through, "a power cut would undo it"
        if any(not each.share & REMOVES for each in self.others(handle.key, handle)):
            raise Failure(SHARING)
        if os.path.lexists(target):
            status = os.lstat(target)
            key = (status.st_dev, status.st_ino)
            read_only = self.attributes.get(key, 0) & READ_ONLY and not how & 0x40
            if not how & 1:
                raise Failure(ALREADY)
            in_the_way = [each for each in self.others(key) if not posix or not each.share & REMOVES]
            if in_the_way or read_only or key in self.going or stat.S_ISDIR(status.st_mode):
                raise Failure(DENIED)
            self.attributes.pop(key, None)
        os.rename(handle.path, target)
        for each in self.others(handle.key):
            each.path = target

    def _remove(self, handle: Handle, how: int, *, posix: bool) -> None:
        assert handle.wants & REMOVES
        if self.attributes.get(handle.key, 0) & READ_ONLY and not (posix and how & 0x10):
            raise Failure(DENIED)
        if posix:
            self.unlink(handle.path, handle.key)
        else:
            self.going[handle.key] = handle.path

    def _CreateDirectoryW(self, path: str, _security: None) -> int:
        try:
            os.mkdir(self._real(path))
        except FileExistsError:
            raise Failure(ALREADY) from None
        except FileNotFoundError:
            raise Failure(NO_PATH) from None
        return 1

    def _RemoveDirectoryW(self, path: str) -> int:
        real = self._real(path)
        status = os.stat(real)
        if any(not each.share & REMOVES for each in self.others((status.st_dev, status.st_ino))):
            raise Failure(SHARING)
        os.rmdir(real)
        return 1

    # ── Lists ───────────────────────────────────────────────────────────────

    def _GetFileSecurityW(self, path: str, what: int, answer: Any, size: int, needed: Any) -> int:
        assert what == 4
        if "lists" not in self.knows:
            raise Failure(UNSUPPORTED)
        value = list_with(stat.S_IMODE(os.stat(self._real(path)).st_mode))
        needed.value = len(value)
        if size < len(value):
            raise Failure(TOO_SMALL)
        ctypes.memmove(answer, value, len(value))
        return 1

    def _SetFileSecurityW(self, path: str, what: int, value: bytes) -> int:
        assert what == 4
        if "changes of lists" not in self.knows:
            raise Failure(1314)  # ERROR_PRIVILEGE_NOT_HELD
        control = int.from_bytes(value[2:4], "little")
        assert bool(control & _INHERITED) == bool(control & _ASKS), "what is inherited would become its own"
        os.chmod(self._real(path), int(value[20:24], 8))
        return 1

    def _ConvertStringSecurityDescriptorToSecurityDescriptorW(
        self, text: str, revision: int, answer: Any, _size: None
    ) -> int:
        assert text.startswith("D:P")
        assert revision == 1
        answer.value = 4711
        return 1


def list_with(mode: int) -> bytes:
    """Return the list that stands for this mode: what is not private was inherited, and it is long."""
    control = 0x8004 | (_INHERITED if mode & 0o077 else _PROTECTED)
    return b"\1\0" + control.to_bytes(2, "little") + bytes(16) + b"%04o" % mode + bytes(600)


@contextmanager
def windows(state: Path) -> Iterator[Windows]:
    """Let all of untorn run on Windows, or what it takes for it; locks are kept in ``state``."""
    library = Windows()
    system = Win32(library, library, library.last_error, library.listdir)
    before = os.environ.get("LOCALAPPDATA")
    os.environ["LOCALAPPDATA"] = str(state)
    try:
        with running_with(WindowsSyscalls(system, clock=lambda: library.now, sleep=library.sleep)):
            yield library
    finally:
        os.environ.pop("LOCALAPPDATA")
        if before is not None:
            os.environ["LOCALAPPDATA"] = before
    assert library.handles == {}, "a handle stayed open"
