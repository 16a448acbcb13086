"""Why a save would be refused, and what to do about it."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.errors import WriteError
from untorn.storage import flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.storage.access import Access
    from untorn.storage.capabilities import Survey, Where


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a save would be refused.

    Attributes:
        key: Which, in a word that never changes.
        reason: What is so.
        remedy: What to do.
    """

    key: str
    reason: str
    remedy: str


def obstacles_to(survey: Survey) -> list[Obstacle]:
    """Return every reason that can be told, what refuses more first; empty where a save would be taken."""
    where = survey.where
    found = [
        *_of_kind(where),
        *_of_mount(survey),
        *_of_flags(where.file, "file"),
        *_of_flags(where.folder, "directory"),
        *_of_file(where),
        *_of_permission(where),
        *_of_room(survey),
    ]
    return found or [*_of_trying(survey)]


def obstacles_in_place(survey: Survey, journals: Survey) -> list[Obstacle]:
    """Return the same for a save that overwrites the file, with its journal in another directory."""
    where = survey.where
    found = [*_of_kind(where), *_of_read_only(survey), *_of_flags(where.file, "file"), *_of_file(where)]
    if not journals.where.names_directory:
        remedy = f"make it, where it persists: mkdir {journals.where.path}"
        return [*found, Obstacle("journals", f"{journals.where.path} is no directory", remedy)]
    return found + [
        Obstacle("journals", f"journals: {each.reason}", each.remedy) for each in obstacles_to(journals)
    ]


def _of_kind(where: Where) -> Iterator[Obstacle]:
    if where.is_the_kernels:
        yield Obstacle(
            "kernel", "this is a name of the kernel's, not a file", "name a file on a disk: links count"
        )
    elif where.file is not None and not where.is_regular:
        yield Obstacle(
            "kind",
            f"it is a {where.file.kind}, and only regular files are replaced",
            "name a regular file, or a link to one",
        )


def _of_mount(survey: Survey) -> Iterator[Obstacle]:
    where = survey.where
    if where.is_mounted:
        yield Obstacle(
            "mounted",
            "it is a single file that is mounted by itself (as into a container), which cannot be replaced",
            f"mount the directory that it is in, instead of the file, at {where.directory}",
        )
    yield from _of_read_only(survey)


def _of_read_only(survey: Survey) -> Iterator[Obstacle]:
    if survey.space.read_only:
        yield Obstacle(
            "read-only-mount",
            "the file system is mounted read-only",
            "mount it writable (mount -o remount,rw), or keep the file elsewhere",
        )


def _of_flags(thing: Access | None, name: str) -> Iterator[Obstacle]:
    if thing is not None and thing.flags.immutable:
        yield Obstacle("immutable", f"the {name} is immutable", f"chattr -i the {name}, as root")
    elif thing is not None and thing.flags.append_only:
        yield Obstacle("append-only", f"the {name} is append-only", f"chattr -a the {name}, as root")


def _of_file(where: Where) -> Iterator[Obstacle]:
    file = where.file
    if file is None or not where.is_regular:
        return
    if not file.readable:
        yield Obstacle("unreadable", "you may not read it, and a save compares first", _ask(file))
    if not file.writable and not (file.owner == flags.effective_user() and file.mode & stat.S_IWUSR):
        yield Obstacle(
            "read-only", "the file is read-only for you", "make it writable, or say force=True in a program"
        )


def _of_permission(where: Where) -> Iterator[Obstacle]:
    file, folder = where.file, where.folder
    if not folder.writable:
        yield Obstacle(
            "directory",
            f"you may not write to the directory {where.directory}, where a save makes its temporary file",
            f"get write permission there, not only for the file; {_ask(folder)}",
        )
    elif file is not None and folder.is_sticky and not (file.ours or folder.ours):
        yield Obstacle(
            "sticky",
            f"in the sticky directory {where.directory}, only its owner may replace another user's file",
            f"save as user {file.owner}, or keep the file in a directory of its own",
        )


def _ask(thing: Access) -> str:
    return f"user {thing.owner} can give it"


def _of_room(survey: Survey) -> Iterator[Obstacle]:
    space, size = survey.space, survey.where.temp_size
    if not survey.where.names_directory and size > space.name_max:
        yield Obstacle(
            "name",
            f"a temporary file's name needs {size} bytes here, and this file system takes {space.name_max}",
            "give the file a shorter name",
        )
    full = space.total and not space.available
    if full or (space.inodes and not space.inodes_available):
        yield Obstacle(
            "full",
            f"the file system has no {'space' if full else 'inodes'} left",
            "remove what is not needed",
        )


def _of_trying(survey: Survey) -> Iterator[Obstacle]:
    """Yield what only trying told."""
    if survey.probed.makes_files is False:
        yield Obstacle(
            "directory",
            f"no file can be made in {survey.where.directory}: {survey.probed.refused}",
            "find out what forbids it: a security module, a quota, the server",
        )
    elif survey.probed.locks is False:
        yield Obstacle(
            "locks",
            "files cannot be locked here, and no save goes on without the lock",
            "mount the file system with locks (for NFS: without nolock), or keep the file elsewhere",
        )
    elif survey.refused is not None:
        error = survey.refused
        reason = error.reason.removeprefix("not saved, the file is as it was: ")
        key = "metadata" if isinstance(error, WriteError) else "unreadable"
        yield Obstacle(key, reason, error.hint)
