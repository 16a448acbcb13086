"""What the mount table says: network file systems, and single files that are mounted (W12, W22)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.storage import flags
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE = "/proc/self/mountinfo"  # proc(5); nobody else's mount namespace counts
_PIECE = 1 << 20
_ESCAPED = re.compile(rb"\\([0-7]{3})")

NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "smb3", "smbfs", "virtiofs", "vboxsf",
})  # fmt: skip
"""Where other machines take part: a rename may report an error and have happened all the same."""

PSEUDO = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs",
    "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
    "sysfs", "tracefs",
})  # fmt: skip
"""Where files are the kernel's ways to say something: none is ever replaced, and nobody should try."""

MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
"""What is gone when the machine stops."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table.

    Attributes:
        point: Where it is mounted.
        root: What of its file system is mounted there; ``/`` is all of it.
        kind: The type of its file system, such as ``ext4`` or ``fuse.sshfs``.
        source: What is mounted: a device, a server's directory.
        read_only: Whether this mount takes no writes.
        number: The mount's own number.
        parent: The number of the mount that it lies on.
        device: Major and minor number of its file system, as ``/proc/locks`` has them.
        options: Those of the mount and of its file system.
    """

    point: Path
    root: str
    kind: str
    source: str
    read_only: bool
    number: int = 0
    parent: int = 0
    device: tuple[int, int] = (0, 0)
    options: frozenset[str] = frozenset()

    @property
    def is_network(self) -> bool:
        """Whether another machine, or a program of the user's (FUSE), is between us and the disk."""
        return self.kind in NETWORK or self.is_fuse

    @property
    def is_fuse(self) -> bool:
        """Whether a program answers for this file system, and not the kernel."""
        return self.kind in ("fuse", "fuseblk") or self.kind.startswith("fuse.")


def mounts(*, calls: Syscalls = REAL) -> list[Mount]:
    """Return the mount table, in the order of mounting; empty where the system does not tell it."""
    try:
        return [_mount(line) for line in _read(calls).splitlines()]
    except (OSError, ValueError, IndexError):
        return []


def _read(calls: Syscalls) -> bytes:
    fd = calls.open(_TABLE, os.O_RDONLY | flags.O_CLOEXEC)
    try:
        parts = []
        while part := calls.read(fd, _PIECE):
            parts.append(part)
        return b"".join(parts)
    finally:
        closed(fd, calls)


def _mount(line: bytes) -> Mount:
    # id parent major:minor root point options [tags…] - kind source super-options
    first, _, second = line.partition(b" - ")
    fields, (kind, source, super_options) = first.split(b" "), second.split(b" ")[:3]
    options = frozenset(map(_text, (*fields[5].split(b","), *super_options.split(b","))))
    major, _, minor = fields[2].partition(b":")
    return Mount(
        point=Path(_text(fields[4])),
        root=_text(fields[3]),
        kind=_text(kind),
        source=_text(source),
        read_only="ro" in options,
        number=int(fields[0]),
        parent=int(fields[1]),
        device=(int(major), int(minor)),
        options=options,
    )


def _text(field: bytes) -> str:
    """Return a field as it was before blanks, tabs, newlines and backslashes became octal numbers."""
    return os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), field))


def mount_of(path: Path, table: Sequence[Mount]) -> Mount | None:
    """Return the mount that ``path`` (absolute, links resolved) lies on.

    One whose ``point`` is ``path`` itself is a directory's, or a file that is
    mounted by itself and cannot be renamed over.
    """
    lies_on: dict[Path, list[Mount]] = {}
    for mount in table:
        lies_on.setdefault(mount.point, []).append(mount)
    numbers = {mount.number for mount in table}
    found: Mount | None = None
    for part in (*reversed(path.parents), path):
        # As the kernel walks: a mount counts where the walk has reached the
        # mount that it lies on. One at a parent, though made later, hides it.
        above = _above(found, lies_on.get(part, ()), numbers)
        while above is not None:
            found, above = above, _above(above, lies_on[part], numbers)
    return found


def _above(mount: Mount | None, here: Sequence[Mount], numbers: set[int]) -> Mount | None:
    """Return which of the mounts ``here`` lies on ``mount``; on ``None``: on nothing that is in the table."""
    if mount is None:
        bottom = (each for each in here if each.parent not in numbers or each.parent == each.number)
        return next(bottom, None)
    return next((each for each in here if each.parent == mount.number and each is not mount), None)


def mounted_in(directory: Path, table: Sequence[Mount]) -> frozenset[str]:
    """Return the names in ``directory`` that are mount points, without those that another mount hides."""
    below = mount_of(directory, table)
    return frozenset(
        mount.point.name
        for mount in table
        if mount.point.parent == directory
        and mount.point != directory  # the root is its own parent
        and (below is None or mount.parent == below.number)
    )
