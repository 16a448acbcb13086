"""libSystem of macOS, as far as untorn calls it, over files of Linux: with macOS's error numbers."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untorn import storage
from untorn.storage.macos import MacSyscalls
from untorn.storage.syscalls import Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EPERM, ENOENT, EIO, EACCES, EEXIST, EINVAL, ENOTTY, ENODEV, ENOSPC = 1, 2, 5, 13, 17, 22, 25, 19, 28
ERANGE, ENOTSUP, EDQUOT, ESTALE, ENOSYS, ENOATTR, EOPNOTSUPP = 34, 45, 69, 70, 78, 93, 102
# These numbers mean something else on Linux, or nothing.
THERE = {95: ENOTSUP, 61: ENOATTR, 122: EDQUOT, 116: ESTALE, 38: ENOSYS}

ERRORS = {
    "listxattr": (ENOTSUP, ERANGE, EPERM, EACCES, EIO),
    "flistxattr": (ENOTSUP, ERANGE, EPERM, EACCES, EIO),
    "getxattr": (ENOATTR, ENOTSUP, ERANGE, EPERM, EACCES, EIO),
    "fgetxattr": (ENOATTR, ENOTSUP, ERANGE, EPERM, EACCES, EIO),
    "fsetxattr": (ENOATTR, ENOTSUP, EPERM, EINVAL, EIO, ENOSPC, EDQUOT),
    "fremovexattr": (ENOATTR, ENOTSUP, EPERM, EIO),
    "acl_get_fd_np": (ENOENT, EACCES, EIO, ENOTSUP),
    "acl_get_link_np": (ENOENT, EACCES, EIO, ENOTSUP),
    "acl_set_fd_np": (EACCES, EINVAL, ENOSPC, EPERM, EIO, ENOTSUP),
    "renameatx_np": (EACCES, EIO, ENOSPC, EPERM, ENOTSUP, EINVAL, EEXIST, EDQUOT, ESTALE),
    "F_FULLFSYNC": (ENOTSUP, EOPNOTSUPP, EINVAL, ENOTTY, ENODEV, EIO, ENOSPC),
    "F_PREALLOCATE": (ENOTSUP, EINVAL, ENOSPC, EIO),
}
"""The errors of each call, by the man pages of macOS."""

_LINUX = Syscalls()

_ACL = "user.#acl"  # where the simulation keeps a list; empty: there is none
_PASSED_ON = "user.#inherited"
_COMMANDS = {51: "F_FULLFSYNC", 42: "F_PREALLOCATE"}


class Failure(Exception):  # noqa: N818  not an error of ours: what a call says
    """A call says this error."""


class Function:
    """A function of a library, which takes only what it was declared to take."""

    def __init__(self, library: LibSystem, name: str) -> None:
        self._library = library
        self._name = name
        self.restype: Any = None
        self.argtypes: list[Any] = []

    def __call__(self, *arguments: Any) -> Any:
        assert len(arguments) == len(self.argtypes), self._name
        for given, declared in zip(arguments, self.argtypes, strict=True):
            declared.from_param(given)
        try:
            self._library.strike(self._name)
            return getattr(self._library, "_" + self._name)(*arguments)
        except Failure as failure:
            ctypes.set_errno(failure.args[0])
        except OSError as error:
            code = error.errno or EIO
            ctypes.set_errno(THERE.get(code, code))
        return None if self.restype is ctypes.c_void_p else -1


class LibSystem:
    """The library.

    Attributes:
        made: The calls that were made, by name.
        lists: The lists that were allocated and not freed.
        has: What the file system has: ``attributes``, ``lists``, ``exclusive`` renames,
            ``exchange``, ``sync``.
    """

    def __init__(self) -> None:
        self.made: list[str] = []
        self.lists: dict[int, bytes] = {}
        self.has = {"attributes", "lists", "exclusive", "exchange", "sync"}
        self._failing: dict[int, int] = {}
        self._functions: dict[str, Function] = {}

    def __getattr__(self, name: str) -> Function:
        if "_" + name not in dir(type(self)):
            raise AttributeError(name)
        return self._functions.setdefault(name, Function(self, name))

    def fail(self, nth: int, code: int) -> None:
        """Let the n-th call from now on fail."""
        self._failing = {len(self.made) + nth: code}

    def strike(self, name: str) -> None:
        nth = len(self.made)
        self.made.append(name)
        if nth in self._failing:
            raise Failure(self._failing.pop(nth))

    def control(self, fd: int, command: int, argument: object) -> object:
        """What fcntl(2) does there."""
        name = _COMMANDS[command]
        try:
            self.strike(name)
            if name == "F_FULLFSYNC":
                self._need("sync")
                os.fsync(fd)
            else:
                assert isinstance(argument, bytes)
                assert len(argument) == 32  # sizeof(fstore_t)
        except Failure as failure:
            raise OSError(failure.args[0], "as macOS says") from None
        return argument

    def _need(self, what: str) -> None:
        if what not in self.has:
            raise Failure(ENOTSUP)

    # ── Attributes ──────────────────────────────────────────────────────────

    def _names(self, where: int | bytes) -> bytes:
        self._need("attributes")
        names = os.listxattr(where, follow_symlinks=isinstance(where, int))
        return b"".join(each[5:].encode() + b"\0" for each in names if each[:6] != "user.#")

    def _given(self, value: bytes, room: Any, size: int) -> int:
        if room is not None and len(value) > size:
            raise Failure(ERANGE)
        if room is not None:
            ctypes.memmove(room, value, len(value))
        return len(value)

    def _listxattr(self, where: bytes | int, room: Any, size: int, _options: int) -> int:
        return self._given(self._names(where), room, size)

    _flistxattr = _listxattr

    def _getxattr(
        self, where: bytes | int, name: bytes, room: Any, size: int, _position: int, _options: int
    ) -> int:
        self._need("attributes")
        value = os.getxattr(where, b"user." + name, follow_symlinks=isinstance(where, int))
        return self._given(value, room, size)

    _fgetxattr = _getxattr

    def _fsetxattr(self, fd: int, name: bytes, value: bytes, size: int, _position: int, _options: int) -> int:
        self._need("attributes")
        os.setxattr(fd, b"user." + name, value[:size])
        return 0

    def _fremovexattr(self, fd: int, name: bytes, _options: int) -> int:
        os.removexattr(fd, b"user." + name)
        return 0

    # ── Access control lists ────────────────────────────────────────────────

    def _new(self, value: bytes) -> int:
        number = max(self.lists, default=4711 << 32) + 1
        self.lists[number] = value
        return number

    def _acl_get_fd_np(self, where: int | bytes, kind: int) -> int:
        assert kind == 0x100
        self._need("lists")
        value = list_of(where)
        if not value:
            raise Failure(ENOENT)
        return self._new(value)

    _acl_get_link_np = _acl_get_fd_np

    def _acl_set_fd_np(self, fd: int, acl: int, kind: int) -> int:
        assert kind == 0x100
        self._need("lists")
        os.setxattr(fd, _ACL, self.lists[acl])
        return 0

    def _acl_size(self, acl: int) -> int:
        return len(self.lists[acl])

    def _acl_copy_ext_native(self, room: Any, acl: int, size: int) -> int:
        return self._given(self.lists[acl], room, size)

    def _acl_copy_int_native(self, value: bytes) -> int:
        return self._new(value)

    def _acl_init(self, _count: int) -> int:
        return self._new(b"")

    def _acl_free(self, acl: int) -> int:
        del self.lists[acl]
        return 0

    # ── Renames ─────────────────────────────────────────────────────────────

    def _renameatx_np(self, source: int, old: bytes, target: int, new: bytes, flags: int) -> int:
        if flags == 2:  # RENAME_SWAP
            self._need("exchange")
            _LINUX.exchange(os.fsdecode(old), os.fsdecode(new), src_dir_fd=source, dst_dir_fd=target)
            return 0
        assert flags == 4  # RENAME_EXCL
        self._need("exclusive")
        os.link(old, new, src_dir_fd=source, dst_dir_fd=target)  # raises where there is one
        os.unlink(old, dir_fd=source)
        return 0


def set_list(path: Path, value: bytes, *, passed_on: bytes = b"") -> None:
    """Give a file a list, or a directory one and what is made in it another."""
    os.setxattr(path, _ACL, value)
    if passed_on:
        os.setxattr(path, _PASSED_ON, passed_on)


def list_of(where: int | bytes | Path) -> bytes:
    """Return the list of a file: the one that it was given, or what its directory passes on."""
    path = Path(f"/proc/self/fd/{where}").readlink() if isinstance(where, int) else Path(os.fsdecode(where))
    for place, name in ((path, _ACL), (path.parent, _PASSED_ON)):
        try:
            return os.getxattr(place, name, follow_symlinks=False)
        except OSError:
            continue
    return b""


@contextmanager
def running_with(table: Syscalls) -> Iterator[None]:
    """Let all of untorn use the calls of another platform."""
    real, kind = dict(vars(storage.REAL)), type(storage.REAL)
    storage.REAL.__class__ = type(table)
    vars(storage.REAL).clear()
    vars(storage.REAL).update(vars(table))
    try:
        yield
    finally:
        storage.REAL.__class__ = kind
        vars(storage.REAL).clear()
        vars(storage.REAL).update(real)


@contextmanager
def macos() -> Iterator[LibSystem]:
    """Let all of untorn run on macOS, or what it takes for it."""
    library = LibSystem()
    control: Callable[..., object] = library.control
    with running_with(MacSyscalls(library, control)):
        yield library
    assert library.lists == {}, "a list was not freed"
