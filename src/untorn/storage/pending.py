"""A transaction that was cut off behind its commit point: answered from, and rolled forward (W25).

Its record proves itself, and says that all temps were durable before it. So there
is nothing to decide: a file that still holds what the record calls its base is to
hold what is in its temp. What another program wrote since is kept as it is.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from untorn.errors import LoadError, SaveError
from untorn.records import Snapshot, revision_of
from untorn.storage import failures, flags
from untorn.storage.locking import lock
from untorn.storage.parents import Parents
from untorn.storage.snapshot import RECORD, read, read_to_end, record_beside
from untorn.storage.syscalls import REAL, Syscalls, closed
from untorn.storage.transaction_format import Entry, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from untorn.storage.locking import Held
    from untorn.storage.open_file import Reading

State: TypeAlias = Literal["waiting", "done", "lost", "foreign"]
"""What a file of a transaction is: it still holds its base, with or without its temp; the new; or neither."""

_FILE = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOFOLLOW | flags.O_NOCTTY
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT = 0

# What has the record's name and is none: nothing there, a link, a socket.
_NO_RECORD = (errno.ENOENT, errno.ELOOP, errno.ENXIO)

_TRIES, PAUSE = 20, 0.005
"""How often a load looks for a temp that has just got its file's name."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that is under way, or was cut off.

    Attributes:
        directory: Where its files are.
        entries: Its files.
        owner: Whose files alone it can be about; ``None``: anybody's.
    """

    directory: Path
    entries: tuple[Entry, ...]
    owner: int | None
    calls: Syscalls

    def named(self, name: str) -> Entry | None:
        """Return what it has to do with the file of this name.

        Raises:
            OSError: Nobody can tell whose the file is.
        """
        entry = next((each for each in self.entries if each.name == name), None)
        return entry if entry is not None and self._may(entry) else None

    def _may(self, entry: Entry) -> bool:
        if self.owner is None:
            return True
        try:
            status = self.calls.stat(self.directory / entry.name, follow_symlinks=False)
        except FileNotFoundError:
            return True  # whoever may make files here may make this one
        return status.st_uid == self.owner

    def held_by(self, entry: Entry, *, limit: int | None = None) -> Snapshot:
        """Return what the file holds, whatever it shall hold.

        Raises:
            LoadError: It cannot be read.
        """
        return read(self.directory / entry.name, limit=limit, calls=self.calls)

    def new_bytes(self, entry: Entry) -> bytes | None:
        """Return what is in the temp of a file, if that is all that it should be; else ``None``.

        Raises:
            OSError: It is there, and cannot be read.
        """
        path = self.directory / entry.temp
        try:
            fd = self.calls.open(path, _FILE)
        except FileNotFoundError:
            return None
        try:
            status = self.calls.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                return None  # renamed since it was opened, or none of ours
            data = read_to_end(fd, status.st_size, path, None, self.calls)
        finally:
            closed(fd, self.calls)
        return data if revision_of(data).digest == entry.new else None

    def state_of(self, entry: Entry) -> State:
        """Return what a file of the transaction is by now.

        Raises:
            LoadError, OSError: It, or its temp, cannot be read.
        """
        digest = self.held_by(entry).revision.digest
        if digest == entry.new:
            return "done"
        if digest != entry.base:
            return "foreign"
        return "lost" if self.new_bytes(entry) is None else "waiting"


def pending_in(directory: Path, *, calls: Syscalls = REAL) -> Pending | None:
    """Return the transaction whose record lies in ``directory``, if one does that is believed.

    Raises:
        ReadError: It cannot be read.
    """
    path = directory / RECORD
    try:
        fd = calls.open(path, _FILE)
    except OSError as error:
        if error.errno in _NO_RECORD:
            return None
        raise failures.reading(error, path) from error
    try:
        status = calls.fstat(fd)
        if _is_strange(status, calls):
            return None
        entries = decode(read_to_end(fd, status.st_size, path, None, calls))
        return Pending(directory, entries, _whose(status, calls.stat(directory)), calls)
    except (ValueError, TypeError):
        return None  # not whole, so that it promised nothing
    except OSError as error:
        raise failures.reading(error, path) from error
    finally:
        closed(fd, calls)


def _is_strange(status: os.stat_result, calls: Syscalls) -> bool:
    """Return whether untorn makes no record like this."""
    # On Windows, bits do not tell who may write it: whoever may write in the directory.
    open_to_others = status.st_mode & _OTHERS_WRITE and not calls.locks_apart
    return bool(not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or open_to_others)


def _whose(record: os.stat_result, directory: os.stat_result) -> int | None:
    """Return whose files a record can be about: whoever made it might have replaced these anyway.

    In a directory like /tmp, only its owner may rename over a file (unlink(2), EPERM).
    """
    everybodys = (flags.effective_user(), _ROOT, directory.st_uid)
    return record.st_uid if directory.st_mode & stat.S_ISVTX and record.st_uid not in everybodys else None


# ── Answer ──────────────────────────────────────────────────────────────────


def answer(path: Path, *, limit: int | None = None, calls: Syscalls = REAL) -> Snapshot | None:
    """Return what a file holds of which a transaction says what it shall hold; ``None`` if none does.

    Nothing is written. What another program wrote since is what it holds.

    Raises:
        ReadError: The record, the file or its temp cannot be read.
        LimitError: It has more than ``limit`` bytes.
    """
    snapshot = None
    for _ in range(_TRIES):
        try:
            pending = pending_in(path.parent, calls=calls)
            entry = pending.named(path.name) if pending else None
            if pending is None or entry is None:
                return None
            snapshot = pending.held_by(entry, limit=limit)
            if snapshot.revision.digest != entry.base:
                return snapshot
            data = pending.new_bytes(entry)
        except OSError as error:
            raise error if isinstance(error, LoadError) else failures.reading(error, path) from error
        if data is not None:
            return Snapshot(path, data)
        time.sleep(PAUSE)
    return snapshot  # its temp is gone for good, so that nothing will change it any more


def is_promised(path: Path, *, calls: Syscalls = REAL) -> bool:
    """Return whether a transaction that was cut off has still something to do with this file.

    To be asked under the file's lock: then no transaction that lives has.

    Raises:
        WriteError: Nobody can tell.
    """
    try:
        if not record_beside(path, calls=calls):
            return False
        pending = pending_in(path.parent, calls=calls)
        return pending is not None and pending.named(path.name) is not None
    except OSError as error:
        raise failures.writing(error, path, "looking for an unfinished transaction failed") from error


# ── Finish ──────────────────────────────────────────────────────────────────


@contextmanager
def lock_all(
    files: Mapping[Path, Reading | None], *, timeout: float, held: Held, calls: Syscalls = REAL
) -> Iterator[dict[Path, Held]]:
    """Hold the locks of several files of one directory, of which the caller has locked the record.

    That alone keeps two from waiting for each other: only who has it waits for
    one file's lock while it has another's.

    Raises:
        SaveError: As ``lock``.
    """
    with ExitStack() as stack:
        locks: dict[Path, Held] = {}
        mine = {held.identity}
        for path in sorted(files):
            locks[path] = stack.enter_context(
                lock(path, timeout=timeout, file=files[path], mine=mine, calls=calls)
            )
            mine.add(locks[path].identity)
        yield locks


def settle(directory: Path, *, timeout: float = 10.0, calls: Syscalls = REAL) -> dict[str, State] | None:
    """Finish the transaction that was cut off in ``directory``, if one was; wait for one that is under way.

    What is no whole record, but ours, promised nothing, and is removed.

    Returns:
        What each of its files was before, or ``None`` if nothing was to be done.

    Raises:
        LockTimeoutError: Its record, or one of its files, was locked all the time.
        WriteError: It could not be finished; it is as it was, and loads go on to answer for it.
    """
    try:
        with lock(directory / RECORD, timeout=timeout, calls=calls) as held:
            if not held.is_file:
                return None
            pending = pending_in(directory, calls=calls)
            if pending is None:
                return _removed(directory / RECORD, held.fd, calls)
            files = dict.fromkeys(directory / each.name for each in pending.entries)
            with lock_all(files, timeout=timeout, held=held, calls=calls):
                return _finished(pending, calls)
    except OSError as error:
        if isinstance(error, SaveError):
            raise
        doing = "finishing a transaction that was cut off failed"
        raise failures.writing(error, directory / RECORD, doing) from error


def _removed(record: Path, fd: int, calls: Syscalls) -> dict[str, State] | None:
    """Remove what a crash left of a record that is not whole; ``None`` where it may be somebody else's."""
    status = calls.fstat(fd)
    if _is_strange(status, calls) or status.st_uid != flags.effective_user():
        return None
    calls.unlink(record)
    return {}


def _finished(pending: Pending, calls: Syscalls) -> dict[str, State]:
    """Give each file that still waits its new bytes; then remove the record. Call it under all locks."""
    parents = Parents(pending.directory, calls)
    try:
        place = parents.hold()
        found: dict[str, State] = {}
        for entry in pending.entries:
            state: State = pending.state_of(entry) if pending.named(entry.name) else "foreign"
            if state == "waiting":
                state = _renamed(entry, place, calls)
            found[entry.name] = state
        parents.sync(new=False)
        calls.unlink(RECORD, dir_fd=place)
    finally:
        parents.close(keep_created=True)
    return found


def _renamed(entry: Entry, place: int, calls: Syscalls) -> State:
    rename = calls.rename_new if entry.base is None else calls.rename
    try:
        rename(entry.temp, entry.name, src_dir_fd=place, dst_dir_fd=place)
    except FileExistsError:
        return "foreign"
    return "waiting"
