"""Who may do what with a file: owner, group, mode, access control list, label, flags."""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage import flags
from untorn.storage.metadata import ACL, LABEL
from untorn.storage.snapshot import unlike_a_file
from untorn.storage.statx import Flags, flags_of
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    from pathlib import Path

_DEFAULT_ACL = "system.posix_acl_default"  # acl(5): what is made in a directory inherits it
_TAGS = {0x01: "owner", 0x02: "user", 0x04: "owning group", 0x08: "group", 0x10: "mask", 0x20: "others"}
_NAMED = ("user", "group")
_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an access control list.

    Attributes:
        who: ``owner``, ``user``, ``owning group``, ``group``, ``mask`` or ``others``.
        number: Which user or group, or ``None``.
        may: Such as ``rw-``.
    """

    who: str
    number: int | None
    may: str


@dataclass(frozen=True, slots=True)
class Access:
    """What decides who may read, write or replace a file or directory.

    Attributes:
        kind: ``file``, or what else it is, such as ``directory`` or ``FIFO``.
        owner: The number of its owner.
        group: The number of its group.
        mode: Its permission bits, the sticky bit included.
        links: How many names it has.
        size: Its bytes.
        acl: Its access control list, empty where there is none besides the mode.
        default_acl: What files made in it inherit.
        has_acls: Whether there can be lists here; ``None``: not known.
        label: Its SELinux label, or an empty string.
        flags: Immutable, append-only, mounted.
        identity: Its device and inode.
        ours: Whether this process owns it, or may do as if.
        readable: Whether this process may read it.
        writable: Whether this process may write to it; to a directory: make and remove files in it.
    """

    kind: str
    owner: int
    group: int
    mode: int
    links: int
    size: int
    acl: tuple[Entry, ...]
    default_acl: tuple[Entry, ...]
    has_acls: bool | None
    label: str
    flags: Flags
    identity: tuple[int, int]
    ours: bool
    readable: bool
    writable: bool

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.kind == "directory"

    @property
    def is_sticky(self) -> bool:
        """Whether, in this directory, only the owner of a file may rename or remove it."""
        return bool(self.mode & stat.S_ISVTX)


def access_of(path: Path, *, calls: Syscalls = REAL) -> Access | None:
    """Return who may do what with what is at ``path`` (links resolved); ``None`` if there is nothing.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        status = calls.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    acl, has_acls = _list_of(path, ACL, calls)
    is_directory = stat.S_ISDIR(status.st_mode)
    default_acl, _ = _list_of(path, _DEFAULT_ACL, calls) if is_directory else ((), None)
    writing = os.W_OK | os.X_OK if is_directory else os.W_OK
    return Access(
        kind=_kind(status.st_mode),
        owner=status.st_uid,
        group=status.st_gid,
        mode=stat.S_IMODE(status.st_mode),
        links=status.st_nlink,
        size=status.st_size,
        acl=acl,
        default_acl=default_acl,
        has_acls=has_acls,
        label=_label(path, calls),
        flags=flags_of(path),
        identity=(status.st_dev, status.st_ino),
        ours=flags.effective_user() in (0, status.st_uid),
        readable=calls.access(path, os.R_OK, effective_ids=True),
        writable=calls.access(path, writing, effective_ids=True),
    )


def _kind(mode: int) -> str:
    strange = unlike_a_file(mode)
    return "file" if strange is None else strange[0].removeprefix("is a ")


def _list_of(path: Path, name: str, calls: Syscalls) -> tuple[tuple[Entry, ...], bool | None]:
    """Return an access control list, and whether there could be one."""
    try:
        raw = calls.getxattr(path, name, follow_symlinks=False)
    except OSError as error:
        return (), False if error.errno in _UNSUPPORTED else True if error.errno == errno.ENODATA else None
    return tuple(_entry(*each) for each in struct.iter_unpack("<HHI", raw[4:])), True


def _entry(tag: int, bits: int, number: int) -> Entry:
    who = _TAGS.get(tag, f"tag {tag}")
    may = "".join(letter if bits & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
    return Entry(who, number if who in _NAMED else None, may)


def _label(path: Path, calls: Syscalls) -> str:
    try:
        return calls.getxattr(path, LABEL, follow_symlinks=False).rstrip(b"\0").decode("ascii", "replace")
    except OSError:
        return ""
