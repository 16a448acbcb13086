"""The saves of untorn whose calls are recorded, and what each promises at every moment."""

from __future__ import annotations

import errno
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import untorn
from evidence.disk import DirectoryInode, FileInode
from evidence.recording import Fault
from evidence.tree import ACL
from untorn import storage
from untorn.errors import LoadError, NotDurableError, SaveError, UnknownOutcomeError
from untorn.keywords import WriteKeywords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from evidence.recording import Recording
    from untorn.records import Receipt
    from untorn.values import Value

Faults: TypeAlias = "tuple[Fault, ...]"
Prepare: TypeAlias = "Callable[[Path], Path]"


# ── What is saved ───────────────────────────────────────────────────────────


def value_of(version: str, lines: int) -> Value:
    """Return a value whose text, some 140 bytes a line, differs from every other version's in each sector."""
    return {"version": version, "lines": [f"{at:03} {version * 99:.120}" for at in range(lines)]}


def bytes_of(value: Value) -> bytes:
    """Return the bytes that untorn makes of a value in a new file."""
    return untorn.dumps(value, format="json").encode()


OLD, NEW, NEXT, LAST, AFTER = (
    value_of("old", 8), value_of("brand new", 10), value_of("the next", 7), value_of("at last", 12),
    value_of("after the cut", 9),
)  # fmt: skip
LARGE = value_of("much larger", 150)

# ── What goes wrong ─────────────────────────────────────────────────────────

FILE_SYNC = Fault("after a failing sync of the file", "fsync", errno.EIO, of=FileInode)
DIRECTORY_SYNC = Fault("after a failing sync of the directory", "fsync", errno.EIO, of=DirectoryInode)
SECOND_DIRECTORY_SYNC = Fault(
    "after a failing sync of the second directory", "fsync", errno.EIO, of=DirectoryInode, first=1
)
DIRECTORY_NEVER = Fault("while no directory can be synced", "fsync", errno.EIO, of=DirectoryInode, times=99)
SHORT_WRITES = (Fault("with short writes", "write", times=9), Fault("", "pwrite", times=9))
FULL_DISK = (Fault("on a full disk", "write"), Fault("", "write", errno.ENOSPC, first=1, times=99))
RENAME = (Fault("after a failing rename", "rename", errno.EIO), Fault("", "rename_new", errno.EIO))

FAULTS: tuple[Faults, ...] = (
    (), SHORT_WRITES, FULL_DISK, (FILE_SYNC,), (DIRECTORY_SYNC,), (SECOND_DIRECTORY_SYNC,),
    (DIRECTORY_NEVER,), RENAME,
)  # fmt: skip


# ── Saves ───────────────────────────────────────────────────────────────────


class Saver:
    """Saves to one path, and notes in the recording what that promises."""

    def __init__(self, recording: Recording, path: Path, keywords: Mapping[str, Any]) -> None:
        self._recording = recording
        self._keywords = dict(keywords)
        self.path = path
        self.host = untorn.Host()
        self._possible = {self._held()}
        recording.promise(*self._possible)

    def save(self, value: Value, *, paid: bool = False, **keywords: Any) -> None:  # noqa: ANN401  handed on
        """Save ``value``; ``paid``: also a save that changes nothing has to settle what is owed."""
        keywords = {**self._keywords, **keywords}
        # A journal that is taken back may have been on the disk for a moment.
        coming = {bytes_of(value)} if "in_place" in self._keywords else set()
        self._note(lambda: self.host.save(self.path, value, base=None, **keywords), coming, paid=paid)

    def edit(self, change: Callable[[untorn.Document], object]) -> None:
        """Change the file under its lock."""
        self._note(lambda: self.host.update(self.path, change, **self._keywords), set(), paid=False)

    def remove_with_parents(self) -> None:
        """Remove the file and the directories above it, as somebody else might."""
        self._possible.add(None)
        self._recording.promise(*self._possible)
        storage.REAL.unlink(str(self.path))
        for parent in (self.path.parent, self.path.parent.parent):
            storage.REAL.rmdir(str(parent))

    def _note(self, save: Callable[[], Receipt], coming: set[bytes], *, paid: bool) -> None:
        since = len(self._recording.events)
        confirmed = changed = False
        with suppress(SaveError, LoadError):  # this save changed nothing
            try:
                receipt = save()
                changed, confirmed = receipt.changed, bool(receipt.durable) or paid
            except NotDurableError:
                changed = True
            except UnknownOutcomeError:
                changed = True
                self._possible |= coming
        new = {self._held()} if changed or confirmed else set()
        self._recording.promise(*self._possible, *new, *coming, since=since)
        self._possible = new if confirmed else self._possible | new
        self._recording.promise(*self._possible)

    def _held(self) -> bytes | None:
        """Return what the file holds: to everybody, or to those who ask the journals, too."""
        if not self.path.exists():
            return None
        if "in_place" not in self._keywords:
            return self.path.read_bytes()
        return bytes_of(self.host.load(self.path, in_place=self._keywords["in_place"]))


@dataclass(frozen=True, slots=True)
class Case:
    """A save, or a few, of one kind.

    Attributes:
        name: What it is called in the table.
        prepare: Makes what lies in an empty directory before; returns the path to save to.
        perform: Saves.
        keywords: What every save and load is given.
        faults: What may go wrong; each is tried by itself.
        directories_forget: Whether the disk gives up a directory whose sync failed. Then
            nothing but another change in it helps, and a save that makes none there,
            because it is about a parent's name or about nothing, has nothing to pay with.
        metadata_kept: Whether the target has its metadata in every state; else only
            nothing may be wider.
        in_memory: Whether to record it in memory, or where temporary files go.
    """

    name: str
    prepare: Prepare
    perform: Callable[[Saver], None]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Faults, ...] = FAULTS
    directories_forget: bool = True
    metadata_kept: bool = True
    in_memory: bool = True

    @property
    def in_place(self) -> bool:
        """Whether the file is overwritten, with a journal."""
        return "in_place" in self.keywords


# ── Targets ─────────────────────────────────────────────────────────────────


def existing(root: Path) -> Path:
    """An existing file, and another beside it."""
    path = root / "app.json"
    path.write_bytes(bytes_of(OLD))
    path.chmod(0o640)
    (root / "other.json").write_text("{}\n")
    return path


def new(root: Path) -> Path:
    """A file that does not exist yet."""
    return root / "app.json"


def new_parents(root: Path) -> Path:
    """One whose directories do not exist either."""
    return root / "a" / "b" / "app.json"


def linked(root: Path) -> Path:
    """An existing file in another directory, through a symbolic link."""
    (root / "dotfiles").mkdir()
    existing(root / "dotfiles")
    (root / "config").mkdir()
    (root / "config" / "app.json").symlink_to("../dotfiles/app.json")
    return root / "config" / "app.json"


def decorated(root: Path) -> Path:
    """An existing file with whatever this user can give it: attributes, an ACL, a foreign owner."""
    path = existing(root)
    os.setxattr(path, "user.colour", b"blue")
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    entries = (1, 6, _NOBODY), (2, 4, 4321), (4, 0, _NOBODY), (16, 4, _NOBODY), (32, 0, _NOBODY)  # acl(5)
    os.setxattr(path, ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries))
    return path


def hard_linked(root: Path) -> Path:
    """An existing file with another name."""
    path = existing(root)
    (root / "another name").hardlink_to(path)
    return path


def beside_an_orphan(root: Path) -> Path:
    """An existing file, and what a crash left of an earlier save of it."""
    path = existing(root)
    orphan = root / f".app.json.{'0' * 32}.{'1' * 32}.tmp"
    orphan.write_bytes(b"{}\n")
    orphan.chmod(0o600)
    return path


_NOBODY = 0xFFFFFFFF
JOURNALS = "journals"


def with_journals(root: Path) -> Path:
    """An existing file, and a directory for the journals of in-place writes."""
    (root / JOURNALS).mkdir(0o700)
    return existing(root)


# ── What is done to them ────────────────────────────────────────────────────


def once(saver: Saver) -> None:
    """Save."""
    saver.save(NEW)


def once_then_again(saver: Saver) -> None:
    """Save, and save something else."""
    saver.save(NEW)
    saver.save(NEXT)


def large(saver: Saver) -> None:
    """Save something large."""
    saver.save(LARGE)


def nothing(saver: Saver) -> None:
    """Save what is there."""
    saver.save(OLD)


def once_then_the_same(saver: Saver) -> None:
    """Save, and save the same again, which has to pay what is owed."""
    saver.save(NEW)
    saver.save(NEW, paid=True)


def two_edits(saver: Saver) -> None:
    """Edit, and edit again."""
    saver.edit(lambda doc: doc.set("version", "edited once"))
    saver.edit(lambda doc: doc.set("lines[3]", "edited twice"))


def made_removed_made_again(saver: Saver) -> None:
    """Make the directories again when they are gone: their inodes' numbers may come back."""
    saver.save(NEW)
    saver.remove_with_parents()
    saver.save(NEXT)


def loosely_then_durably(saver: Saver) -> None:
    """Save without the sync of the directory, then with all syncs."""
    saver.save(NEW, durability="none")
    saver.save(NEXT)


_IN_PLACE: tuple[Faults, ...] = ((), FULL_DISK, (FILE_SYNC,), (DIRECTORY_SYNC,), (DIRECTORY_NEVER,))
_NOT_DURABLE: tuple[Faults, ...] = ((DIRECTORY_SYNC,), (SECOND_DIRECTORY_SYNC,))


def cases() -> list[Case]:
    """Return all kinds of saves that this version of untorn knows."""
    found = [
        Case("existing", existing, once),
        Case("new", new, once),
        Case("new parents", new_parents, once, directories_forget=False),
        Case("symlinked", linked, once),
        Case("attributes, ACL, owner", decorated, once),
        Case("hard-linked", hard_linked, once),
        Case("beside an orphan", beside_an_orphan, once),
        Case("unchanged", existing, nothing),
        Case("large", existing, large, faults=((),)),
        Case("two saves", existing, once_then_again),
        Case("two saves, new parents", new_parents, once_then_again, directories_forget=False),
        Case("new parents, removed, new again", new_parents, made_removed_made_again,
             faults=((),), in_memory=False),
        Case('durability="none", then "full"', existing, loosely_then_durably),
        Case('durability="none", then "full", parents', new_parents, loosely_then_durably,
             directories_forget=False),
        Case("two edits", existing, two_edits),
        Case("not durable, then the same", existing, once_then_the_same,
             faults=_NOT_DURABLE, directories_forget=False),
        Case("not durable, then the same, new", new, once_then_the_same,
             faults=_NOT_DURABLE, directories_forget=False),
        Case("not durable, then the same, new parents", new_parents, once_then_the_same,
             faults=_NOT_DURABLE, directories_forget=False),
        Case('durability="none"', existing, once, {"durability": "none"}, metadata_kept=False),
        Case('durability="none", new', new, once, {"durability": "none"}, metadata_kept=False),
        Case('durability="none", two saves', existing, once_then_again, {"durability": "none"},
             metadata_kept=False),
    ]  # fmt: skip
    if "in_place" in WriteKeywords.__annotations__:
        found += [
            Case("in place", with_journals, once, {"in_place": JOURNALS}, faults=_IN_PLACE),
            Case("in place, two saves", with_journals, once_then_again, {"in_place": JOURNALS}, faults=((),)),
        ]
    return found
