"""What ``untorn recover`` finds in a journal directory, and can do about it."""

from __future__ import annotations

import errno
import os
import re
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from untorn.records import Revision, revision_of
from untorn.storage import failures, flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.journal import (
    READ,
    WRITE,
    JournalDirectory,
    OpenFile,
    UnusableJournalError,
    doubt_of,
    failed,
    identified,
    recover_hint,
    replay_hot,
)
from untorn.storage.journal_format import NAME, Journal, State, decode, path_text
from untorn.storage.locking import Held, lock
from untorn.storage.open_file import reading
from untorn.storage.snapshot import read_to_end
from untorn.storage.syscalls import REAL, Syscalls, closed

if TYPE_CHECKING:
    from pathlib import Path

_COPY = re.compile(rf"\.({NAME.pattern})\.[0-9a-f]{{32}}\.[0-9a-f]{{32}}\.tmp")


@dataclass(frozen=True, slots=True)
class FoundJournal:
    """A journal, or the beginning of one, that lies in a journal directory for a file.

    Attributes:
        path: Where it lies.
        kind: ``"hot"``: loads answer from it, and the next save replays it.
            ``"stale"``: of a file that had this path, and is another one by now.
            ``"copy"``: never put into its place, so that it promised nothing.
        doubt: Why it is not believed, or an empty string.
        live: Whether the save that makes it is under way.
        journal: What it holds; ``None`` if it is not complete.
        state: What the file holds beside it; ``None`` where that means nothing.
    """

    path: Path
    kind: Literal["hot", "stale", "copy"]
    doubt: str
    live: bool
    journal: Journal | None
    state: State | None

    @property
    def base(self) -> Revision | None:
        """What identifies the bytes that the save replaced."""
        return revision_of(self.journal.base) if self.journal else None

    @property
    def new(self) -> Revision | None:
        """What identifies the bytes that the save would have left."""
        return revision_of(self.journal.new) if self.journal else None


def journals_of(path: Path, directory: Path, *, calls: Syscalls = REAL) -> list[FoundJournal]:
    """Return what lies in ``directory`` for the file at ``path``, by name.

    Raises:
        ReadError: The file or the directory cannot be read.
    """
    try:
        with JournalDirectory(directory, calls) as place, reading(path, calls=calls) as there:
            file = identified(path, there.fd, calls) if there.fd >= 0 else None
            look = _Look(path, file, there.snapshot.data, place, calls)
            found = [look.at(name) for name in sorted(calls.listdir(place.fd))]
            return [each for each in found if each is not None]
    except UnusableJournalError as error:
        raise error.reading(path) from error
    except OSError as error:
        raise failures.reading(error, path) from error


@dataclass(frozen=True, slots=True)
class _Look:
    """Judges what lies in a journal directory, for one file."""

    path: Path
    file: OpenFile | None
    data: bytes | None
    place: JournalDirectory
    calls: Syscalls

    def at(self, name: str) -> FoundJournal | None:
        """Return what this is for the file; ``None`` if it is nothing, or another's."""
        own = self.file.identity.journal_name if self.file else ""
        copy = _COPY.fullmatch(name)
        if not copy and not NAME.fullmatch(name):
            return None
        doubt, live, journal = self._content(name)
        this_inode = own == (copy[1] if copy else name)
        if not this_inode and (journal is None or journal.path != path_text(self.path)):
            return None
        state = journal.state_of(self.data) if this_inode and journal and self.data is not None else None
        kind: Literal["hot", "stale", "copy"] = "copy" if copy else "hot" if this_inode else "stale"
        return FoundJournal(self.place.path / name, kind, doubt, live, journal, state)

    def _content(self, name: str) -> tuple[str, bool, Journal | None]:
        try:
            fd = opened(partial(self.calls.open, name, READ, dir_fd=self.place.fd))
        except OSError as error:
            return f"it cannot be opened: {error.strerror}", False, None
        try:
            status = self.calls.fstat(fd)
            doubt = doubt_of(status, self.file.status if self.file else status)
            live = self._is_locked(fd)
            return doubt, live, decode(read_to_end(fd, status.st_size, self.path, None, self.calls))
        except (OSError, ValueError) as error:
            return str(error), False, None
        finally:
            drop(fd, self.calls)

    def _is_locked(self, fd: int) -> bool:
        try:
            self.calls.flock(fd, flags.LOCK_SH | flags.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def replay(  # noqa: PLR0913  all keyword-only
    path: Path,
    directory: Path,
    *,
    timeout: float = 10.0,
    held: Held | None = None,
    over_foreign: bool = False,
    calls: Syscalls = REAL,
) -> bool:
    """Finish the in-place save of ``path`` that was cut off, if one was; return whether one was.

    Args:
        path: The file, links resolved.
        directory: Where its journal would be.
        timeout: Seconds to wait for the file's lock.
        held: The lock, if the caller holds it.
        over_foreign: Whether to overwrite what another program wrote since.
        calls: The system calls to use.

    Raises:
        ConflictError: Another program wrote the file since.
        WriteError, LockTimeoutError: The file and its journal are as they were,
            or the file is torn and the journal hot, as before.
    """
    try:
        with JournalDirectory(directory, calls) as place:
            if not _is_hot(path, place, calls):
                return False
            with nullcontext(held) if held else lock(path, timeout=timeout, calls=calls):
                fd = calls.open(path, WRITE)
                try:
                    file = identified(path, fd, calls)
                    return replay_hot(file, place, over_foreign=over_foreign, calls=calls)
                finally:
                    closed(fd, calls)
    except (UnusableJournalError, OSError) as error:
        raise failed(error, path, directory, "finishing a save that was cut off failed") from error


def _is_hot(path: Path, place: JournalDirectory, calls: Syscalls) -> bool:
    try:
        fd = calls.open(path, READ)
    except FileNotFoundError:
        return False
    try:
        return place.hot(identified(path, fd, calls)) is not None
    finally:
        closed(fd, calls)


def discard(
    found: FoundJournal, path: Path, *, timeout: float = 10.0, force: bool = False, calls: Syscalls = REAL
) -> None:
    """Remove what was found for the file at ``path``.

    Args:
        found: What shall go.
        path: The file, links resolved.
        timeout: Seconds to wait for the file's lock.
        force: Whether also where the file may be torn, and this is what would mend it.
        calls: The system calls to use.

    Raises:
        WriteError, LockTimeoutError: It stays.
    """
    directory = found.path.parent
    try:
        with lock(path, timeout=timeout, calls=calls):
            # Under the lock: it may have been replayed, or its save have ended, meanwhile.
            now = next(
                (each for each in journals_of(path, directory, calls=calls) if each.path == found.path), None
            )
            if now is None:
                return
            if now.live:
                raise failures.refusal("its save is under way", errno.EBUSY, found.path, "wait for it")
            if now.kind == "hot" and now.state not in ("base", "new", "foreign") and not force:
                raise failures.refusal(
                    "the file may be torn, and this would mend it",
                    errno.EBUSY,
                    found.path,
                    recover_hint(path, directory),
                )
            with JournalDirectory(directory, calls) as place:
                calls.unlink(now.path.name, dir_fd=place.fd)
                place.sync()
    except (UnusableJournalError, OSError) as error:
        raise failed(error, path, directory, f"{os.fspath(found.path)} could not be removed") from error
