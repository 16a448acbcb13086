"""File systems on a disk that is observed: made, mounted, checked, and never left behind.

What a run mounts is seen by that process alone (a mount namespace of its own), and a
loop device clears itself when its last user is gone. So nothing stays, whatever ends
the process: the kernel takes the mounts, the device and the disk away with it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from evidence.observed import Observed, mount, unmount
from evidence.targets import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PROGRAMS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
_SECONDS = 60
"""How long a program may take; all of them take less than one second."""

_NO_ATIME, _RECURSIVE, _PRIVATE = 1 << 10, 1 << 14, 1 << 18
_NEW_MOUNTS = 0x20000  # CLONE_NEWNS
_FREE_DEVICE, _CONFIGURE, _RELEASE, _DROP_CACHE = 0x4C82, 0x4C0A, 0x4C01, 0x1261
_CONFIGURATION = struct.Struct("=II 52x I 176x 64x")  # file, block size, flags in struct loop_info64, …
_AUTOCLEAR = 4


Neighbours: TypeAlias = Literal["idle", "flusher", "busy", "commits"]


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system, and how it is used here.

    Attributes:
        name: What it is called in the table.
        kind: What mount(2) calls it.
        megabytes: A size that its ``mkfs`` accepts.
        make: The program that makes one, without the device.
        check: The program that looks for damage and repairs nothing, without the device.
        options: What it is mounted with.
        sector: The smallest part of a write that it counts on to be whole.
        neighbours: What can happen beside a save, as ``sessions.Session`` explains it.
    """

    name: str
    kind: str
    megabytes: int
    make: tuple[str, ...]
    check: tuple[str, ...]
    options: str = ""
    sector: int = 512
    neighbours: tuple[Neighbours, ...] = ("idle", "flusher", "busy")


_MAKE_EXT4 = (
    "mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
)  # fmt: skip
_CHECK_EXT4 = ("e2fsck", "-fn")

# Two superblocks have one checksum over more than the 512 bytes of most disks'
# sectors, and no copy of them is read at a mount: torn, they end any file system,
# whoever saved on it.
FILE_SYSTEMS = {
    each.name: each
    for each in (
        FileSystem("ext4", "ext4", 64, _MAKE_EXT4, _CHECK_EXT4, sector=1024),
        FileSystem("ext4-noauto", "ext4", 64, _MAKE_EXT4, _CHECK_EXT4, "noauto_da_alloc", sector=1024),
        FileSystem("xfs", "xfs", 300, ("mkfs.xfs", "-q", "-f", "-K"), ("xfs_repair", "-n"), "nouuid"),
        FileSystem(
            "btrfs",
            "btrfs",
            128,
            ("mkfs.btrfs", "-q", "-f", "-K"),
            ("btrfs", "check", "--readonly"),
            "nodiscard",
            sector=4096,
            neighbours=("idle", "flusher", "busy", "commits"),
        ),
    )
}


def lacking(system: FileSystem) -> str | None:
    """Return what this machine lacks for it, if anything can be seen to be missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "mounting needs Linux, and root"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.access(device, os.R_OK | os.W_OK):
            return f"there is no {device}"
    missing = [each[0] for each in (system.make, system.check) if not shutil.which(each[0], path=_PROGRAMS)]
    return f"not installed: {', '.join(missing)}" if missing else None


def keep_mounts_to_ourselves() -> None:
    """Let what this process mounts be seen by it and its children only, and end with them.

    Raises:
        Unsupported: This process may not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) != 0 or libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None) != 0:
        raise Unsupported(f"no mount namespace: {os.strerror(ctypes.get_errno())}")


class Disk:
    """An observed disk with one file system; made by ``disk``.

    Attributes:
        observed: The disk below the file system.
        point: Where it is mounted.
    """

    def __init__(self, system: FileSystem, observed: Observed, device: str, point: Path) -> None:
        self.observed = observed
        self.point = point
        self._system = system
        self._device = device

    def make(self) -> None:
        """Make the file system, empty."""
        done = self._run(*self._system.make)
        if done.returncode != 0:
            raise Unsupported(f"{self._system.make[0]} failed: {done.stdout.strip()}")

    def damage(self) -> str:
        """Return what the file system's own checker complains of."""
        done = self._run(*self._system.check)
        return "" if done.returncode == 0 else done.stdout.strip()

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, self._device],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "PATH": _PROGRAMS, "LC_ALL": "C"},
        )

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount it, as a machine does that comes up again.

        Raises:
            OSError: It cannot be mounted.
        """
        mount(self._device, self.point, self._system.kind, _NO_ATIME, self._system.options)
        try:
            yield self.point
        finally:
            self.unmount()

    def unmount(self) -> None:
        """Unmount it; at the worst when its last user is gone."""
        try:
            unmount(self.point)
        except OSError as error:
            if error.errno != errno.EINVAL:  # it is not mounted
                unmount(self.point, lazily=True)

    def drop_cache(self) -> None:
        """Let the kernel forget what it read from the disk: another one will be there."""
        fd = os.open(self._device, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, _DROP_CACHE, 0)
        finally:
            os.close(fd)


@contextmanager
def disk(system: FileSystem, place: Path) -> Iterator[Disk]:
    """Give a new disk with an empty file system, not mounted; ``place`` is a directory for it.

    Raises:
        Unsupported: This machine cannot do it.
    """
    file, point = place / "disk", place / "mounted"
    point.mkdir()
    with ExitStack() as stack:
        try:
            observed = stack.enter_context(Observed(file, system.megabytes << 20))
            made = Disk(system, observed, stack.enter_context(_loop(file)), point)
            stack.callback(made.unmount)
            made.make()
            with made.mounted():
                pass
        except OSError as error:
            raise Unsupported(f"no {system.name} can be mounted: {error}") from error
        yield made


@contextmanager
def _loop(file: Path) -> Iterator[str]:
    """Give a loop device over ``file``, which clears itself when nobody uses it."""
    backing = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        device, fd = _free_device(backing)
    finally:
        os.close(backing)
    try:
        yield device
    finally:
        with suppress(OSError):
            fcntl.ioctl(fd, _RELEASE, 0)
        os.close(fd)


def _free_device(backing: int) -> tuple[str, int]:
    with open("/dev/loop-control", "rb", buffering=0) as control:  # noqa: PTH123  a device
        for _ in range(100):
            device = f"/dev/loop{fcntl.ioctl(control, _FREE_DEVICE)}"
            fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(fd, _CONFIGURE, _CONFIGURATION.pack(backing, 0, _AUTOCLEAR))
            except OSError as error:
                os.close(fd)
                if error.errno != errno.EBUSY:  # another process was faster
                    raise
            else:
                return device, fd
    raise Unsupported("there is no free loop device")
