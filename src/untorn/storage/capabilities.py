"""What a save to a path would meet: the file, its mount, what that can do, who may, what lies there.

``survey`` looks, and tries what only trying tells (``untorn.storage.probes``).
It never touches the file itself.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.errors import LoadError, ReadError, SaveError
from untorn.storage import failures
from untorn.storage.access import Access, access_of
from untorn.storage.holders import Holder, holder_of, numbers_of
from untorn.storage.mounts import PSEUDO, Mount, mount_of, mounted_in, mounts
from untorn.storage.names import stem_of
from untorn.storage.orphans import Orphan, orphans_in, orphans_of, remove
from untorn.storage.probes import Probed, probe, rehearse
from untorn.storage.space import Space, space_of
from untorn.storage.syscalls import REAL, Syscalls
from untorn.storage.target import resolve

if TYPE_CHECKING:
    from pathlib import Path

_PROBES = "untorn-doctor"
"""Whose temps probes pose as where no file's would do; the next look at the directory sweeps them."""

_REST = len(f".{32 * 'f'}.{32 * 'f'}.swap") + 32
"""How many bytes the name of a temp has at most behind its stem."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which file a path means, and what it lies on.

    Attributes:
        path: The file itself, links resolved; or the directory that was named.
        file: What is there; ``None``: nothing yet, or a directory was named.
        directory: The directory that the file is in, or the nearest parent that exists.
        folder: Who may do what with that directory.
        missing: The parents that a save would have to make, the outermost first.
        mount: What the directory lies on, where the system tells.
        is_mounted: Whether the file is mounted by itself.
    """

    path: Path
    file: Access | None
    directory: Path
    folder: Access
    missing: tuple[Path, ...]
    mount: Mount | None
    is_mounted: bool

    @property
    def names_directory(self) -> bool:
        """Whether a directory was named, so that all of this is about any file in it."""
        return self.path == self.directory

    @property
    def is_regular(self) -> bool:
        """Whether there is a regular file."""
        return self.file is not None and self.file.kind == "file"

    @property
    def is_the_kernels(self) -> bool:
        """Whether this is one of the kernel's ways to say something."""
        return self.path.parts[:2] == ("/", "proc") or (self.mount is not None and self.mount.kind in PSEUDO)

    @property
    def temp_size(self) -> int:
        """How many bytes the name of a temp of this file has."""
        return len(os.fsencode(stem_of(self.path.name))) + _REST


@dataclass(frozen=True, slots=True)
class Survey:
    """What a save to a path would meet.

    Attributes:
        where: Which file it is.
        space: How much room there is.
        tried: Whether anything was tried.
        probed: What trying told.
        refused: Why a save of the bytes that are there would be refused, if that was tried.
        holder: Who holds the file's lock.
        orphans: What crashed saves left there.
    """

    where: Where
    space: Space
    tried: bool
    probed: Probed
    refused: SaveError | LoadError | None
    holder: Holder
    orphans: tuple[Orphan, ...]


def survey(
    named: str | os.PathLike[str], *, limit: int, probing: bool = True, calls: Syscalls = REAL
) -> Survey:
    """Look at a file, an existing or a future one, or at a directory; and try what can be done there.

    Args:
        named: The file or directory.
        limit: From how many bytes on a file is not loaded.
        probing: Whether to make files of our own there, which are removed again.
        calls: The system calls to use.

    Raises:
        ReadError: It cannot be looked at: its links lead in a circle, a parent is a file.
    """
    path = resolve(named, calls=calls)
    try:
        where = _located(path, calls)
        return _surveyed(where, limit, calls, probing=probing and _may_be_tried(where))
    except OSError as error:
        raise failures.reading(error, path) from error


def _located(path: Path, calls: Syscalls) -> Where:
    found = access_of(path, calls=calls)
    if found is not None and found.is_directory:
        file, directory, folder = None, path, found
    else:
        file, (directory, folder) = found, _nearest(path.parent, calls)
    table = mounts(calls=calls)
    mounted = path.name in mounted_in(directory, table)
    return Where(
        path=path,
        file=file,
        directory=directory,
        folder=folder,
        missing=tuple(each for each in reversed(path.parents) if directory in each.parents),
        mount=mount_of(directory, table),
        is_mounted=file is not None and (mounted or file.flags.mount_root is True),
    )


def _nearest(directory: Path, calls: Syscalls) -> tuple[Path, Access]:
    """Return the directory, or the nearest parent that exists, and who may do what with it."""
    for each in (directory, *directory.parents):
        found = access_of(each, calls=calls)
        if found is not None:
            return each, found
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # pragma: no cover  the root exists


def _may_be_tried(where: Where) -> bool:
    # In an append-only directory, what was made could not be removed again.
    saved_to = where.file is None or where.is_regular
    return saved_to and not where.is_the_kernels and where.folder.flags.append_only is not True


def _surveyed(where: Where, limit: int, calls: Syscalls, *, probing: bool) -> Survey:
    of_file = not where.names_directory and not where.missing
    probed, refused = Probed(), None
    if probing:
        probed = probe(where.directory, where.path.name if of_file else _PROBES, calls=calls)
        _sweep_probes(where.directory, limit, calls)
        if where.is_regular and not where.is_mounted:
            refused = rehearse(where.path, limit=limit, calls=calls)
    return Survey(
        where=where,
        space=space_of(where.directory, calls=calls),
        tried=probing,
        probed=probed,
        refused=refused,
        holder=_holder_of(where, calls),
        orphans=_orphans(where, limit, calls),
    )


def _sweep_probes(directory: Path, limit: int, calls: Syscalls) -> None:
    """Remove what an earlier look left that was killed, where no save would."""
    with suppress(ReadError):
        for each in orphans_of(directory / _PROBES, limit=limit, calls=calls):
            with suppress(SaveError):
                remove(each, calls=calls)


def _holder_of(where: Where, calls: Syscalls) -> Holder:
    """Return who holds the lock: of the file, or of the directory that stands for one that does not exist."""
    if where.names_directory or (where.file is not None and not where.is_regular):
        return Holder(held=None)
    locked, place = (where.file, where.path) if where.file else (where.folder, where.directory)
    device, inode = locked.identity
    return holder_of(place, inode, where.mount.device if where.mount else numbers_of(device), calls=calls)


def _orphans(where: Where, limit: int, calls: Syscalls) -> tuple[Orphan, ...]:
    with suppress(ReadError):  # that the directory cannot be listed is said among the obstacles
        if where.names_directory:
            return tuple(orphans_in(where.directory, limit=limit, calls=calls))
        if not where.missing:
            return tuple(orphans_of(where.path, limit=limit, calls=calls))
    return ()
