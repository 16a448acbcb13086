"""The table of system calls: the only way in which storage reaches the disk.

Tests replace entries, to let the n-th call fail or the process die in it; a
platform with other calls fills a table of its own.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress


class Syscalls:
    """The calls of Linux, and of other POSIX systems as far as Python names them alike.

    One instance, ``REAL``, is the default everywhere. Every entry raises
    ``OSError`` as the function of ``os`` or ``fcntl`` of that name does.
    """

    def __init__(self) -> None:
        self.open = os.open
        self.close = os.close
        self.read = os.read
        self.pread = os.pread
        self.write = os.write
        self.pwrite = os.pwrite
        self.ftruncate = os.ftruncate
        self.reserve = _reserve
        self.fstat = os.fstat
        self.birth = _birth
        self.stat = os.stat
        self.access = os.access
        self.readlink = os.readlink
        self.fsync = os.fsync
        self.fchmod = os.fchmod
        self.fchown = os.fchown
        self.rename = os.rename
        self.rename_new = _rename_new
        self.unlink = os.unlink
        self.mkdir = os.mkdir
        self.rmdir = os.rmdir
        self.listdir = os.listdir
        self.flock = fcntl.flock
        self.listxattr = getattr(os, "listxattr", _no_attributes)
        self.getxattr = getattr(os, "getxattr", _no_attribute)
        self.setxattr = getattr(os, "setxattr", _no_attribute)
        self.removexattr = getattr(os, "removexattr", _no_attribute)


_NOREPLACE = 1  # linux/fs.h
_LACKING = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def _rename_new(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
    """Rename, unless ``target`` exists: then EEXIST (rename(2), Linux 3.15).

    Where the system or the file system has no such call, rename plainly: who
    makes the same file in the moment after the caller's look is replaced there.
    """
    import ctypes  # noqa: PLC0415  only a new file needs it

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    code = errno.ENOSYS
    if renameat2 is not None:
        names = os.fsencode(source), os.fsencode(target)
        if renameat2(src_dir_fd, names[0], dst_dir_fd, names[1], _NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
    if code not in _LACKING:
        raise OSError(code, os.strerror(code), target)
    os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


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
        if code in (*_LACKING, errno.EPERM):
            return None
        raise OSError(code, os.strerror(code))
    if not struct.unpack_from("I", answer, _MASK_AT)[0] & _BIRTH:
        return None
    seconds, nanoseconds = struct.unpack_from("qI", answer, _BIRTH_AT)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _no_attributes(*_arguments: object, **_keywords: object) -> list[str]:
    return []


def _no_attribute(*_arguments: object, **_keywords: object) -> bytes:
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


REAL = Syscalls()


def closed(fd: int, calls: Syscalls) -> None:
    """Close ``fd``. Raises no ``OSError``.

    close(2) frees the descriptor even when it reports an error, and nothing
    here depends on what it reports: reads are done, and writes were synced.
    """
    try:
        with suppress(OSError):
            calls.close(fd)
    except BaseException:
        # A signal, and nobody can tell whether close(2) ran. A lock that stays
        # would block every later save, so once more: at worst EBADF.
        with suppress(OSError):
            calls.close(fd)
        raise
