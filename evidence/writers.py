"""Ways to replace a file: good ones, and bad ones as they are found in the wild.

Each takes the path, the new bytes and the table of system calls, and returns when
it holds the save for durable. Those that are known to be bad say in one sentence
what is wrong, and by which criterion they must be caught: a model that passes one
of them is worthless.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from untorn.storage import Syscalls

    Write: TypeAlias = "Callable[[Path, bytes, Syscalls], None]"

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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


# ── What they are made of ───────────────────────────────────────────────────


def _temp_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")


@contextmanager
def _open(path: Path, flags: int, calls: Syscalls, mode: int = 0o600) -> Iterator[int]:
    fd = calls.open(path, flags, mode)
    try:
        yield fd
    finally:
        with suppress(OSError):
            calls.close(fd)


@contextmanager
def _removed_on_failure(temp: Path, calls: Syscalls) -> Iterator[None]:
    try:
        yield
    except OSError:
        with suppress(OSError):
            calls.unlink(temp)
        raise


def _write_all(fd: int, data: bytes, calls: Syscalls) -> None:
    while data:
        data = data[calls.write(fd, data) :]


def _like_the_old(fd: int, path: Path, calls: Syscalls) -> None:
    """Give a new file what the old one has: owner, mode, attributes."""
    try:
        status = calls.stat(path)
    except FileNotFoundError:
        calls.fchmod(fd, 0o644)
        return
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        calls.fchown(fd, status.st_uid, status.st_gid)
    calls.fchmod(fd, status.st_mode & 0o7777)
    for name in calls.listxattr(path):
        calls.setxattr(fd, name, calls.getxattr(path, name))


def _sync(path: Path, calls: Syscalls, flags: int = _DIRECTORY) -> None:
    with _open(path, flags, calls) as fd:
        calls.fsync(fd)


def _make_parents(path: Path, calls: Syscalls) -> list[Path]:
    """Make what is missing above ``path``; return it, the outermost first."""
    missing = [each for each in path.parents if not each.exists()][::-1]
    for each in missing:
        calls.mkdir(each)
    return missing


def _replace(path: Path, data: bytes, calls: Syscalls, *, like: Path | None = None) -> None:
    """Do all but the sync of the directory."""
    temp = _temp_of(path)
    with _removed_on_failure(temp, calls):
        with _open(temp, _NEW, calls) as fd:
            _write_all(fd, data, calls)
            _like_the_old(fd, like or path, calls)
            calls.fsync(fd)
        calls.rename(temp, path)


# ── Good ones ───────────────────────────────────────────────────────────────


@good
def careful(path: Path, data: bytes, calls: Syscalls) -> None:
    made = _make_parents(path, calls)
    _replace(path, data, calls)
    for each in (path.parent, *(each.parent for each in reversed(made))):
        _sync(each, calls)


@good
def careful_with_a_backup(path: Path, data: bytes, calls: Syscalls) -> None:
    for made in _make_parents(path, calls):
        _sync(made.parent, calls)
    if path.exists():
        _replace(path.with_name(f"{path.name}.bak"), path.read_bytes(), calls, like=path)
    _replace(path, data, calls)
    _sync(path.parent, calls)


# ── Bad ones: syncs ─────────────────────────────────────────────────────────


@bad("torn")
def without_a_sync_of_the_file(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("undone")
def without_a_sync_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    _replace(path, data, calls)


@bad("undone")
def syncs_the_directory_above(path: Path, data: bytes, calls: Syscalls) -> None:
    _replace(path, data, calls)
    _sync(path.parent.parent, calls)


@bad("undone")
def syncs_the_directory_before_the_rename(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    _sync(path.parent, calls)
    calls.rename(temp, path)


@bad("undone")
def syncs_the_file_again_instead_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    _replace(path, data, calls)
    _sync(path, calls, os.O_RDWR)


@bad("torn")
def renames_before_it_syncs(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.rename(temp, path)
        calls.fsync(fd)
    _sync(path.parent, calls)


@bad("torn")
def syncs_before_the_last_write(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _like_the_old(fd, path, calls)
        _write_all(fd, data[:-1], calls)
        calls.fsync(fd)
        _write_all(fd, data[-1:], calls)  # the final newline
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn")
def syncs_another_file(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
    if path.exists():
        _sync(path, calls, os.O_RDONLY)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn after a failing sync of the file")
def swallows_the_error_of_a_sync(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        with suppress(OSError):
            calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn after a failing sync of the file")
def tries_a_failed_sync_again(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        try:
            calls.fsync(fd)
        except OSError:
            calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("undone after a failing sync of the directory")
def swallows_the_error_of_the_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    _replace(path, data, calls)
    with suppress(OSError):
        _sync(path.parent, calls)


@bad("undone after a failing sync of the directory")
def tries_the_failed_directory_again(path: Path, data: bytes, calls: Syscalls) -> None:
    _replace(path, data, calls)
    try:
        _sync(path.parent, calls)
    except OSError:
        _sync(path.parent, calls)


@bad("undone", makes_parents=True)
def forgets_the_parents_it_made(path: Path, data: bytes, calls: Syscalls) -> None:
    _make_parents(path, calls)
    _replace(path, data, calls)
    _sync(path.parent, calls)


@bad("undone", makes_parents=True)
def syncs_the_parents_but_not_in_theirs(path: Path, data: bytes, calls: Syscalls) -> None:
    made = _make_parents(path, calls)
    _replace(path, data, calls)
    for each in {path.parent, *made}:
        _sync(each, calls)


# ── Bad ones: names ─────────────────────────────────────────────────────────


@bad("missing")
def removes_the_old_one_first(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    with suppress(FileNotFoundError):
        calls.unlink(path)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("missing")
def moves_the_old_one_away_first(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    with suppress(FileNotFoundError):
        calls.rename(path, path.with_name(f"{path.name}.bak"))
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn beside a second writer", "fails beside a second writer")
def uses_one_name_for_all_temps(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = path.with_name(f"{path.name}.tmp")
    with _open(temp, _ANEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("blocked")
def blocks_itself_with_what_a_crash_left(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = path.with_name(f"{path.name}.part")
    with _removed_on_failure(temp, calls), _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


# ── Bad ones: bytes ─────────────────────────────────────────────────────────


@bad("torn with short writes")
def believes_that_one_write_is_all(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        calls.write(fd, data)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn on a full disk")
def commits_although_the_body_raised(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        try:
            _write_all(fd, data, calls)
        finally:
            _like_the_old(fd, path, calls)
            calls.fsync(fd)
            calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("torn")
def truncates_and_writes(path: Path, data: bytes, calls: Syscalls) -> None:
    with _open(path, _ANEW, calls, 0o644) as fd:
        _write_all(fd, data, calls)
        calls.fsync(fd)
    _sync(path.parent, calls)


@bad("torn")
def writes_over_the_old_bytes(path: Path, data: bytes, calls: Syscalls) -> None:
    with _open(path, os.O_RDWR | os.O_CREAT, calls, 0o644) as fd:
        _write_all(fd, data, calls)
        calls.ftruncate(fd, len(data))
        calls.fsync(fd)
    _sync(path.parent, calls)


@bad("torn")
def copies_from_another_directory(path: Path, data: bytes, calls: Syscalls) -> None:
    elsewhere = path.parent / f"elsewhere-{os.urandom(8).hex()}"
    calls.mkdir(elsewhere)
    temp = elsewhere / path.name
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        calls.fsync(fd)
    truncates_and_writes(path, temp.read_bytes(), calls)  # a rename would be EXDEV
    calls.unlink(temp)
    calls.rmdir(elsewhere)


@bad("torn")
def writes_in_place_beside_a_backup(path: Path, data: bytes, calls: Syscalls) -> None:
    if path.exists():
        backup = path.with_name(f"{path.name}.bak")
        _replace(backup, path.read_bytes(), calls, like=path)
        _sync(path.parent, calls)
    truncates_and_writes(path, data, calls)


# ── Bad ones: rights ────────────────────────────────────────────────────────


@bad("metadata")
def sets_the_mode_after_the_sync(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        calls.fsync(fd)
        _like_the_old(fd, path, calls)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("metadata")
def forgets_mode_and_attributes(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("wider")
def lets_everybody_read_the_new_file(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls) as fd:
        _write_all(fd, data, calls)
        calls.fchmod(fd, 0o666)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)


@bad("wider")
def lets_everybody_read_the_temp_for_a_while(path: Path, data: bytes, calls: Syscalls) -> None:
    temp = _temp_of(path)
    with _open(temp, _NEW, calls, 0o644) as fd:
        _write_all(fd, data, calls)
        _like_the_old(fd, path, calls)
        calls.fsync(fd)
    calls.rename(temp, path)
    _sync(path.parent, calls)
