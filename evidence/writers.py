"""Ways to replace a file: good ones, and bad ones as they are found in the wild.

Each takes the path, the new bytes and the table of system calls, and returns when
it holds the save for durable. Those that are known to be bad say in one sentence
what is wrong, and by which criterion they must be caught: a model that passes one
of them is worthless.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from evidence.writing import (
    ANEW,
    NEW,
    like_the_old,
    make_parents,
    opened,
    removed_on_failure,
    replace,
    sync,
    temp_of,
    write_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.storage import Syscalls

    Write: TypeAlias = "Callable[[Path, bytes, Syscalls], None]"


@dataclass(frozen=True, slots=True)
class Writer:
    """A way to replace a file.

    Attributes:
        name: What it is called in the table.
        write: The way itself.
        caught_by: The criteria of which one at least must catch it; none for a good one.
        makes_parents: Whether it can save where the directory is missing.
    """

    name: str
    write: Write
    caught_by: tuple[str, ...] = ()
    makes_parents: bool = False


WRITERS: list[Writer] = []
"""All of them, the good ones first."""


def good(write: Write) -> Write:
    """Add a writer that must survive."""
    WRITERS.append(Writer(write.__name__.replace("_", " "), write, makes_parents=True))
    return write


def bad(*caught_by: str, makes_parents: bool = False) -> Callable[[Write], Write]:
    """Add a writer that must be caught by one of these criteria."""

    def add(write: Write) -> Write:
        WRITERS.append(Writer(write.__name__.replace("_", " "), write, caught_by, makes_parents))
        return write

    return add


# ── Good ones ───────────────────────────────────────────────────────────────


@good
def careful(path: Path, data: bytes, calls: Syscalls) -> None:
    """Do all of it, in order."""
    made = make_parents(path, calls)
    replace(path, data, calls)
    for each in (path.parent, *(each.parent for each in reversed(made))):
        sync(each, calls)


@good
def careful_with_a_backup(path: Path, data: bytes, calls: Syscalls) -> None:
    """Do all of it, and keep the old bytes under another name."""
    for made in make_parents(path, calls):
        sync(made.parent, calls)
    if path.exists():
        replace(path.with_name(f"{path.name}.bak"), path.read_bytes(), calls, like=path)
    replace(path, data, calls)
    sync(path.parent, calls)


# ── Bad ones: syncs ─────────────────────────────────────────────────────────


@bad("torn")
def without_a_sync_of_the_file(path: Path, data: bytes, calls: Syscalls) -> None:
    """Rename what may not be on the disk."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("undone")
def without_a_sync_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    """Return before the new name is on the disk."""
    replace(path, data, calls)


@bad("undone")
def syncs_the_directory_above(path: Path, data: bytes, calls: Syscalls) -> None:
    """Sync a directory that nothing happened in."""
    replace(path, data, calls)
    sync(path.parent.parent, calls)


@bad("undone")
def syncs_the_directory_before_the_rename(path: Path, data: bytes, calls: Syscalls) -> None:
    """Sync the directory when there is nothing to sync yet."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    sync(path.parent, calls)
    calls.rename(temp, path)


@bad("undone")
def syncs_the_file_again_instead_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    """Take the sync of a file for that of its name."""
    replace(path, data, calls)
    sync(path, calls, os.O_RDWR)


@bad("torn")
def renames_before_it_syncs(path: Path, data: bytes, calls: Syscalls) -> None:
    """Sync the file when its name may be on the disk already."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.rename(temp, path)
        calls.fsync(fd)
    sync(path.parent, calls)


@bad("torn")
def syncs_before_the_last_write(path: Path, data: bytes, calls: Syscalls) -> None:
    """Add the final newline behind the sync."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        like_the_old(fd, path, calls)
        write_all(fd, data[:-1], calls)
        calls.fsync(fd)
        write_all(fd, data[-1:], calls)  # the final newline
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn")
def syncs_another_file(path: Path, data: bytes, calls: Syscalls) -> None:
    """Sync what the name leads to: the old file."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
    if path.exists():
        sync(path, calls, os.O_RDONLY)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn after a failing sync of the file")
def swallows_the_error_of_a_sync(path: Path, data: bytes, calls: Syscalls) -> None:
    """Go on as if the sync had not failed."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        with suppress(OSError):
            calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn after a failing sync of the file")
def tries_a_failed_sync_again(path: Path, data: bytes, calls: Syscalls) -> None:
    """Believe the second sync, which finds nothing to write."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        try:
            calls.fsync(fd)
        except OSError:
            calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("undone after a failing sync of the directory")
def swallows_the_error_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    """Report a durable save although the directory was not synced."""
    replace(path, data, calls)
    with suppress(OSError):
        sync(path.parent, calls)


@bad("undone after a failing sync of the directory")
def tries_the_failed_directory_again(path: Path, data: bytes, calls: Syscalls) -> None:
    """Believe the second sync of the directory."""
    replace(path, data, calls)
    try:
        sync(path.parent, calls)
    except OSError:
        sync(path.parent, calls)


@bad("undone", makes_parents=True)
def forgets_the_parents_it_made(path: Path, data: bytes, calls: Syscalls) -> None:
    """Make directories whose names nobody syncs."""
    make_parents(path, calls)
    replace(path, data, calls)
    sync(path.parent, calls)


@bad("undone", makes_parents=True)
def syncs_the_parents_but_not_in_theirs(path: Path, data: bytes, calls: Syscalls) -> None:
    """Sync the new directories, but not the one that the first is named in."""
    made = make_parents(path, calls)
    replace(path, data, calls)
    for each in {path.parent, *made}:
        sync(each, calls)


# ── Bad ones: names ─────────────────────────────────────────────────────────


@bad("missing")
def removes_the_old_one_first(path: Path, data: bytes, calls: Syscalls) -> None:
    """Open a window in which there is no file."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    with suppress(FileNotFoundError):
        calls.unlink(path)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("missing")
def moves_the_old_one_away_first(path: Path, data: bytes, calls: Syscalls) -> None:
    """Open that window, with a backup."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    with suppress(FileNotFoundError):
        calls.rename(path, path.with_name(f"{path.name}.bak"))
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn beside a second writer", "fails beside a second writer")
def uses_one_name_for_all_temps(path: Path, data: bytes, calls: Syscalls) -> None:
    """Write into the file that another writer is about to rename."""
    temp = path.with_name(f"{path.name}.tmp")
    with opened(temp, ANEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("blocked")
def blocks_itself_with_what_a_crash_left(path: Path, data: bytes, calls: Syscalls) -> None:
    """Take one name for all temps, and refuse if it is taken."""
    temp = path.with_name(f"{path.name}.part")
    with removed_on_failure(temp, calls), opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


# ── Bad ones: bytes ─────────────────────────────────────────────────────────


@bad("torn with short writes")
def believes_that_one_write_is_all(path: Path, data: bytes, calls: Syscalls) -> None:
    """Ignore how much write(2) took."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        calls.write(fd, data)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn on a full disk")
def commits_although_the_body_raised(path: Path, data: bytes, calls: Syscalls) -> None:
    """Rename in a ``finally``."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        try:
            write_all(fd, data, calls)
        finally:
            like_the_old(fd, path, calls)
            calls.fsync(fd)
            calls.rename(temp, path)
    sync(path.parent, calls)


@bad("torn")
def truncates_and_writes(path: Path, data: bytes, calls: Syscalls) -> None:
    """Empty the file, then fill it."""
    with opened(path, ANEW, calls, 0o644) as fd:
        write_all(fd, data, calls)
        calls.fsync(fd)
    sync(path.parent, calls)


@bad("torn")
def writes_over_the_old_bytes(path: Path, data: bytes, calls: Syscalls) -> None:
    """Overwrite, then cut off."""
    with opened(path, os.O_RDWR | os.O_CREAT, calls, 0o644) as fd:
        write_all(fd, data, calls)
        calls.ftruncate(fd, len(data))
        calls.fsync(fd)
    sync(path.parent, calls)


@bad("torn")
def copies_from_another_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    """Write the temp elsewhere, then copy it over the file."""
    elsewhere = path.parent / f"elsewhere-{os.urandom(8).hex()}"
    calls.mkdir(elsewhere)
    temp = elsewhere / path.name
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        calls.fsync(fd)
    truncates_and_writes(path, temp.read_bytes(), calls)  # a rename would be EXDEV
    calls.unlink(temp)
    calls.rmdir(elsewhere)


@bad("torn")
def writes_in_place_beside_a_backup(path: Path, data: bytes, calls: Syscalls) -> None:
    """Keep a good copy that no reader looks at."""
    if path.exists():
        backup = path.with_name(f"{path.name}.bak")
        replace(backup, path.read_bytes(), calls, like=path)
        sync(path.parent, calls)
    truncates_and_writes(path, data, calls)


# ── Bad ones: rights ────────────────────────────────────────────────────────


@bad("metadata")
def sets_the_mode_after_the_sync(path: Path, data: bytes, calls: Syscalls) -> None:
    """Put the metadata on when the sync is over."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        calls.fsync(fd)
        like_the_old(fd, path, calls)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("metadata")
def forgets_mode_and_attributes(path: Path, data: bytes, calls: Syscalls) -> None:
    """Leave the new file as the temp was made."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("wider")
def lets_everybody_read_the_new_file(path: Path, data: bytes, calls: Syscalls) -> None:
    """Grant more than the old file did."""
    temp = temp_of(path)
    with opened(temp, NEW, calls) as fd:
        write_all(fd, data, calls)
        calls.fchmod(fd, 0o666)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)


@bad("wider")
def lets_everybody_read_the_temp_for_a_while(path: Path, data: bytes, calls: Syscalls) -> None:
    """Write first, and protect then."""
    temp = temp_of(path)
    with opened(temp, NEW, calls, 0o644) as fd:
        write_all(fd, data, calls)
        like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    sync(path.parent, calls)
