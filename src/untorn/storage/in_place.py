"""The journalled in-place write, in three steps like the ordinary writer (WRITER W12, W13).

::

    prepare   open the journal's directory, the file ─ copy base and new beside each
              other ─ metadata ─ fsync(copy)                                  (no lock)
    compare   replay a hot journal ─ are the bytes on disk still the snapshot's?  (lock held)
    publish   reserve the file's growth ─ rename the copy to the journal's name ─
              fsync(its directory) ─ pwrite, ftruncate, fsync(the file) ─ check ─
              unlink the journal ─ fsync(its directory)                    (lock held)

The sync of the renamed journal is the commit point: the *mark*. Whatever fails
before it leaves the file as it was and no journal. Whatever fails behind it
leaves the journal, from which loads answer and which the next save replays.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Literal, Self

from untorn.errors import SaveError
from untorn.records import revision_of
from untorn.storage import failures, flags
from untorn.storage.commit import Published
from untorn.storage.journal import (
    READ_ONLY,
    WRITE,
    JournalDirectory,
    OpenFile,
    UnusableJournalError,
    failed,
    identified,
    overwrite,
    replay_hot,
)
from untorn.storage.journal_format import encode
from untorn.storage.metadata import ACL, LABEL, NATIVE_ACL, Metadata, Transfer, metadata_of
from untorn.storage.names import sweep
from untorn.storage.snapshot import read_to_end, unlike_a_file
from untorn.storage.syscalls import REAL, Syscalls, closed
from untorn.storage.temp import Temp, reserve

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from untorn.records import Snapshot
    from untorn.storage.locking import Held


_NOT_SYNCABLE = (
    "the file system of the journal directory cannot sync a directory: "
    "a power cut during the save may have torn the file"
)


def prepare_in_place(
    snapshot: Snapshot,
    data: bytes,
    directory: Path,
    *,
    durability: Literal["full", "none"] = "full",
    calls: Syscalls = REAL,
) -> InPlace:
    """Return a writer that will overwrite the file of ``snapshot`` with ``data``.

    Used as the ordinary writer is: see ``untorn.storage.atomic.prepare``.

    Args:
        snapshot: What the new content was made for; there is a file.
        data: The new content, complete.
        directory: Where the journal goes. It must be persistent, and the same
            for all who read or save the file.
        durability: ``"none"`` leaves out the one sync without which a power cut
            may bring the journal back, with what the file then holds anyway.
        calls: The system calls to use.

    Raises (on entering):
        WriteError: The file is not to be written, or a call failed; it is as it was.
    """
    return InPlace(snapshot, data, directory, durability, calls)


class InPlace:
    """A complete, synced copy of a file's old and new content, to be published or discarded."""

    def __init__(
        self,
        snapshot: Snapshot,
        data: bytes,
        directory: Path,
        durability: Literal["full", "none"],
        calls: Syscalls,
    ) -> None:
        self._snapshot = snapshot
        self._path = snapshot.path
        self._data = data
        self._durability = durability
        self._calls = calls
        self._journals = JournalDirectory(directory, calls)
        self._fd = -1
        self._file: OpenFile | None = None
        self._copy: Temp | None = None
        self._process = os.getpid()
        self._at_mark = False
        self._marked = False
        self._syncable = True

    # ── Prepare ─────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException as error:
            self._discard(error)
            if isinstance(error, (UnusableJournalError, OSError)):
                raise self._failure(error, "preparing the copy failed") from error
            raise
        return self

    def _failure(self, error: UnusableJournalError | OSError, doing: str) -> SaveError:
        failure = failed(error, self._path, self._journals.path, doing)
        failure.left_behind = self._left_behind()
        return failure

    def _prepare(self) -> None:
        assert self._snapshot.data is not None
        if self._calls.locks_apart:
            raise failures.refusal(
                "who may write a journal is not told here, so that none could be believed",
                errno.ENOTSUP,
                self._path,
                "leave out in_place=, and let it be replaced",
            )
        self._journals.open()
        self._refuse_unfit()
        try:
            self._fd = self._calls.open(self._path, WRITE)
        except FileNotFoundError:
            return  # gone since it was read, which ``compare`` says
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            hint = "only who may write a file can write it in place: make it writable"
            raise failures.refusal("it is read-only", error.errno, self._path, hint) from error
        self._file = identified(self._path, self._fd, self._calls)
        whole = encode(self._path, self._file.identity, self._snapshot.data, self._data)
        self._copy = Temp(self._file.identity.journal_name, whole, self._calls)
        status = self._copy.write(self._journals.fd)
        transfer = Transfer(self._copy.fd, self._path, "best", self._calls, [])
        transfer.put(_for_reading(metadata_of(self._path, self._file.status, self._calls)), status)
        # Also for durability="none": a journal that a power cut leaves incomplete
        # beside a torn file would be the end of both.
        self._calls.fsync(self._copy.fd)

    def _refuse_unfit(self) -> None:
        """Raise where the target is not to be written (WRITER W14, W15); links are resolved by now."""
        if self._path.parts[:2] == ("/", "proc"):
            raise failures.refusal("is a name of the kernel's, not a file", errno.EINVAL, self._path)
        with suppress(FileNotFoundError):
            mode = self._calls.stat(self._path, follow_symlinks=False).st_mode
            strange = unlike_a_file(mode)
            if strange is not None:
                raise failures.refusal(*strange, self._path, "only regular files are written in place")
            if flags.effective_user() != 0 and mode & (stat.S_ISUID | stat.S_ISGID):
                hint = "take them away, or save it by replacing it"
                raise failures.refusal(
                    "writing in place takes its set-id bits away", errno.EPERM, self._path, hint
                )

    # ── Compare ─────────────────────────────────────────────────────────────

    def compare(self, held: Held) -> bool:
        """Return whether the file still is as the snapshot, and the lock still is its lock.

        A save that was cut off is finished first.

        Raises:
            ConflictError: One was cut off, and since then another program wrote the file.
            WriteError, LimitError: The file cannot be looked at, or a journal is not believed.
        """
        self._refuse_parents_lock(held)
        try:
            if self._file is None or not self._leads_to(self._file, held):
                return False
            replay_hot(self._file, self._journals, calls=self._calls)
            data = self._snapshot.data
            assert data is not None
            return read_to_end(self._fd, len(data), self._path, None, self._calls) == data
        except (UnusableJournalError, OSError) as error:
            raise self._failure(error, "looking at the file again failed") from error

    def _leads_to(self, file: OpenFile, held: Held) -> bool:
        if held.identity != file.inode:
            return False
        try:
            status = self._calls.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return file.inode == (status.st_dev, status.st_ino)

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

    def publish(self, held: Held) -> Published:
        """Overwrite the file. Call it under the lock, after ``compare``.

        Returns:
            What is known behind the commit point. ``unknown``: the file may be
            half-written, and the journal is there.

        Raises:
            WriteError: Nothing was written; the file is as it was.
        """
        self._refuse_parents_lock(held)
        file = self._file
        assert file is not None
        try:
            if len(self._data) > file.status.st_size:
                reserve(self._fd, len(self._data), calls=self._calls)
        except OSError as error:
            raise self._failure(error, "reserving space failed") from error
        unknown = self._mark(file)
        if unknown is not None:
            return self._published(durable=False, error=unknown)
        full = self._durability == "full"
        try:
            overwrite(file, self._data, calls=self._calls)
            self._journals.remove(file)
            if full:
                self._journals.sync()
        except OSError as error:
            return self._published(durable=False, error=error)
        sweep(file.identity.journal_name, self._journals.fd, file.status.st_uid, self._calls)
        return self._published(durable=full and self._syncable)

    def _published(self, *, durable: bool, error: OSError | None = None) -> Published:
        warnings = () if self._syncable else (_NOT_SYNCABLE,)
        return Published(revision_of(self._data), durable, error, error is not None, warnings, atomic=False)

    def _mark(self, file: OpenFile) -> OSError | None:
        """Give the copy the journal's name, durably; return an error only if it is there, and not durable.

        Raises:
            WriteError: It failed; there is no journal.
        """
        assert self._copy is not None
        place = self._journals.fd
        self._at_mark = True
        try:
            self._calls.rename_new(
                self._copy.name, file.identity.journal_name, src_dir_fd=place, dst_dir_fd=place
            )
            self._copy.name = ""  # whatever follows, nothing is left by that name
            self._syncable = self._journals.sync()
        except OSError as error:
            if self._unmarked(self._copy, file):
                raise self._failure(error, "the journal could not be put into its place") from error
            self._marked = True
            return error
        # The commit point is behind us: from here on nothing may raise.
        self._marked = True
        return None

    def _unmarked(self, copy: Temp, file: OpenFile) -> bool:
        """Take the journal's name from the copy; return whether it does not have it any more."""
        name = file.identity.journal_name
        try:
            status = self._calls.stat(name, dir_fd=self._journals.fd, follow_symlinks=False)
            if (status.st_dev, status.st_ino) == copy.identity:
                self._journals.remove(file)
                self._journals.sync()  # else a power cut may bring it back
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    # ── Leave ───────────────────────────────────────────────────────────────

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._discard(error)

    def _discard(self, error: BaseException | None) -> None:
        """Remove a copy that was not published, close everything, and let ``error`` say how it stands."""
        if self._process != os.getpid():  # pragma: no cover  forked children report nothing
            return  # all of this is its parent's
        try:
            self._clean()
        except BaseException as interrupt:
            self._note(interrupt)
            raise
        if isinstance(error, SaveError):
            error.left_behind = error.left_behind or self._left_behind()
        elif error is not None:
            self._note(error)

    def _clean(self) -> None:
        with ExitStack() as closing:  # all of it, also if a signal comes between
            closing.callback(self._journals.close)
            if self._fd >= 0:
                closing.callback(closed, self._fd, self._calls)
            if self._copy is None:
                return
            closing.callback(self._copy.close)
            if not self._marked:
                self._copy.remove(self._journals.fd)
                # A signal may arrive when rename(2) has returned and Python has not said so yet.
                self._marked = self._at_mark and not self._unmarked(self._copy, _known(self._file))

    def _note(self, error: BaseException) -> None:
        what = "the new content is in place" if self._marked else "nothing was changed"
        error.add_note(f"untorn: {self._path}: {what}")

    def _left_behind(self) -> Path | None:
        copy = self._copy
        return self._journals.path / copy.name if copy is not None and copy.stays else None


def _known(file: OpenFile | None) -> OpenFile:
    assert file is not None
    return file


_NAMED = struct.Struct("<HHI")  # tag, permissions, id: an entry of an ACL (linux/posix_acl_xattr.h)
_OWNER, _WRITE = 0x01, 0o2


def _for_reading(metadata: Metadata) -> Metadata:
    """Return what a file's journal has: who may read the file may read it, its owner alone may write it."""
    kept = {name: value for name, value in metadata.attributes.items() if name == LABEL}
    acl = metadata.attributes.get(ACL)
    if acl is not None:
        entries = _NAMED.iter_unpack(acl[4:])
        kept[ACL] = acl[:4] + b"".join(
            _NAMED.pack(tag, may if tag == _OWNER else may & ~_WRITE, whose) for tag, may, whose in entries
        )
    # A list that is not read here may deny somebody what the bits grant.
    widest = 0o600 if NATIVE_ACL in metadata.attributes else 0o644
    return Metadata(metadata.mode & widest, metadata.owner, metadata.group, kept)
