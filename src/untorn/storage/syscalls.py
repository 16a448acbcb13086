"""The table of system calls: the only way in which storage reaches the disk.

Tests replace entries, to let the n-th call fail or the process die in it; a
platform with other calls fills a table of its own.
"""

from __future__ import annotations

import errno
import os
import sys

from untorn.storage import flags

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import NoReturn


class Syscalls:
    """The calls of Linux, and of other POSIX systems as far as Python names them alike.

    One instance, ``REAL``, is the default everywhere. Every entry takes what the
    function of ``os`` or ``fcntl`` of that name takes, and raises ``OSError`` as
    it does. The methods are made of entries, and differ between platforms.

    Attributes:
        locks_apart: Whether the lock of a file is not the file's own, so that
            nothing but its name leads to it (``lock_file``).
    """

    locks_apart = False

    def __init__(self) -> None:
        from fcntl import flock  # noqa: PLC0415  Windows has no such module, and a table of its own

        self.open: Callable[..., int] = open_above_streams
        self.close: Callable[..., None] = os.close
        self.read: Callable[..., bytes] = os.read
        self.pread: Callable[..., bytes] = os.pread
        self.write: Callable[..., int] = os.write
        self.pwrite: Callable[..., int] = os.pwrite
        self.ftruncate: Callable[..., None] = os.ftruncate
        self.reserve: Callable[..., None] = _reserve
        self.fstat: Callable[..., os.stat_result] = os.fstat
        self.birth: Callable[..., int | None] = _birth
        self.stat: Callable[..., os.stat_result] = os.stat
        self.access: Callable[..., bool] = os.access
        self.readlink: Callable[..., str] = os.readlink  # pyright: ignore[reportAttributeAccessIssue]  paths are strings here, never bytes
        self.fsync: Callable[..., None] = os.fsync
        self.write_back: Callable[..., None] = _write_back
        self.fchmod: Callable[..., None] = os.fchmod
        self.fchown: Callable[..., None] = os.fchown
        self.rename: Callable[..., None] = os.rename
        self.rename_new: Callable[..., None] = _rename_new
        self.exchange: Callable[..., None] = _exchange
        self.symlink: Callable[..., None] = os.symlink
        self.unlink: Callable[..., None] = os.unlink
        self.mkdir: Callable[..., None] = os.mkdir
        self.rmdir: Callable[..., None] = os.rmdir
        self.listdir: Callable[..., list[str]] = os.listdir
        self.flock: Callable[..., None] = flock
        self.listxattr: Callable[..., list[str]] = getattr(os, "listxattr", _no_attributes)
        self.getxattr: Callable[..., bytes] = getattr(os, "getxattr", _no_attribute)
        self.setxattr: Callable[..., None] = getattr(os, "setxattr", _no_attribute)
        self.removexattr: Callable[..., None] = getattr(os, "removexattr", _no_attribute)

    def umask(self, directory: int, probe: str) -> int:  # noqa: ARG002  for platforms that tell it nowhere
        """Return the umask without changing it, which would change it for all threads.

        Args:
            directory: Where a file may be made for a moment, if it takes one.
            probe: What to call it.

        Raises:
            OSError: The system does not tell.
        """
        fd = self.open("/proc/self/status", os.O_RDONLY | flags.O_CLOEXEC)  # proc(5), Linux 4.7
        try:
            lines = self.read(fd, 4096).splitlines()
        finally:
            closed(fd, self)
        for line in lines:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def inherit(self, fd: int, directory: int, probe: str) -> None:
        """Give a new file what its directory passes on, where ``open`` and ``fchmod`` do not."""

    def lock_file(self, path: Path) -> str:  # noqa: ARG002  for platforms whose locks are apart
        """Return the file that is locked for the one at ``path``."""
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    def unusable(self, path: Path) -> str:  # noqa: ARG002  for platforms that are choosy
        """Return why no file can be saved under this name, or an empty string (W14)."""
        return ""


_LAST_STREAM = 2  # standard error, stdin(3)


def open_above_streams(
    path: str | bytes | os.PathLike[str], how: int, mode: int = 0o777, *, dir_fd: int | None = None
) -> int:
    """Open a file as ``os.open`` does, and never as one of the standard streams.

    In a program that closed its standard error, the next file gets that number,
    and what anything says on standard error goes into the file.

    Raises:
        OSError: As open(2) says, or fcntl(2) where no number is left.
    """
    fd = os.open(path, how, mode, dir_fd=dir_fd)
    return fd if fd > _LAST_STREAM else _above_streams(fd)


def _above_streams(fd: int) -> int:
    from fcntl import F_DUPFD_CLOEXEC, fcntl  # noqa: PLC0415  as above

    try:
        return fcntl(fd, F_DUPFD_CLOEXEC, _LAST_STREAM + 1)
    finally:
        os.close(fd)


_NOREPLACE, _EXCHANGE = 1, 2  # linux/fs.h

LACKING = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What says only that the system, or the file system, has no such call."""


def _rename_new(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
    """Rename, unless ``target`` exists: then EEXIST (rename(2), Linux 3.15).

    Where the system or the file system has no such call, rename plainly: who
    makes the same file in the moment after the caller's look is replaced there.
    """
    try:
        _renameat2(source, target, src_dir_fd, dst_dir_fd, _NOREPLACE)
    except OSError as error:
        if error.errno not in LACKING:
            raise
        os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def _exchange(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
    """Let each of two names lead to what the other one led to, in one step (rename(2), Linux 3.15)."""
    _renameat2(source, target, src_dir_fd, dst_dir_fd, _EXCHANGE)


def _renameat2(source: str, target: str, src_dir_fd: int, dst_dir_fd: int, how: int) -> None:
    from untorn.storage import libc  # noqa: PLC0415  a load does without

    function = libc.function("renameat2")  # glibc has it since 2.28
    if function is None:
        raise libc.missing()
    if function(src_dir_fd, os.fsencode(source), dst_dir_fd, os.fsencode(target), how) != 0:
        raise libc.failure(target)


_KEEP_SIZE = 1  # linux/falloc.h


def _reserve(fd: int, size: int) -> None:
    """Set blocks aside for ``size`` bytes; the file's size stays (fallocate(2), FALLOC_FL_KEEP_SIZE).

    Python's ``os.posix_fallocate`` would change the size, and where the file
    system has no such call it writes the bytes.
    """
    import ctypes  # noqa: PLC0415  only a large file needs it

    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if fallocate is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    offset = ctypes.c_int64
    if fallocate(fd, _KEEP_SIZE, offset(0), offset(size)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


_WRITE = 2  # linux/fs.h, SYNC_FILE_RANGE_WRITE


def _write_back(fd: int) -> None:
    """Start to write what is in memory of a file, and do not wait for it (sync_file_range(2)).

    It promises nothing. But a file system with delayed allocation then knows where
    the bytes of many files go before the first fsync(2), which commits all of it at once.
    """
    from untorn.storage import libc  # noqa: PLC0415  one save does without

    function = libc.function("sync_file_range")
    if function is None:
        raise libc.missing()
    import ctypes  # noqa: PLC0415  as above

    everything = ctypes.c_int64(0)
    if function(fd, everything, everything, _WRITE) != 0:
        raise libc.failure()


_STATX = 256  # bytes of struct statx (linux/stat.h)
_EMPTY_PATH, _BIRTH = 0x1000, 0x800  # AT_EMPTY_PATH, STATX_BTIME
_MASK_AT, _BIRTH_AT = 0, 80  # where that structure says what it knows, and when the file was made


def _birth(fd: int) -> int | None:
    """Return when the file was made, in nanoseconds since 1970 (statx(2), Linux 4.11).

    ``None`` where the system or the file system does not tell. A container's
    filter of system calls may say EPERM of one that it does not know.
    """
    import ctypes  # noqa: PLC0415  only an in-place write needs it
    import struct  # noqa: PLC0415

    statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if statx is None:
        return None
    answer = ctypes.create_string_buffer(_STATX)
    if statx(fd, b"", _EMPTY_PATH, _BIRTH, answer) != 0:
        code = ctypes.get_errno()
        if code in (*LACKING, errno.EPERM):
            return None
        raise OSError(code, os.strerror(code))
    if not struct.unpack_from("I", answer, _MASK_AT)[0] & _BIRTH:
        return None
    seconds, nanoseconds = struct.unpack_from("qI", answer, _BIRTH_AT)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _no_attributes(*_arguments: object, **_keywords: object) -> list[str]:
    return []


def _no_attribute(*_arguments: object, **_keywords: object) -> NoReturn:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


def table_of(platform: str) -> Syscalls:
    """Return the calls of a platform, by its ``sys.platform``."""
    if platform == "darwin":
        from untorn.storage.macos import MacSyscalls  # noqa: PLC0415  it extends this one

        return MacSyscalls()
    if platform == "win32":
        from untorn.storage.windows import WindowsSyscalls  # noqa: PLC0415  it extends this one

        return WindowsSyscalls()
    return Syscalls()


def closed(fd: int, calls: Syscalls) -> None:
    """Close ``fd``. Raises no ``OSError``.

    close(2) frees the descriptor even when it reports an error, and nothing
    here depends on what it reports: reads are done, and writes were synced.
    """
    try:
        _close(fd, calls)
    except BaseException:
        # A signal, and nobody can tell whether close(2) ran. A lock that stays
        # would block every later save, so once more: at worst EBADF.
        _close(fd, calls)
        raise


def _close(fd: int, calls: Syscalls) -> None:
    try:
        calls.close(fd)
    except OSError:
        return  # not suppress(): a load should not pay for contextlib


REAL = table_of(sys.platform)  # last: the tables of other platforms import what stands above
