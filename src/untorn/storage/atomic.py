"""The one writer, in three steps: prepare, compare, publish.

::

    prepare   open the directory ─ look at the target ─ create the temp ─ write ─
              owner ─ ACL, mode ─ attributes ─ check ─ fsync(temp)         (no lock)
    compare   are the bytes on disk still the snapshot's?             (lock held)
    publish   rename ─ fsync(directory)                               (lock held)

The rename is the commit point. Whatever fails before it leaves the target as it
was and no temp; whatever fails behind it is said in ``Published``, not raised.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Self

from untorn.errors import SaveError
from untorn.records import Snapshot
from untorn.storage import failures, owed
from untorn.storage.lock import Held, drop, opened
from untorn.storage.metadata import Transfer, metadata_of, put_new
from untorn.storage.names import sweep, temp_name
from untorn.storage.parents import Parents
from untorn.storage.snapshot import read, read_to_end, unlike_a_file
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_TEMP = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


_TRIES = 10
"""How many temps a sweep may take for an orphan, each in the moment before it is locked."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write; ``untorn.keywords.WriteKeywords`` says what each means."""

    durability: Literal["full", "none"] = "full"
    mode: int | None = None
    metadata: Literal["strict", "best"] = "strict"
    hard_links: Literal["break", "refuse"] = "break"
    force: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("durability", self.durability, ("full", "none")),
            ("metadata", self.metadata, ("strict", "best")),
            ("hard_links", self.hard_links, ("break", "refuse")),
        ):
            if value not in known:
                msg = f"{name} is {' or '.join(map(repr, known))}, not {value!r}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Published:
    """What is known behind the commit point.

    Attributes:
        durable: Whether the new bytes are known to survive a power cut.
        error: What the disk said instead of confirming, or ``None``.
        unknown: Whether the rename failed and its outcome could not be seen.
        warnings: What could not be kept, in sentences.
    """

    durable: bool
    error: OSError | None = None
    unknown: bool = False
    warnings: tuple[str, ...] = ()


def prepare(
    snapshot: Snapshot, data: bytes, options: WriteOptions | None = None, *, calls: Syscalls = REAL
) -> Prepared:
    """Return a writer that will make the file of ``snapshot`` hold ``data``.

    Used as a context manager: entering it does everything that comes before the
    commit; leaving it without ``publish`` leaves nothing behind.

    Raises (on entering):
        WriteError: The target is not to be replaced, or a call failed. The file
            is as it was; ``left_behind`` names a temp that could not be removed.
    """
    return Prepared(snapshot, data, options or WriteOptions(), calls)


class Prepared:
    """A complete, synced temporary file beside its target, to be published or discarded."""

    def __init__(self, snapshot: Snapshot, data: bytes, options: WriteOptions, calls: Syscalls) -> None:
        self._snapshot = snapshot
        self._path: Path = snapshot.path
        self._data = data
        self._options = options
        self._calls = calls
        self._parents = Parents(self._path.parent, calls)
        self._temp = -1
        self._temp_name = ""
        self._temp_identity = (-1, -1)
        self._process = os.getpid()
        self._target_change: int | None = None
        self._directory_change = 0
        self._at_rename = False
        self._renamed = False
        self._left_behind: Path | None = None
        self._warnings: list[str] = []

    # ── Prepare ─────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException as error:
            self._discard(error)
            if isinstance(error, OSError) and not isinstance(error, SaveError):
                failure = failures.writing(error, self._path, "preparing the new content failed")
                failure.left_behind = self._left_behind
                raise failure from error
            raise
        return self

    def _prepare(self) -> None:
        self._refuse_strange_names()
        directory = self._parents.open()
        target = self._target_status(directory)
        if target is not None:
            self._refuse_unfit(target, directory)
            self._target_change = target.st_ctime_ns
        self._directory_change = self._calls.fstat(directory).st_mtime_ns
        if not any(self._created(directory) for _ in range(_TRIES)):
            raise OSError(errno.EAGAIN, "somebody else locks each new file at once")
        write_all(self._temp, self._data, calls=self._calls)
        status = self._calls.fstat(self._temp)
        if target is None or stat.S_ISLNK(target.st_mode):
            put_new(self._temp, directory, self._options.mode, self._calls)
        else:
            transfer = Transfer(self._temp, self._path, self._options.metadata, self._calls, self._warnings)
            transfer.put(metadata_of(self._path, target, self._calls), status)
        if status.st_size != len(self._data):
            # write(2) said it took all: never install what it did not keep.
            raise OSError(errno.EIO, f"{status.st_size} of {len(self._data)} bytes were kept")
        if self._options.durability == "full":
            # Before the rename, or a crash can leave an empty file under the
            # final name. A failed fsync is not retried: the kernel may have
            # dropped the dirty pages, and a second call would then succeed.
            self._calls.fsync(self._temp)

    def _refuse_strange_names(self) -> None:
        if not self._path.name:
            raise failures.refusal("is a directory", errno.EISDIR, self._path)
        if self._path.parts[:2] == ("/", "proc"):
            raise failures.refusal("is a name of the kernel's, not a file", errno.EINVAL, self._path)

    def _target_status(self, directory: int) -> os.stat_result | None:
        try:
            return self._calls.stat(self._path.name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _refuse_unfit(self, target: os.stat_result, directory: int) -> None:
        """Raise where the target is not to be replaced (WRITER W11, W14, W15)."""
        strange = unlike_a_file(target.st_mode)
        if strange is not None and not stat.S_ISLNK(target.st_mode):
            reason, code = strange
            raise failures.refusal(reason, code, self._path, "only regular files are replaced")
        if target.st_nlink > 1 and not stat.S_ISLNK(target.st_mode):
            self._refuse_linked(target.st_nlink - 1)
        if not self._options.force and not self._writable(target, directory):
            raise failures.refusal(
                "it is read-only", errno.EACCES, self._path, "make it writable, or say force=True"
            )

    def _refuse_linked(self, others: int) -> None:
        names = f"{others} other name{'' if others == 1 else 's'} (hard links)"
        if self._options.hard_links == "refuse":
            raise failures.refusal(
                f"it has {names}, which would go on showing the old content",
                errno.EMLINK,
                self._path,
                "say hard_links='break' if they may",
            )
        self._warnings.append(f"{names} still show the old content")

    def _writable(self, target: os.stat_result, directory: int) -> bool:
        # access(2) with the effective ids knows immutable files and read-only
        # mounts too; it follows links, and a link has no mode of its own.
        return stat.S_ISLNK(target.st_mode) or self._calls.access(
            self._path.name, os.W_OK, dir_fd=directory, effective_ids=True
        )

    def _created(self, directory: int) -> bool:
        """Create the temp, locked; return ``False`` if a sweep was faster than the lock."""
        self._temp_name = temp_name(self._path.name, self._data)
        try:
            self._temp = opened(partial(self._calls.open, self._temp_name, _TEMP, 0o600, dir_fd=directory))
        except OSError:
            self._temp_name = ""  # if there is such a file, it is not ours to remove
            raise
        with suppress(BlockingIOError):  # a sweep holds it, and is about to remove it
            self._calls.flock(self._temp, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = self._calls.fstat(self._temp)
            self._temp_identity = (status.st_dev, status.st_ino)
            if status.st_nlink:
                return True
        self._remove_temp()
        drop(self._temp, self._calls)
        self._temp = -1
        return False

    # ── Compare ─────────────────────────────────────────────────────────────

    def compare(self, held: Held) -> Snapshot | None:
        """Return what the file holds now, or ``None`` if that still is the snapshot.

        Also answers with a snapshot, even if the bytes are the same, where the
        name no longer leads to what is locked, for then the lock keeps nobody out,
        and where the file's mode or owner may have changed.

        Raises:
            WriteError, LimitError: The file cannot be read, or the lock is a parent's;
                nothing was changed.
        """
        self._refuse_parents_lock(held)
        try:
            status = self._target_status(self._parents.fd)
            if held.is_file and status is not None and held.identity == (status.st_dev, status.st_ino):
                data = read_to_end(held.fd, status.st_size, self._path, None, self._calls)
                # A chmod since ``prepare`` is not on the temp, which would undo it.
                as_prepared = status.st_ctime_ns == self._target_change
                now, same = Snapshot(self._path, data), as_prepared and data == self._snapshot.data
            else:
                now = read(self._path, calls=self._calls)
                absent = status is None or stat.S_ISLNK(status.st_mode)
                same = absent and not held.is_file and now.data == self._snapshot.data
        except OSError as error:
            raise failures.writing(error, self._path, "looking at the file again failed") from error
        return None if same else now

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

    def publish(self, held: Held) -> Published | Snapshot:
        """Let the name lead to the new content. Call it under the lock, after ``compare``.

        Returns:
            What is known behind the commit point; or a snapshot, where somebody
            made the file that did not exist.

        Raises:
            WriteError: The rename failed; the file is as it was.
        """
        self._refuse_parents_lock(held)
        try:
            unseen = self._rename()
        except FileExistsError:
            return read(self._path, calls=self._calls)
        if unseen is not None:
            return Published(durable=False, error=unseen, unknown=True, warnings=tuple(self._warnings))
        published = self._synced()
        self._sweep()
        return published

    def _rename(self) -> OSError | None:
        """Rename the temp over the target; return an error only if its outcome cannot be seen.

        Raises:
            WriteError: It failed, and a look confirms that the target is as it was.
        """
        directory = self._parents.fd
        # A link to nowhere that shall be replaced has no bytes, but the name is taken.
        rename = self._calls.rename_new if self._target_change is None else self._calls.rename
        self._at_rename = True
        try:
            rename(self._temp_name, self._path.name, src_dir_fd=directory, dst_dir_fd=directory)
        except FileExistsError:
            raise
        except OSError as error:
            # Over a network the rename may have happened all the same (W22).
            landed = self._landed()
            if landed is False:
                raise failures.writing(error, self._path, "replacing the file failed") from error
            self._renamed = True  # perhaps: nothing may be removed any more
            return error if landed is None else None
        # The commit point is behind us: from here on nothing may raise.
        self._renamed = True
        return None

    def _landed(self) -> bool | None:
        """Look whether the name leads to our inode; ``None`` if that cannot be seen."""
        try:
            status = self._target_status(self._parents.fd)
        except OSError:
            return None
        return status is not None and (status.st_dev, status.st_ino) == self._temp_identity

    def _synced(self) -> Published:
        """Make the rename durable (WRITER W4-W6)."""
        warnings = tuple(self._warnings)
        if self._options.durability == "none":
            return Published(durable=False, warnings=warnings)
        try:
            durable = self._parents.sync()
        except OSError as error:
            owed.owe(self._path)
            return Published(durable=False, error=error, warnings=warnings)
        owed.settle(self._path)
        if not durable:
            warnings += ("this file system cannot sync a directory: a power cut may undo the save",)
        return Published(durable=durable, warnings=warnings)

    def _sweep(self) -> None:
        """Remove orphans, unless the directory is as this process left it. Behind the commit point."""
        directory = self._parents.fd
        if _left.get(self._path) != self._directory_change:
            sweep(self._path.name, directory, self._calls)
        with suppress(OSError):
            _left[self._path] = self._calls.fstat(directory).st_mtime_ns

    # ── Leave ───────────────────────────────────────────────────────────────

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._discard(error)

    def _discard(self, error: BaseException | None) -> None:
        """Remove what was not published, close everything, and let ``error`` say how it stands."""
        # A signal may arrive when rename(2) has returned and Python has not said so yet.
        committed = self._renamed or (self._at_rename and self._landed() is not False)
        if self._process != os.getpid():  # pragma: no cover  forked children report nothing
            return  # all of this is its parent's
        if self._temp_name and not committed:
            self._remove_temp()
        if self._temp >= 0:
            drop(self._temp, self._calls)
            self._temp = -1
        self._parents.close(keep_created=committed)
        if isinstance(error, SaveError):
            error.left_behind = error.left_behind or self._left_behind
        elif error is not None:
            what = "the new content is in place" if committed else "nothing was changed"
            error.add_note(f"untorn: {self._path}: {what}")

    def _remove_temp(self) -> None:
        try:
            self._calls.unlink(self._temp_name, dir_fd=self._parents.fd)
        except FileNotFoundError:
            return
        except OSError:
            self._left_behind = self._path.parent / self._temp_name
            _left.pop(self._path, None)  # the next save looks again


_left: dict[Path, int] = {}
"""When the directory of a target was changed last, as this process left it: by its own save."""


def write_all(fd: int, data: bytes, *, calls: Syscalls) -> None:
    """Write all of ``data``; write(2) may take less than it is given.

    Raises:
        OSError: As write(2) says, or EIO where it accepts nothing.
    """
    rest = memoryview(data)
    while rest:
        taken = calls.write(fd, rest)
        if taken == 0:
            raise OSError(errno.EIO, "write(2) accepted no bytes")
        rest = rest[taken:]
