"""What can happen to a disk, as data: what a recording is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from evidence.tree import Attributes, Rights


@dataclass(frozen=True, slots=True)
class Made:
    """A new inode, without a name yet."""

    inode: int
    is_directory: bool
    rights: Rights
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Linked:
    """A new symbolic link, without a name yet; what it says is on the disk with its inode."""

    inode: int
    target: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes at an offset of a file."""

    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut off or lengthened."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Marked:
    """An inode's rights and attributes, as they are now."""

    inode: int
    rights: Rights
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Named:
    """In each directory, names that lead to other inodes now, or (``None``) nowhere; one change in each."""

    changes: tuple[tuple[int, tuple[tuple[str, int | None], ...]], ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """A sync of a file or directory returned."""

    inode: int
    succeeded: bool


Event: TypeAlias = "Made | Linked | Wrote | Resized | Marked | Named | Synced"
