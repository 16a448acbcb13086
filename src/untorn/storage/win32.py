"""The calls of Windows that untorn makes, as methods: names, handles and bytes in, bytes and times out.

One call each, nothing retried and nothing decided: ``untorn.storage.windows`` does that.
"""

from __future__ import annotations

import ctypes
import errno
import os
from ctypes import POINTER, Structure, c_byte, c_int, c_int64, c_uint32, c_uint64, c_void_p, c_wchar_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

# winnt.h, fileapi.h, minwinbase.h, winbase.h
GENERIC_READ, GENERIC_WRITE, DELETE = 0x8000_0000, 0x4000_0000, 0x0001_0000
LIST_DIRECTORY, READ_ATTRIBUTES, WRITE_ATTRIBUTES = 0x1, 0x80, 0x100
SHARE_READ, SHARE_WRITE, SHARE_ALL = 1, 2, 7
CREATE_NEW, OPEN_EXISTING, OPEN_ALWAYS = 1, 3, 4
BACKUP_SEMANTICS, OPEN_REPARSE_POINT, DELETE_ON_CLOSE = 0x0200_0000, 0x0020_0000, 0x0400_0000
WRITE_THROUGH = 0x8000_0000
READ_ONLY, HIDDEN, SYSTEM, DIRECTORY, NORMAL, REPARSE_POINT = 0x1, 0x2, 0x4, 0x10, 0x80, 0x400
NOT_INDEXED = 0x2000
SYMBOLIC_LINK = 0xA000_000C  # IO_REPARSE_TAG_SYMLINK

_BASIC, _STANDARD, _RENAME, _DISPOSITION, _ALLOCATION, _END, _TAG = 0, 1, 3, 4, 5, 6, 9
_DISPOSITION_EX, _RENAME_EX = 21, 22
_LOCK_NOW, _LOCK_EXCLUSIVE = 1, 2
_REPLACE, _POSIX_RENAME, _RENAME_READ_ONLY = 0x1, 0x2, 0x40
_REMOVE, _POSIX_REMOVE, _REMOVE_READ_ONLY = 0x1, 0x2, 0x10
_DACL = 4  # DACL_SECURITY_INFORMATION
_TOO_SMALL, _END_OF_FILE = 122, 38
_BEYOND = 1 << 62  # a lock is on one byte that no file has, for a lock keeps readers from its bytes
_EPOCH = 11_644_473_600 * 10_000_000  # 1970, in the units of 100 ns since 1601 that Windows counts in
_MOST = 1 << 30  # bytes in one call

# Owner and system alone; what the directory would pass on is kept out ("P").
_PRIVATE = "D:P(A;;FA;;;OW)(A;;FA;;;SY)"


class Refused(Exception):  # noqa: N818  what a call says; ``windows`` makes an error of it
    """A call failed; ``code`` is what GetLastError says."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Overlapped(Structure):
    """OVERLAPPED: where in a file something happens."""

    _fields_: ClassVar = [
        ("internal", c_uint64), ("internal_high", c_uint64), ("low", c_uint32), ("high", c_uint32),
        ("event", c_void_p),
    ]  # fmt: skip


class FileInformation(Structure):
    """BY_HANDLE_FILE_INFORMATION."""

    _fields_: ClassVar = [
        ("attributes", c_uint32), ("times", c_uint32 * 6), ("volume", c_uint32), ("size_high", c_uint32),
        ("size_low", c_uint32), ("links", c_uint32), ("index_high", c_uint32), ("index_low", c_uint32),
    ]  # fmt: skip


class Basic(Structure):
    """FILE_BASIC_INFO; what is 0 stays when this is set."""

    _fields_: ClassVar = [
        ("created", c_int64), ("accessed", c_int64), ("written", c_int64), ("changed", c_int64),
        ("attributes", c_uint32),
    ]  # fmt: skip


class Standard(Structure):
    """FILE_STANDARD_INFO."""

    _fields_: ClassVar = [
        ("allocated", c_int64), ("end", c_int64), ("links", c_uint32), ("going", c_byte),
        ("directory", c_byte),
    ]  # fmt: skip


class Tag(Structure):
    """FILE_ATTRIBUTE_TAG_INFO."""

    _fields_: ClassVar = [("attributes", c_uint32), ("tag", c_uint32)]


class Security(Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_: ClassVar = [("size", c_uint32), ("descriptor", c_void_p), ("inherit", c_int)]


def renaming(flags: int, target: str) -> Structure:
    """Return a FILE_RENAME_INFO, which is as long as its name."""
    raw = target.encode("utf-16-le", "surrogatepass")

    class Renaming(Structure):
        _fields_: ClassVar = [
            ("flags", c_uint32), ("root", c_void_p), ("size", c_uint32), ("name", c_byte * (len(raw) + 2)),
        ]  # fmt: skip

    made = Renaming(flags, None, len(raw))
    ctypes.memmove(made.name, raw, len(raw))
    return made


_KERNEL: dict[str, tuple[Any, list[Any]]] = {
    "CreateFileW": (c_void_p, [c_wchar_p, c_uint32, c_uint32, c_void_p, c_uint32, c_uint32, c_void_p]),
    "CloseHandle": (c_int, [c_void_p]),
    "ReadFile": (c_int, [c_void_p, c_void_p, c_uint32, POINTER(c_uint32), POINTER(Overlapped)]),
    "WriteFile": (c_int, [c_void_p, c_void_p, c_uint32, POINTER(c_uint32), POINTER(Overlapped)]),
    "FlushFileBuffers": (c_int, [c_void_p]),
    "GetFileInformationByHandle": (c_int, [c_void_p, POINTER(FileInformation)]),
    "GetFileInformationByHandleEx": (c_int, [c_void_p, c_int, c_void_p, c_uint32]),
    "SetFileInformationByHandle": (c_int, [c_void_p, c_int, c_void_p, c_uint32]),
    "LockFileEx": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32, c_uint32, POINTER(Overlapped)]),
    "UnlockFileEx": (c_int, [c_void_p, c_uint32, c_uint32, c_uint32, POINTER(Overlapped)]),
    "CreateDirectoryW": (c_int, [c_wchar_p, c_void_p]),
    "RemoveDirectoryW": (c_int, [c_wchar_p]),
    "GetFileAttributesW": (c_uint32, [c_wchar_p]),
    "GetFinalPathNameByHandleW": (c_uint32, [c_void_p, c_void_p, c_uint32, c_uint32]),
}
_SECURITY: dict[str, tuple[Any, list[Any]]] = {
    "GetFileSecurityW": (c_int, [c_wchar_p, c_uint32, c_void_p, c_uint32, POINTER(c_uint32)]),
    "SetFileSecurityW": (c_int, [c_wchar_p, c_uint32, c_void_p]),
    "ConvertStringSecurityDescriptorToSecurityDescriptorW": (
        c_int, [c_wchar_p, c_uint32, POINTER(c_void_p), c_void_p],
    ),
}  # fmt: skip
_NO_HANDLE, _NO_ATTRIBUTES = c_void_p(-1).value, 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Information:
    """What Windows tells of something that is open; times in nanoseconds since 1970.

    Attributes:
        attributes: FILE_ATTRIBUTE_*.
        tag: What sort of reparse point it is, or 0.
        volume: The serial number of its volume.
        index: Its number there.
        links: How many names it has; 0 when the last one is going.
        size: Its bytes.
        created: When it was made.
        accessed: When it was read last.
        written: When its bytes were changed last.
        changed: When anything of it was changed last, as st_ctime is elsewhere.
    """

    attributes: int
    tag: int
    volume: int
    index: int
    links: int
    size: int
    created: int
    accessed: int
    written: int
    changed: int


class Win32:
    """The calls, through ctypes.

    Args:
        kernel: kernel32.dll; tests give another one.
        security: advapi32.dll.
        last_error: GetLastError of this thread's last call, which ctypes keeps.
        listdir: Lists a directory.

    Every method but ``close`` raises ``Refused`` where its call fails.
    """

    def __init__(
        self,
        kernel: Any = None,  # noqa: ANN401  a library is whatever ctypes loads
        security: Any = None,  # noqa: ANN401
        last_error: Callable[[], int] | None = None,
        listdir: Callable[[str], list[str]] = os.listdir,
    ) -> None:
        load: Callable[..., Any] = vars(ctypes).get("WinDLL", _nothing)  # only Windows has it
        self._kernel = _declared(kernel or load("kernel32", use_last_error=True), _KERNEL)
        self._security = _declared(security or load("advapi32", use_last_error=True), _SECURITY)
        self._last_error: Callable[[], int] = last_error or vars(ctypes)["get_last_error"]
        self._private: Security | None = None
        self.listdir = listdir

    def _done(self, result: int) -> None:
        if not result:
            raise Refused(self._last_error())

    # ── Handles ─────────────────────────────────────────────────────────────

    def create(  # noqa: PLR0913  as CreateFileW
        self, path: str, access: int, share: int, disposition: int, flags: int, *, private: bool = False
    ) -> int:
        """Open or make a file, or open a directory; ``private``: for its owner alone, if it is made."""
        security = ctypes.byref(self._for_the_owner()) if private else None
        handle = self._kernel.CreateFileW(path, access, share, security, disposition, flags, None)
        if handle in (None, _NO_HANDLE):
            raise Refused(self._last_error())
        return int(handle)

    def _for_the_owner(self) -> Security:
        if self._private is None:
            descriptor, convert = c_void_p(), "ConvertStringSecurityDescriptorToSecurityDescriptorW"
            self._done(getattr(self._security, convert)(_PRIVATE, 1, ctypes.byref(descriptor), None))
            self._private = Security(ctypes.sizeof(Security), descriptor, 0)
        return self._private

    def close(self, handle: int) -> None:
        """Close it; whatever it reports, reads are done by then, and writes were flushed."""
        self._kernel.CloseHandle(handle)

    def read(self, handle: int, size: int, offset: int) -> bytes:
        """Read there; nothing at the end."""
        buffer = ctypes.create_string_buffer(max(min(size, _MOST), 1))
        done = c_uint32()
        try:
            self._done(
                self._kernel.ReadFile(
                    handle, buffer, min(size, _MOST), ctypes.byref(done), ctypes.byref(_at(offset))
                )
            )
        except Refused as refused:
            if refused.code != _END_OF_FILE:
                raise
        return buffer.raw[: done.value]

    def write(self, handle: int, data: bytes, offset: int) -> int:
        """Write there; return how much was taken."""
        done = c_uint32()
        size = min(len(data), _MOST)
        self._done(self._kernel.WriteFile(handle, data, size, ctypes.byref(done), ctypes.byref(_at(offset))))
        return done.value

    def flush(self, handle: int) -> None:
        """Have the drive write all of a file, which must be open for writing."""
        self._done(self._kernel.FlushFileBuffers(handle))

    def lock(self, handle: int, *, exclusive: bool) -> None:
        """Lock a file, if nobody else has: this keeps nobody from its bytes."""
        how = _LOCK_NOW | (_LOCK_EXCLUSIVE if exclusive else 0)
        self._done(self._kernel.LockFileEx(handle, how, 0, 1, 0, ctypes.byref(_at(_BEYOND))))

    def unlock(self, handle: int) -> None:
        """Unlock it."""
        self._done(self._kernel.UnlockFileEx(handle, 0, 1, 0, ctypes.byref(_at(_BEYOND))))

    # ── What is told, and set ───────────────────────────────────────────────

    def information(self, handle: int) -> Information:
        """Return what something is."""
        found, basic, standard, tag = FileInformation(), Basic(), Standard(), Tag()
        self._done(self._kernel.GetFileInformationByHandle(handle, ctypes.byref(found)))
        self._ask(handle, _BASIC, basic)
        self._ask(handle, _STANDARD, standard)
        if found.attributes & REPARSE_POINT:
            self._ask(handle, _TAG, tag)
        return Information(
            attributes=found.attributes,
            tag=tag.tag,
            volume=found.volume,
            index=found.index_high << 32 | found.index_low,
            links=0 if standard.going else found.links,
            size=found.size_high << 32 | found.size_low,
            created=_since_1970(basic.created),
            accessed=_since_1970(basic.accessed),
            written=_since_1970(basic.written),
            changed=_since_1970(basic.changed),
        )

    def _ask(self, handle: int, what: int, answer: Structure) -> None:
        size = ctypes.sizeof(answer)
        self._done(self._kernel.GetFileInformationByHandleEx(handle, what, ctypes.byref(answer), size))

    def _set(self, handle: int, what: int, value: Any) -> None:  # noqa: ANN401  a number or structure of C
        size = ctypes.sizeof(value)
        self._done(self._kernel.SetFileInformationByHandle(handle, what, ctypes.byref(value), size))

    def reserve(self, handle: int, size: int) -> None:
        """Set space aside; the file's size stays."""
        self._set(handle, _ALLOCATION, c_int64(size))

    def truncate(self, handle: int, size: int) -> None:
        """Let the file end there."""
        self._set(handle, _END, c_int64(size))

    def set_attributes(self, handle: int, attributes: int) -> None:
        """Set FILE_ATTRIBUTE_*; the times stay."""
        self._set(handle, _BASIC, Basic(attributes=attributes or NORMAL))

    def rename(self, handle: int, target: str, *, replace: bool, plainly: bool = False) -> None:
        """Rename what is open; where ``replace``, also over a file, which others may have open.

        ``plainly``: as MoveFileExW does, for systems and volumes that know no other
        way: not while anybody has the target open.
        """
        if plainly:
            self._set(handle, _RENAME, renaming(_REPLACE if replace else 0, target))
        else:
            how = _POSIX_RENAME | (_REPLACE | _RENAME_READ_ONLY if replace else 0)
            self._set(handle, _RENAME_EX, renaming(how, target))

    def remove(self, handle: int, *, plainly: bool = False) -> None:
        """Remove the name of what is open, at once; ``plainly``: when the last one closes it."""
        if plainly:
            self._set(handle, _DISPOSITION, c_byte(1))
        else:
            self._set(handle, _DISPOSITION_EX, c_uint32(_REMOVE | _POSIX_REMOVE | _REMOVE_READ_ONLY))

    def final_path(self, handle: int) -> str:
        """Return where something is, however it was named."""
        size = 1024
        while True:
            answer = (ctypes.c_uint16 * size)()
            needed = self._kernel.GetFinalPathNameByHandleW(handle, answer, size, 0)
            self._done(needed)
            if needed < size:
                return bytes(answer)[: 2 * needed].decode("utf-16-le", "surrogatepass")
            size = needed + 1

    # ── Names ───────────────────────────────────────────────────────────────

    def make_directory(self, path: str) -> None:
        """Make a directory."""
        self._done(self._kernel.CreateDirectoryW(path, None))

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        self._done(self._kernel.RemoveDirectoryW(path))

    def attributes(self, path: str) -> int:
        """Return FILE_ATTRIBUTE_* of what has this name, without opening it."""
        found: int = self._kernel.GetFileAttributesW(path)
        if found == _NO_ATTRIBUTES:
            raise Refused(self._last_error())
        return found

    def access_list(self, path: str) -> bytes:
        """Return who may do what, as the system stores it: a security descriptor with nothing else."""
        size = 512
        while True:
            answer, needed = ctypes.create_string_buffer(size), c_uint32()
            try:
                self._done(self._security.GetFileSecurityW(path, _DACL, answer, size, ctypes.byref(needed)))
            except Refused as refused:
                if refused.code != _TOO_SMALL:
                    raise
                size = needed.value
            else:
                return answer.raw[: needed.value]

    def set_access_list(self, path: str, value: bytes) -> None:
        """Say who may do what."""
        self._done(self._security.SetFileSecurityW(path, _DACL, value))


def _nothing(name: str, **_keywords: object) -> Any:  # noqa: ANN401  see ``Win32``
    raise OSError(errno.ENOSYS, f"no {name}: this is not Windows")


def _declared(library: Any, prototypes: dict[str, tuple[Any, list[Any]]]) -> Any:  # noqa: ANN401  see ``Win32``
    for name, (answer, takes) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = answer, takes
    return library


def _at(offset: int) -> Overlapped:
    return Overlapped(0, 0, offset & 0xFFFF_FFFF, offset >> 32, None)


def _since_1970(ticks: int) -> int:
    return (ticks - _EPOCH) * 100
