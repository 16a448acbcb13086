"""What a process finds out about a directory once: what file system it is on, what is mounted in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage.mounts import mount_of, mounts

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.storage.syscalls import Syscalls


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that files are saved to.

    Attributes:
        network: The type of its file system, if another machine or a program
            (FUSE) is between us and the disk; else empty.
        mounted: The names in it that are mount points: directories, or single files.
    """

    network: str
    mounted: frozenset[str]


_places: dict[Path, Place] = {}


def known(directory: Path) -> Place | None:
    """Return what this process knows of the directory, if it looked already."""
    return _places.get(directory)


def look_at(directory: Path, calls: Syscalls) -> Place:
    """Look at the directory (absolute, links resolved) in the mount table, and remember.

    What is mounted later is met at the rename, as EBUSY.
    """
    table = mounts(calls=calls)
    mount = mount_of(directory, table)
    place = Place(
        network=mount.kind if mount is not None and mount.is_network else "",
        mounted=frozenset(each.point.name for each in table if each.point.parent == directory),
    )
    _places[directory] = place
    return place
