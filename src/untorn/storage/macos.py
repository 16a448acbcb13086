"""The calls of macOS, where they differ from those of Linux (WRITER W6, W8, W9, W16).

Extended attributes have no namespaces there: they appear as ``user.`` and their
name, as storage knows them. The access control list, which is no attribute, is
one here, in the form in which the system stores it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from contextlib import contextmanager, suppress
from ctypes import c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from untorn.storage.metadata import NATIVE_ACL
from untorn.storage.syscalls import Syscalls, closed, open_above_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Place = str | bytes | os.PathLike[str] | int

# The calls of libSystem, by what they return and take: sys/xattr.h, sys/acl.h, sys/stdio.h.
_PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    "listxattr": (c_ssize_t, [c_char_p, c_void_p, c_size_t, c_int]),
    "flistxattr": (c_ssize_t, [c_int, c_void_p, c_size_t, c_int]),
    "getxattr": (c_ssize_t, [c_char_p, c_char_p, c_void_p, c_size_t, c_uint32, c_int]),
    "fgetxattr": (c_ssize_t, [c_int, c_char_p, c_void_p, c_size_t, c_uint32, c_int]),
    "fsetxattr": (c_int, [c_int, c_char_p, c_void_p, c_size_t, c_uint32, c_int]),
    "fremovexattr": (c_int, [c_int, c_char_p, c_int]),
    "acl_get_fd_np": (c_void_p, [c_int, c_int]),
    "acl_get_link_np": (c_void_p, [c_char_p, c_int]),
    "acl_set_fd_np": (c_int, [c_int, c_void_p, c_int]),
    "acl_size": (c_ssize_t, [c_void_p]),
    "acl_copy_ext_native": (c_ssize_t, [c_void_p, c_void_p, c_ssize_t]),
    "acl_copy_int_native": (c_void_p, [c_char_p]),
    "acl_init": (c_void_p, [c_int]),
    "acl_free": (c_int, [c_void_p]),
    "renameatx_np": (c_int, [c_int, c_char_p, c_int, c_char_p, c_uint]),
}
_NO_FOLLOW = 1  # XATTR_NOFOLLOW
_EXTENDED = 0x100  # ACL_TYPE_EXTENDED, the only type that macOS has
_SWAP, _EXCLUSIVE = 2, 4  # RENAME_SWAP, RENAME_EXCL
_FULL_SYNC, _PREALLOCATE = 51, 42  # F_FULLFSYNC, F_PREALLOCATE (sys/fcntl.h)
_ALL, _FROM_END = 4, 3  # F_ALLOCATEALL, F_PEOFPOSMODE
_BLOCK = 512  # bytes that st_blocks counts in (stat(2))

# The numbers of sys/errno.h that these calls give, as the module errno names them:
# an attribute that is missing is ENOATTR there, which Linux says ENODATA for.
_ERRORS = {
    35: errno.EAGAIN, 45: errno.ENOTSUP, 63: errno.ENAMETOOLONG, 69: errno.EDQUOT, 70: errno.ESTALE,
    78: errno.ENOSYS, 93: errno.ENODATA, 102: errno.EOPNOTSUPP,
}  # fmt: skip
_LACKING = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_NO_FULL_SYNC = (*_LACKING, errno.ENOTTY, errno.ENODEV)

_USER = "user."
# Signatures describe the old content, and the others are the system's own to set.
_NOT_KEPT = ("com.apple.cs.", "com.apple.macl", "com.apple.provenance", "com.apple.system.")


class MacSyscalls(Syscalls):
    """The calls of macOS.

    Args:
        library: libSystem; tests give another one.
        control: fcntl(2).
    """

    def __init__(self, library: Any = None, control: Callable[..., Any] | None = None) -> None:  # noqa: ANN401  a library is whatever ctypes loads
        from fcntl import fcntl  # noqa: PLC0415  Windows imports this module, too, to check it

        super().__init__()
        system = _System(library)
        disk = _Disk(control or fcntl)
        self.open = system.open
        self.fsync = disk.fsync
        self.reserve = disk.reserve
        self.birth = _birth
        self.rename_new = system.rename_new
        self.exchange = system.exchange
        self.listxattr = system.listxattr
        self.getxattr = system.getxattr
        self.setxattr = system.setxattr
        self.removexattr = system.removexattr

    def umask(self, directory: int, probe: str) -> int:
        """Return what the umask takes from a file that is made for this: macOS tells it nowhere."""
        with self._made(directory, probe) as fd:
            return 0o666 & ~stat.S_IMODE(self.fstat(fd).st_mode)

    def inherit(self, fd: int, directory: int, probe: str) -> None:
        """Give a new file the list that the directory passes on, which ``open`` took away."""
        if NATIVE_ACL in self.listxattr(directory):
            with self._made(directory, probe) as made:
                passed_on = self.getxattr(made, NATIVE_ACL) if NATIVE_ACL in self.listxattr(made) else None
            if passed_on is not None:
                self.setxattr(fd, NATIVE_ACL, passed_on)

    @contextmanager
    def _made(self, directory: int, probe: str) -> Iterator[int]:
        """Make an empty file for a moment. Should it stay, a sweep takes its name for an orphan's."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = self.open(probe, flags, 0o666, dir_fd=directory)
        try:
            yield fd
        finally:
            closed(fd, self)
            with suppress(OSError):  # see above
                self.unlink(probe, dir_fd=directory)


def _error(code: int, name: object = None) -> OSError:
    known = _ERRORS.get(code, code)
    return OSError(known, os.strerror(known), name)


class _Disk:
    """What fcntl(2) does that Linux has calls of their own for."""

    def __init__(self, control: Callable[..., Any]) -> None:
        self._control = control

    def fsync(self, fd: int) -> None:
        """Have the drive write, too: the plain call leaves the bytes in its cache (fsync(2))."""
        try:
            self._controlled(fd, _FULL_SYNC, 0)
        except OSError as error:
            if error.errno not in _NO_FULL_SYNC:
                raise
            os.fsync(fd)

    def reserve(self, fd: int, size: int) -> None:
        """Set blocks aside; the file's size stays."""
        missing = size - os.fstat(fd).st_blocks * _BLOCK
        if missing > 0:
            self._controlled(fd, _PREALLOCATE, struct.pack("Iiqqq", _ALL, _FROM_END, 0, missing, 0))

    def _controlled(self, fd: int, command: int, argument: int | bytes) -> None:
        try:
            self._control(fd, command, argument)
        except OSError as error:
            raise _error(error.errno or errno.EIO) from error


def _birth(fd: int) -> int | None:
    """Return when the file was made, in nanoseconds since 1970."""
    seconds = getattr(os.fstat(fd), "st_birthtime", None)
    return None if seconds is None else int(seconds * 1_000_000_000)


class _System:
    """What ctypes calls: attributes, access control lists, and the rename that replaces nothing."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401  see ``MacSyscalls``
        self._library = library
        self._prepared = False

    def _call(self, name: str, *arguments: object) -> Any:  # noqa: ANN401  a number or a pointer
        ctypes.set_errno(0)
        return self._function(name)(*arguments)

    def _function(self, name: str) -> Callable[..., Any]:
        if not self._prepared:
            self._library = self._library or ctypes.CDLL(None, use_errno=True)
            for each, (answer, takes) in _PROTOTYPES.items():
                function = getattr(self._library, each)
                function.restype, function.argtypes = answer, takes
            self._prepared = True
        found: Callable[..., Any] = getattr(self._library, name)
        return found

    def _checked(self, name: str, *arguments: object) -> int:
        result: int = self._call(name, *arguments)
        if result < 0:
            raise _error(ctypes.get_errno())
        return result

    # ── Files ───────────────────────────────────────────────────────────────

    def open(
        self,
        path: str | bytes | os.PathLike[str],
        flags: int,
        mode: int = 0o777,
        *,
        dir_fd: int | None = None,
    ) -> int:
        """Open; what is made for its owner alone does not inherit who else may read it (W8)."""
        fd = open_above_streams(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_EXCL and not mode & 0o077:
            try:
                if self._acl(fd) is not None:
                    self._set_acl(fd, None)
            except BaseException:
                os.close(fd)
                os.unlink(path, dir_fd=dir_fd)
                raise
        return fd

    def rename_new(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """Rename, unless ``target`` exists: then EEXIST; plainly, where the file system cannot say."""
        names = os.fsencode(source), os.fsencode(target)
        try:
            self._checked("renameatx_np", src_dir_fd, names[0], dst_dir_fd, names[1], _EXCLUSIVE)
        except OSError as error:
            if error.errno not in _LACKING:
                raise
            os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def exchange(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """Let each of two names lead to what the other one led to (renamex_np(2), macOS 10.12)."""
        names = os.fsencode(source), os.fsencode(target)
        self._checked("renameatx_np", src_dir_fd, names[0], dst_dir_fd, names[1], _SWAP)

    # ── Attributes ──────────────────────────────────────────────────────────

    def listxattr(self, where: Place, *, follow_symlinks: bool = True) -> list[str]:
        """Return the names of the attributes that a save keeps, the access control list among them."""
        options = 0 if follow_symlinks or isinstance(where, int) else _NO_FOLLOW
        try:
            names = os.fsdecode(self._whole(*_by("listxattr", where), after=(options,))).split("\0")
        except OSError as error:
            if error.errno not in _LACKING:
                raise
            names = []  # there may be a list all the same
        kept = [_USER + name for name in names if name and not name.startswith(_NOT_KEPT)]
        return kept if self._acl(where) is None else [*kept, NATIVE_ACL]

    def getxattr(self, where: Place, name: str, *, follow_symlinks: bool = True) -> bytes:
        """Return an attribute."""
        if name == NATIVE_ACL:
            acl = self._acl(where)
            if acl is None:
                raise _error(errno.ENODATA, name)
            return acl
        options = 0 if follow_symlinks or isinstance(where, int) else _NO_FOLLOW
        return self._whole(*_by("getxattr", where), _native(name), after=(0, options))

    def setxattr(self, fd: int, name: str, value: bytes) -> None:
        """Give an open file an attribute."""
        if name == NATIVE_ACL:
            self._set_acl(fd, value)
        else:
            self._checked("fsetxattr", fd, _native(name), value, len(value), 0, 0)

    def removexattr(self, fd: int, name: str) -> None:
        """Take an attribute from an open file."""
        if name == NATIVE_ACL:
            self._set_acl(fd, None)
        else:
            self._checked("fremovexattr", fd, _native(name), 0)

    def _whole(self, function: str, *before: object, after: tuple[int, ...]) -> bytes:
        """Return what such a call gives, however long it is: it may have grown since it was measured."""
        while True:
            size = self._checked(function, *before, None, 0, *after)
            if not size:
                return b""
            answer = ctypes.create_string_buffer(size)
            try:
                size = self._checked(function, *before, answer, size, *after)
            except OSError as error:
                if error.errno != errno.ERANGE:
                    raise
            else:
                return answer.raw[:size]

    # ── Access control lists ────────────────────────────────────────────────

    def _acl(self, where: Place) -> bytes | None:
        name, place = ("acl_get_fd_np", where) if isinstance(where, int) else ("acl_get_link_np", _raw(where))
        acl = self._call(name, place, _EXTENDED)
        if not acl:
            code = _ERRORS.get(ctypes.get_errno(), ctypes.get_errno())
            if code in (errno.ENOENT, *_LACKING):  # ENOENT: the file has none (acl_get(3))
                return None
            raise _error(code)
        try:
            answer = ctypes.create_string_buffer(self._checked("acl_size", acl))
            size = self._checked("acl_copy_ext_native", answer, acl, len(answer))
            return answer.raw[:size]
        finally:
            self._call("acl_free", acl)

    def _set_acl(self, fd: int, value: bytes | None) -> None:
        acl = self._call("acl_init", 1) if value is None else self._call("acl_copy_int_native", value)
        if not acl:
            raise _error(ctypes.get_errno())
        try:
            self._checked("acl_set_fd_np", fd, acl, _EXTENDED)
        finally:
            self._call("acl_free", acl)


def _by(name: str, where: Place) -> tuple[str, int | bytes]:
    """Return which of two calls is meant, by path or by descriptor, and its first argument."""
    return ("f" + name, where) if isinstance(where, int) else (name, _raw(where))


def _raw(path: str | bytes | os.PathLike[str]) -> bytes:
    return os.fsencode(path)


def _native(name: str) -> bytes:
    if not name.startswith(_USER):
        raise _error(errno.ENOTSUP, name)  # a namespace of Linux's
    return os.fsencode(name.removeprefix(_USER))
