"""How much room there is: on the file system, and within the user's quota."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage import flags, libc
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from pathlib import Path

_QUOTACTL_FD = 443  # asm-generic/unistd.h; Linux 5.14
_MACHINES = ("x86_64", "aarch64", "riscv64", "ppc64le", "s390x")  # where it is that number
_GET_USER_QUOTA = 0x800007 << 8  # linux/quota.h: QCMD(Q_GETQUOTA, USRQUOTA)
_QUOTA = struct.Struct("=8QI4x")  # struct if_dqblk
_NAME_MAX = 255  # where nothing tells
_KIB = 1024  # what limits are counted in; what is used is counted in bytes


@dataclass(frozen=True, slots=True)
class Quota:
    """What a user may use of a file system; a limit of 0 is none."""

    bytes_used: int
    bytes_limit: int
    inodes_used: int
    inodes_limit: int

    @property
    def bytes_left(self) -> int | None:
        """How many bytes more, or ``None`` for any number."""
        return max(self.bytes_limit - self.bytes_used, 0) if self.bytes_limit else None

    @property
    def inodes_left(self) -> int | None:
        """How many files more, or ``None`` for any number."""
        return max(self.inodes_limit - self.inodes_used, 0) if self.inodes_limit else None


@dataclass(frozen=True, slots=True)
class Space:
    """What statvfs(3) tells of a file system.

    Attributes:
        total: Its bytes; 0: it has none of its own, or the system does not tell.
        available: Those that this process may still use.
        reserved: Those that are free, and kept for root.
        inodes: How many files it can have; 0: as many as there is room for.
        inodes_available: How many more this process may make.
        name_max: How many bytes a name may have.
        read_only: Whether it takes no writes.
        quota: What the user may use of it, where that is limited and visible.
    """

    total: int
    available: int
    reserved: int
    inodes: int
    inodes_available: int
    name_max: int
    read_only: bool
    quota: Quota | None

    @property
    def left(self) -> int:
        """How many bytes this process may still use, its quota counted."""
        within = self.quota.bytes_left if self.quota is not None else None
        return self.available if within is None else min(self.available, within)

    @property
    def inodes_left(self) -> int | None:
        """How many files this process may still make, its quota counted; ``None`` for any number."""
        limits = [self.inodes_available] if self.inodes else []
        within = self.quota.inodes_left if self.quota is not None else None
        return min([*limits, *([] if within is None else [within])], default=None)


def space_of(directory: Path, *, calls: Syscalls = REAL) -> Space:
    """Return how much room there is for a file in ``directory``.

    Raises:
        OSError: The directory cannot be looked at.
    """
    if not hasattr(os, "statvfs"):
        return Space(0, 0, 0, 0, 0, name_max=_NAME_MAX, read_only=False, quota=None)
    found = os.statvfs(directory)
    root = flags.effective_user() == 0
    return Space(
        total=found.f_blocks * found.f_frsize,
        available=(found.f_bfree if root else found.f_bavail) * found.f_frsize,
        reserved=max(found.f_bfree - found.f_bavail, 0) * found.f_frsize,
        inodes=found.f_files,
        inodes_available=found.f_ffree if root else found.f_favail,
        name_max=found.f_namemax,
        read_only=bool(found.f_flag & os.ST_RDONLY),
        quota=_quota_of(directory, calls),
    )


def _quota_of(directory: Path, calls: Syscalls) -> Quota | None:
    system = os.uname()
    if system.sysname != "Linux" or system.machine not in _MACHINES:
        return None
    syscall, answer = libc.function("syscall"), bytearray(_QUOTA.size)
    try:
        fd = calls.open(directory, os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC)
    except OSError:
        return None
    try:
        failed = syscall(_QUOTACTL_FD, fd, _GET_USER_QUOTA, flags.effective_user(), libc.filled(answer))
    finally:
        closed(fd, calls)
    return None if failed else _quota_from(bytes(answer))


def _quota_from(answer: bytes) -> Quota | None:
    bytes_hard, bytes_soft, used, inodes_hard, inodes_soft, inodes, *_ = _QUOTA.unpack(answer)
    if not (bytes_hard or bytes_soft or inodes_hard or inodes_soft):
        return None
    return Quota(used, (bytes_hard or bytes_soft) * _KIB, inodes, inodes_hard or inodes_soft)
