"""A file that is a disk, and remembers every write and every flush in its order.

It is served through FUSE (the protocol of linux/fuse.h, spoken here by itself, so
that nothing needs to be installed): a loop device over it passes on what a file
system writes, and turns each flush of that disk's cache into a sync of the file.
The file is opened past the page cache, so that nothing is kept back or joined.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from evidence.replay import Entry, Flush, Image, Mark, Write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _RELEASE = 3, 4, 14, 15, 16, 18
_FSYNC, _FLUSH, _INIT, _INTERRUPT, _DESTROY, _FALLOCATE = 20, 25, 26, 36, 38, 43
_FORGETS = (2, 42)

_LARGEST_WRITE = 1 << 20
_HEADER = struct.Struct("=IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, …
_ANSWER = struct.Struct("=IiQ")  # length, error, unique
_AT = struct.Struct("=QQI")  # file handle, offset, size: how reads and writes begin
_WRITE_HEADER = 40
_ATTRIBUTES = struct.Struct("=QII6Q10I")
_PAST_THE_CACHE = 1
_MANY_PAGES, _BIG_WRITES = 1 << 22, 1 << 5
_NO_SUID, _NO_DEVICES, _DETACH = 2, 4, 2
_START_SYNC, _WAIT_SYNC = 0x80089418, 0x40089416  # linux/btrfs.h
_AND_WAIT = 7  # before, write, and after

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, point: Path, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount ``source`` at ``point``."""
    _checked(_libc.mount(source.encode(), bytes(point), kind.encode(), flags, options.encode()), point)


def unmount(point: Path, *, lazily: bool = False) -> None:
    """Unmount what is at ``point``; ``lazily``: hide it now, and unmount it when nobody uses it."""
    _checked(_libc.umount2(bytes(point), _DETACH if lazily else 0), point)


def sync_all(point: Path) -> None:
    """Make everything durable in the file system at ``point``, and in no other: syncfs(2)."""
    fd = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _checked(_libc.syncfs(fd), point)
    finally:
        os.close(fd)


def write_back(place: Path) -> None:
    """Write what files below ``place`` hold in memory, as the kernel does of itself when they grow old.

    Bytes only: neither sizes nor names, and without a flush of the disk.
    """
    for directory, _, names in os.walk(place):
        for name in names:
            fd = os.open(os.path.join(directory, name), os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH118  of os.walk
            try:
                _checked(_libc.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), _AND_WAIT), place)
            finally:
                os.close(fd)


def commit_btrfs(point: Path) -> None:
    """Let the btrfs at ``point`` commit its transaction, but not write what files hold in memory."""
    transaction = bytearray(8)
    fd = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, _START_SYNC, transaction)
        fcntl.ioctl(fd, _WAIT_SYNC, transaction)
    finally:
        os.close(fd)


def _checked(result: int, path: Path) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(path))


class Observed:
    """A disk in memory at ``point``, a file; used as a context manager.

    Attributes:
        image: What it holds. Another image may take its place while nobody uses it.
        log: What was written to it since ``forget``.
    """

    def __init__(self, point: Path, size: int) -> None:
        self.image = Image(size)
        self.log: list[Entry] = []
        self._point = point
        self._lock = threading.Lock()
        self._channel = -1
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._answers: dict[int, Callable[[memoryview], bytes]] = {
            _INIT: self._init,
            _GETATTR: self._attributes,
            _SETATTR: self._attributes,
            _OPEN: lambda _: struct.pack("=QII", 1, _PAST_THE_CACHE, 0),
            _READ: self._read,
            _WRITE: self._write,
            _FSYNC: self._flush,
            _FLUSH: lambda _: b"",  # of a descriptor that is closed, not of the disk
            _RELEASE: lambda _: b"",
            _DESTROY: lambda _: b"",
        }

    def __enter__(self) -> Self:
        self._channel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        # A child that waits for the disk would else keep alive what it waits for.
        os.register_at_fork(after_in_child=self.abandon)
        options = f"fd={self._channel},rootmode=100600,user_id=0,group_id=0"
        try:
            self._point.touch()
            mount("untorn-evidence", self._point, "fuse", _NO_SUID | _NO_DEVICES, options)
        except OSError:
            self.abandon()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(OSError):
            unmount(self._point, lazily=True)
        self.abandon()

    def abandon(self) -> None:
        """Let everything that still waits for the disk fail."""
        channel, self._channel = self._channel, -1
        if channel >= 0:
            os.close(channel)

    def mark(self, text: str) -> None:
        """Note in the log that something was said."""
        with self._lock:
            self.log.append(Mark(text))

    def begin(self) -> Image:
        """Begin a new log; return what the disk holds now, which stays as it is."""
        with self._lock:
            base = self.image
            self.image = Image(base.size, base)
            self.log = []
        return base

    def forget(self) -> list[Entry]:
        """Return the log, and begin a new one."""
        with self._lock:
            log, self.log = self.log, []
        return log

    # ── The protocol ────────────────────────────────────────────────────────

    def _serve(self) -> None:
        request = bytearray(_LARGEST_WRITE + 4096)
        view = memoryview(request)
        while True:
            try:
                length = os.readv(self._channel, [request])
            except InterruptedError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):  # a request was taken back
                    continue
                return  # unmounted, or abandoned
            self._answer(view[:length])

    def _answer(self, request: memoryview) -> None:
        _, opcode, unique, *_ = _HEADER.unpack_from(request)
        if opcode in _FORGETS or opcode == _INTERRUPT:
            return
        answer, code = b"", 0
        try:
            answer = self._answers[opcode](request[_HEADER.size :])
        except KeyError:
            code = errno.EOPNOTSUPP if opcode == _FALLOCATE else errno.ENOSYS
        except Exception:  # noqa: BLE001  whoever waits must not wait for ever
            code = errno.EIO
        with suppress(OSError):
            os.writev(self._channel, [_ANSWER.pack(_ANSWER.size + len(answer), -code, unique), answer])

    def _init(self, body: memoryview) -> bytes:
        major, minor = struct.unpack_from("=II", body)
        flags = _BIG_WRITES | _MANY_PAGES
        pages = _LARGEST_WRITE // 4096
        return struct.pack(
            "=IIIIHHIIHHI28x", major, min(minor, 31), 0, flags, 12, 9, _LARGEST_WRITE, 1, pages, 0, 0
        )

    def _attributes(self, _body: memoryview) -> bytes:
        size = self.image.size
        return _ATTRIBUTES.pack(
            3600, 0, 0, 1, size, size // 512, 0, 0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0
        )

    def _read(self, body: memoryview) -> bytes:
        _, offset, size = _AT.unpack_from(body)
        return self.image.read(offset, min(size, max(0, self.image.size - offset)))

    def _write(self, body: memoryview) -> bytes:
        _, offset, size = _AT.unpack_from(body)
        data = bytes(body[_WRITE_HEADER : _WRITE_HEADER + size])
        with self._lock:
            self.image.write(offset, data)
            self.log.append(Write(offset, data))
        return struct.pack("=II", size, 0)

    def _flush(self, _body: memoryview) -> bytes:
        with self._lock:
            self.log.append(Flush())
        return b""
