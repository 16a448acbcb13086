"""Several files of one directory, replaced as one (WRITER W25).

::

    prepare   write all temps ─ fsync each ─ write the record, fsync ─ fsync(directory)   (no lock)
    compare   lock the record's name, then each file ─ is each still its snapshot?
    publish   rename the record to its name ─ fsync(directory)                 the commit point
              rename all temps ─ fsync(directory) ─ unlink the record          (locks held)

Behind the first sync of the directory every temp has a name that a power cut
leaves. So a record that is there is a promise that can be kept, whatever happens
then: ``untorn.storage.pending`` keeps it.
"""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from untorn.errors import SaveError
from untorn.storage import failures, flags, owed
from untorn.storage.atomic import Prepared, WriteOptions
from untorn.storage.commit import Published
from untorn.storage.locking import Held, lock
from untorn.storage.metadata import put_new
from untorn.storage.pending import lock_all, pending_in
from untorn.storage.snapshot import RECORD
from untorn.storage.sweeps import Visit, forget, sweep_if_due
from untorn.storage.syscalls import REAL, Syscalls
from untorn.storage.temp import Temp
from untorn.storage.transaction_format import Entry, encode
from untorn.storage.unfinished import finish

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from untorn.records import Snapshot
    from untorn.storage.open_file import Reading
    from untorn.storage.parents import Parents

_READ_BY_ALL = 0o644
"""Who may read a file may read what becomes of it; the names and digests are in the directory anyway."""


@dataclass(frozen=True, slots=True)
class Locks:
    """All the locks of a transaction: the record's name, and each of its files."""

    record: Held
    files: dict[Path, Held]


@contextmanager
def locked_together(
    files: Mapping[Path, Reading | None], *, timeout: float = 10.0, calls: Syscalls = REAL
) -> Iterator[Locks]:
    """Hold the locks of several files of one directory, and of the record that a transaction makes there.

    Args:
        files: Each as it was read, if it still is open; see ``lock``.
        timeout: Seconds to wait for each.
        calls: The system calls to use.

    Raises:
        LockTimeoutError: Somebody else held one of them all the time.
        SaveError: This thread holds one of them already.
        WriteError: A file or the directory cannot be opened.
    """
    with (
        lock(next(iter(files)).parent / RECORD, timeout=timeout, calls=calls) as record,
        lock_all(files, timeout=timeout, held=record, calls=calls) as locks,
    ):
        yield Locks(record, locks)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a batch.

    Attributes:
        snapshot: What the new content was made for.
        data: The new content, complete.
        options: How to write it.
        file: Where the snapshot came from; its metadata is taken over.
    """

    snapshot: Snapshot
    data: bytes
    options: WriteOptions
    file: Reading


class _Prepared(Prepared):
    """One file of a batch: the same steps, but synced with the others, and committed by the record.

    The first part opens the directory for all of them, and is the last to leave it.
    """

    def __init__(self, part: Part, batch: Batch, calls: Syscalls) -> None:
        super().__init__(part.snapshot, part.data, part.options, part.file.status, calls)
        self._batch = batch
        if batch.parts:
            self._parents = batch.parts[0].parents

    def _enter_directory(self) -> int:
        return super()._enter_directory() if self is self._batch.parts[0] else self._parents.fd

    def _leave_directory(self, *, committed: bool) -> None:
        if self is self._batch.parts[0]:
            super()._leave_directory(committed=committed)

    def _sync(self) -> None:
        """Only begin: the disk is faster if it knows of all files before it is asked for one."""
        with suppress(OSError):  # not on this system, and promised nothing anyway
            self._calls.write_back(self._temp.fd)

    def _claimed(self, held: Held) -> bool:
        # By rename nobody needs to be kept from exchanging: only what a crash left is finished.
        return finish(self._path, self._parents.fd, held.fd, self._warnings, self._calls)

    def _stands(self) -> bool:
        return self._batch.stands

    def synced(self) -> Entry:
        """Sync the temp; return what the record says of the file.

        Raises:
            WriteError: The disk did not confirm.
        """
        try:
            self._calls.fsync(self._temp.fd)
        except OSError as error:
            raise failures.writing(error, self._path, "preparing the new content failed") from error
        digest = self._temp.revision.digest
        assert digest is not None
        return Entry(self._name, self._snapshot.revision.digest, self._temp.name, digest)

    def install(self) -> None:
        """Give the temp the file's name.

        Raises:
            OSError: As rename(2) says.
        """
        rename = self._calls.rename_new if self._target is None else self._calls.rename
        rename(self._temp.name, self._name, src_dir_fd=self._parents.fd, dst_dir_fd=self._parents.fd)

    def sweep(self, found: int | None, left: int | None) -> None:
        """Remove the file's orphans, if that is due; see ``Visit``. Never raises."""
        target = self._target
        replaced = None if target is None else (target.st_dev, target.st_ino)
        owner = flags.effective_user() if target is None else target.st_uid
        identity = self._temp.identity  # the lock of a record that is not there yet is its directory's
        visit = Visit(self._parents.fd, owner, found, left, replaced, identity, locked=True)
        sweep_if_due(self._directory, self._name, visit, self._calls)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def found(self) -> int:
        """When the directory was changed last before this file's temp was made."""
        assert self._commit is not None
        return self._commit.found

    @property
    def published(self) -> Published:
        """What is known of the file when all went well."""
        return Published(self._temp.revision, durable=True, warnings=tuple(self._warnings))

    @property
    def parents(self) -> Parents:
        """The directory."""
        return self._parents

    @property
    def is_new(self) -> bool:
        """Whether there was no file."""
        return self._target is None


class Batch:
    """Complete, synced temps of several files of one directory, to be published as one or discarded.

    ``parts`` are its files, in order. Used as ``Prepared`` is. A new file has its own
    directory entry synced as well.

    Raises (on entering):
        WriteError: A file is not to be replaced, or a call failed; nothing was changed.
    """

    def __init__(self, wanted: Sequence[Part], *, calls: Syscalls = REAL) -> None:
        self._calls = calls
        self._place = wanted[0].snapshot.path.parent
        self.parts: list[_Prepared] = []
        for each in wanted:
            self.parts.append(_Prepared(each, self, calls))
        self._record: Temp | None = None
        self._at_mark = False
        self._marked = False
        self._leaving = ExitStack()
        self._process = os.getpid()

    @property
    def stands(self) -> bool:
        """Whether the commit point is passed."""
        return self._marked

    # ── Prepare ─────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            for part in self.parts:
                entered.enter_context(part)
            self._prepare(entered)
            self._leaving = entered.pop_all()
        return self

    def _prepare(self, entered: ExitStack) -> None:
        record = Temp(RECORD, encode([part.synced() for part in self.parts]), self._calls)
        entered.push(self._leave)
        self._record = record
        place = self._directory
        try:
            record.write(place)
            put_new(record, place, _READ_BY_ALL, self._calls)
            self._calls.fsync(record.fd)
            # Or a power cut could leave the record, and not the temps that it names.
            self._parents.sync(new=False)
        except OSError as error:
            raise self._failure(error, "preparing the transaction's record failed") from error

    @property
    def _parents(self) -> Parents:
        return self.parts[0].parents

    @property
    def _directory(self) -> int:
        return self._parents.fd

    def _failure(self, error: OSError, doing: str) -> SaveError:
        return failures.writing(error, self._place / RECORD, doing)

    # ── Compare ─────────────────────────────────────────────────────────────

    def compare(self, locks: Locks) -> bool:
        """Return whether every file still is as its snapshot, and no other transaction is unfinished.

        Raises:
            SaveError: As ``Prepared.compare``.
        """
        if locks.record.is_file:
            self._refuse_strange()
            return False
        return all(part.compare(locks.files[part.path]) for part in self.parts)

    def _refuse_strange(self) -> None:
        """Raise where what has the record's name is none: it will not go away."""
        if pending_in(self._place, calls=self._calls) is None:
            raise failures.refusal(
                "it is not what untorn makes under this name, and in the way of every transaction here",
                errno.EEXIST,
                self._place / RECORD,
                "look at it (ls -l) and remove it",
            )

    # ── Publish ─────────────────────────────────────────────────────────────

    def publish(self) -> list[Published] | None:
        """Let each name lead to its new content. Call it under the locks, after ``compare``.

        Returns:
            What is known behind the commit point, of each file in order; ``None`` where
            somebody else's record came first: then nothing was changed.

        Raises:
            WriteError: The record could not be put into its place; nothing was changed.
        """
        try:
            unknown = self._mark()
        except FileExistsError:
            self._refuse_strange()
            return None
        if unknown is not None:
            return self._published(unknown, unknown=True)
        try:
            for part in self.parts:
                part.install()
        except OSError as error:
            return self._published(error, unknown=True)
        try:
            durable = self._parents.sync(new=any(part.is_new for part in self.parts))
        except OSError as error:
            # The record stays, and makes good for it: the next save finishes.
            return self._published(error)
        return self._tidied(durable=durable)

    def _mark(self) -> OSError | None:
        """Give the record its name, durably; return an error only if it may be there, and not durable.

        Raises:
            FileExistsError: There is one.
            WriteError: It failed; there is none.
        """
        assert self._record is not None
        place = self._directory
        self._at_mark = True
        try:
            self._calls.rename_new(self._record.name, RECORD, src_dir_fd=place, dst_dir_fd=place)
            self._parents.sync(new=False)
        except OSError as error:
            if self._unmarked():
                if isinstance(error, FileExistsError):
                    raise
                raise self._failure(
                    error, "putting the transaction's record into its place failed"
                ) from error
            self._marked = True
            return error
        # The commit point is behind us: from here on nothing may raise.
        self._marked = True
        return None

    def _unmarked(self) -> bool:
        """Take its name from our record; return whether it does not have it any more, for good."""
        assert self._record is not None
        try:
            status = self._calls.stat(RECORD, dir_fd=self._directory, follow_symlinks=False)
            if (status.st_dev, status.st_ino) == self._record.identity:
                self._calls.unlink(RECORD, dir_fd=self._directory)
                self._parents.sync(new=False)  # else a power cut may bring it back
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _published(self, error: OSError, *, unknown: bool = False) -> list[Published]:
        for part in self.parts:
            owed.owe(part.path)
        return [
            replace(part.published, durable=False, error=error, unknown=unknown, promised=True)
            for part in self.parts
        ]

    def _tidied(self, *, durable: bool) -> list[Published]:
        """Remove the record, which says nothing any more."""
        more: tuple[str, ...] = ()
        if not durable:
            more = ("this file system cannot sync a directory: a power cut may undo the save",)
        try:
            self._calls.unlink(RECORD, dir_fd=self._directory)
        except OSError:
            more += (f"{RECORD} could not be removed: the next save does it",)
        for part in self.parts:
            owed.settle(part.path)
        self._sweep()
        return [
            replace(part.published, durable=durable, warnings=part.published.warnings + more)
            for part in self.parts
        ]

    def _sweep(self) -> None:
        """Remove what crashed saves of these files, and of their record, left. Never raises."""
        left = None
        with suppress(OSError):
            left = self._calls.fstat(self._directory).st_mtime_ns
        found: int | None = self.parts[0].found
        for part in self.parts:
            part.sweep(found, left)
            found = left
        nobodys = (0, 0)
        visit = Visit(self._directory, flags.effective_user(), left, left, nobodys, nobodys, locked=True)
        sweep_if_due(self._place, RECORD, visit, self._calls)

    # ── Leave ───────────────────────────────────────────────────────────────

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process != os.getpid():  # pragma: no cover  forked children report nothing
            return  # all of this is its parent's
        # A signal may arrive when rename(2) has returned and Python has not said so yet.
        if self._at_mark and not self._marked:
            self._marked = not self._unmarked()
        self._leaving.__exit__(kind, error, trace)

    def _leave(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close the record, which unlocks it; remove one that came to nothing."""
        assert self._record is not None
        try:
            if not self._marked:
                self._record.remove(self._directory)
        finally:
            self._record.close()
        if self._record.stays:
            forget(self._place)
        if self._record.stays and isinstance(error, SaveError):
            error.left_behind = self._place / self._record.name
