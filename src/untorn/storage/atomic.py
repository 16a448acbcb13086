"""The one writer, in three steps: prepare, compare, publish.

::

    prepare   open the directory ─ create the temp ─ reserve, write ─ check ─
              owner ─ ACL, mode ─ attributes ─ fsync(temp)                (no lock)
    compare   are the bytes on disk still the snapshot's?             (lock held)
    publish   exchange or rename ─ fsync(directory) ─ look ─ sweep    (lock held)

The exchange (``untorn.storage.exchange``), or the rename where there is no such
thing, is the commit point. Whatever fails before it leaves the target as it was
and no temp; whatever fails behind it is said in ``Published``, not raised.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from untorn.errors import SaveError
from untorn.storage import failures, places
from untorn.storage.commit import Commit
from untorn.storage.fitness import Found, refuse_strange_names, warnings_about
from untorn.storage.metadata import Transfer, metadata_of, put_new
from untorn.storage.open_file import reading
from untorn.storage.parents import Parents
from untorn.storage.paths import split
from untorn.storage.snapshot import read, read_to_end
from untorn.storage.sweeps import forget
from untorn.storage.syscalls import REAL, Syscalls
from untorn.storage.temp import Temp

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from untorn.records import Snapshot
    from untorn.storage.commit import Published
    from untorn.storage.locking import Held
    from untorn.storage.open_file import Reading


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write; ``untorn.keywords.WriteKeywords`` says what each means."""

    durability: Literal["full", "none"] = "full"
    mode: int | None = None
    metadata: Literal["strict", "best"] = "strict"
    hard_links: Literal["break", "refuse"] = "break"
    force: bool = False
    in_place: Path | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("durability", self.durability, ("full", "none")),
            ("metadata", self.metadata, ("strict", "best")),
            ("hard_links", self.hard_links, ("break", "refuse")),
        ):
            if value not in known:
                msg = f"{name} is {' or '.join(map(repr, known))}, not {value!r}"
                raise ValueError(msg)


def prepare(
    snapshot: Snapshot,
    data: bytes,
    options: WriteOptions | None = None,
    *,
    file: Reading | None = None,
    calls: Syscalls = REAL,
) -> Prepared:
    """Return a writer that will make the file of ``snapshot`` hold ``data``.

    Used as a context manager: entering it does everything that comes before the
    commit; leaving it without ``publish`` leaves nothing behind.

    Args:
        snapshot: What the new content was made for.
        data: The new content, complete.
        options: How to write it.
        file: Where the snapshot came from, if that is known: its metadata is
            taken over, instead of those that a look at the name would find.
        calls: The system calls to use.

    Raises (on entering):
        WriteError: The target is not to be replaced, or a call failed. The file
            is as it was; ``left_behind`` names a temp that could not be removed.
    """
    status = file.status if file is not None else None
    return Prepared(snapshot, data, options or WriteOptions(), status, calls)


class Prepared:
    """A complete, synced temporary file beside its target, to be published or discarded."""

    def __init__(
        self,
        snapshot: Snapshot,
        data: bytes,
        options: WriteOptions,
        status: os.stat_result | None,
        calls: Syscalls,
    ) -> None:
        self._snapshot = snapshot
        self._path: Path = snapshot.path
        self._data = data
        self._options = options
        self._target = status
        self._calls = calls
        self._directory, self._name = split(self._path)
        self._parents = Parents(self._directory, calls)
        self._temp = Temp(self._name, data, calls)
        self._commit: Commit | None = None
        self._link = ""  # that could not be removed
        self._process = os.getpid()
        self._warnings: list[str] = []

    # ── Prepare ─────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException as error:
            self._discard(error)
            if isinstance(error, OSError) and not isinstance(error, SaveError):
                failure = failures.writing(error, self._path, "preparing the new content failed")
                failure.left_behind = self._left_behind()
                raise failure from error
            raise
        return self

    def _prepare(self) -> None:
        refuse_strange_names(self._path, self._name, self._calls)
        directory = self._enter_directory()
        if self._target is None:
            self._target = self._target_status(directory)
        self._look_around()
        if self._target is not None:
            found = Found(self._path, self._name, directory, self._target)
            self._warnings += warnings_about(
                found, force=self._options.force, hard_links=self._options.hard_links, calls=self._calls
            )
        change = self._calls.fstat(directory).st_mtime_ns
        status = self._written()
        if self._target is None or stat.S_ISLNK(self._target.st_mode):
            put_new(self._temp, self._parents.fd, self._options.mode, self._calls)
        else:
            transfer = Transfer(
                self._temp.fd, self._path, self._options.metadata, self._calls, self._warnings
            )
            transfer.put(metadata_of(self._path, self._target, self._calls), status)
        # Before the rename, or a crash can leave an empty file under the final
        # name; so also for durability="none", which gives up less than that. A
        # failed fsync is not retried: the kernel may have dropped the dirty
        # pages, and a second call would then succeed.
        self._sync()
        self._commit = Commit(
            self._snapshot,
            self._target,
            self._parents,
            self._temp,
            found=change,
            durable=self._options.durability == "full",
            warnings=self._warnings,
            calls=self._calls,
        )

    def _enter_directory(self) -> int:
        return self._parents.open()

    def _leave_directory(self, *, committed: bool) -> None:
        self._parents.close(keep_created=committed)

    def _sync(self) -> None:
        self._calls.fsync(self._temp.fd)

    def _written(self) -> os.stat_result:
        try:
            return self._temp.write(self._parents.fd)
        except FileNotFoundError:
            if self._target is not None or self._temp.name:
                raise
            # A save that had made the directory for itself, and failed, took it away again.
            return self._temp.write(self._parents.open())

    def _look_around(self) -> None:
        """Refuse a file that is mounted by itself; say once what a network takes from the promises."""
        place = places.known(self._directory)
        if place is None:
            place = places.look_at(self._directory, self._calls)
            if place.network:
                self._warnings.append(
                    f"this file system ({place.network}) is on a network or a program's: "
                    "its locks and syncs may hold on this machine only"
                )
        if self._target is not None and self._name in place.mounted:
            raise failures.mounted(self._path)

    def _target_status(self, directory: int) -> os.stat_result | None:
        try:
            return self._calls.stat(self._name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    # ── Compare ─────────────────────────────────────────────────────────────

    def compare(self, held: Held) -> bool:
        """Return whether the file still is as the snapshot, and the lock still is its lock.

        ``False``, though the bytes be the same, where the name no longer leads
        to what is locked, for then the lock keeps nobody out, and where the
        file's mode or owner may have changed: that is not on the temp, which
        would undo it.

        Raises:
            WriteError, LimitError: The file cannot be read, or the lock is a parent's;
                nothing was changed.
        """
        self._refuse_parents_lock(held)
        try:
            if self._calls.locks_apart:
                return self._same_by_name()
            if not held.is_file:
                return self._still_none()
            return self._claimed(held) and self._same_file(held)
        except SaveError:
            raise
        except OSError as error:
            raise failures.writing(error, self._path, "looking at the file again failed") from error

    def _claimed(self, held: Held) -> bool:
        assert self._commit is not None
        return self._commit.claim(held)

    def _same_file(self, held: Held) -> bool:
        data = read_to_end(held.fd, len(self._snapshot.data or b""), self._path, None, self._calls)
        # The name last: nothing that happens before this look escapes it.
        status, before = self._target_status(self._parents.fd), self._target
        return (
            status is not None
            and before is not None
            and held.identity == (status.st_dev, status.st_ino)
            and status.st_ctime_ns == before.st_ctime_ns
            and data == self._snapshot.data
        )

    def _same_by_name(self) -> bool:
        """Return whether the name still leads to what was read: where the lock is not the file's own."""
        with reading(self._path, calls=self._calls) as now:
            if now.snapshot.data != self._snapshot.data:
                return False
            if now.status is None:
                return self._target is None or stat.S_ISLNK(self._target.st_mode)
            return self._target is not None and _moment(now.status) == _moment(self._target)

    def _still_none(self) -> bool:
        """Return whether there still is no file to lock: none at all, or a link that shall be replaced."""
        status = self._target_status(self._parents.fd)
        if status is None:
            return self._snapshot.data is None
        return (
            stat.S_ISLNK(status.st_mode) and read(self._path, calls=self._calls).data == self._snapshot.data
        )

    def _refuse_parents_lock(self, held: Held) -> None:
        # A forked child's descriptor is closed, and its number may be another's by now.
        if held.process != os.getpid():  # pragma: no cover  forked children report nothing
            raise failures.refusal(
                "this process was forked while the lock was held",
                errno.EDEADLK,
                self._path,
                "lock in the process that saves",
            )

    # ── Publish ─────────────────────────────────────────────────────────────

    def publish(self, held: Held) -> Published | None:
        """Let the name lead to the new content. Call it under the lock, after ``compare``.

        Returns:
            What is known behind the commit point; or ``None``, where somebody
            made the file that did not exist, or wrote to it, replaced or removed
            it since: then it is as they left it.

        Raises:
            WriteError: The rename failed; the file is as it was.
        """
        self._refuse_parents_lock(held)
        assert self._commit is not None
        return self._commit.publish(held)

    # ── Leave ───────────────────────────────────────────────────────────────

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._discard(error)

    def _discard(self, error: BaseException | None) -> None:
        """Remove what was not published, close everything, and let ``error`` say how it stands."""
        if self._process != os.getpid():  # pragma: no cover  forked children report nothing
            return  # all of this is its parent's
        committed = True  # perhaps, should a signal come before the answer
        try:
            committed = self._stands()
            self._clean(committed=committed)
        except BaseException as interrupt:
            self._note(interrupt, committed=committed)
            raise
        if isinstance(error, SaveError):
            error.left_behind = error.left_behind or self._left_behind()
        elif error is not None:
            self._note(error, committed=committed)
        elif self._left_behind() and not committed:
            raise self._littered()

    def _stands(self) -> bool:
        return self._commit is not None and self._commit.stands()

    def _clean(self, *, committed: bool) -> None:
        """Close everything, and remove what came to nothing; all of it, also if a signal comes between."""
        try:
            if not committed:
                self._remove()
                if self._left_behind():
                    forget(self._directory)  # the next save looks again
        finally:
            try:
                self._temp.close()
            finally:
                self._leave_directory(committed=committed)

    def _remove(self) -> None:
        try:
            if self._commit is not None:
                self._link = self._commit.let_go()
        finally:
            self._temp.remove(self._parents.fd)

    def _note(self, error: BaseException, *, committed: bool) -> None:
        what = "the new content is in place" if committed else "nothing was changed"
        error.add_note(f"untorn: {self._path}: {what}")

    def _littered(self) -> SaveError:
        """Return the error that ends a save which lost a race and could not tidy up: one temp is enough."""
        reason = "another program changed it, and the temporary file for the next try could not be removed"
        failure = failures.refusal(reason, errno.EAGAIN, self._path, "save again")
        failure.left_behind = self._left_behind()
        return failure

    def _left_behind(self) -> Path | None:
        left = self._temp.name if self._temp.stays else self._link
        return self._directory / left if left else None


def _moment(status: os.stat_result) -> tuple[int, int, int]:
    """Return what is another's when a file was replaced, or anything of it changed."""
    return status.st_dev, status.st_ino, status.st_ctime_ns
