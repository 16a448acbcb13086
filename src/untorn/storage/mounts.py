"""What the mount table says: network file systems, and single files that are mounted (W12, W22)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table.

    Attributes:
        point: Where it is mounted.
        root: What of its file system is mounted there; ``/`` is all of it.
        kind: The type of its file system, such as ``ext4`` or ``fuse.sshfs``.
        source: What is mounted: a device, a server's directory.
        read_only: Whether this mount takes no writes.
    """

    point: Path
    root: str
    kind: str
    source: str
    read_only: bool

    @property
    def is_network(self) -> bool:
        """Whether another machine, or a program of the user's (FUSE), is between us and the disk."""
        return self.kind in NETWORK or self.kind.startswith("fuse")


def mounts(*, calls: Syscalls = REAL) -> list[Mount]:
    """Return the mount table, in the order of mounting; empty where the system does not tell it."""
    try:
        return [_mount(line) for line in _read(calls).splitlines()]
    except (OSError, ValueError, IndexError):
        return []


def _read(calls: Syscalls) -> bytes:
    fd = calls.open(_TABLE, os.O_RDONLY | os.O_CLOEXEC)
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
    options = {*fields[5].split(b","), *super_options.split(b",")}
    return Mount(
        point=Path(_text(fields[4])),
        root=_text(fields[3]),
        kind=_text(kind),
        source=_text(source),
        read_only=b"ro" in options,
    )


def _text(field: bytes) -> str:
    """Return a field as it was before blanks, tabs, newlines and backslashes became octal numbers."""
    return os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), field))


def mount_of(path: Path, table: Sequence[Mount]) -> Mount | None:
    """Return the mount that ``path`` (absolute, links resolved) lies on: the innermost one.

    One whose ``point`` is ``path`` itself is a directory's, or a file that is
    mounted by itself and cannot be renamed over.
    """
    above = {path, *path.parents}
    found = None
    for mount in table:
        deeper = found is None or len(mount.point.parts) >= len(found.point.parts)
        if mount.point in above and deeper:  # of two at one point, the later hides the earlier
            found = mount
    return found
