"""Record what a save does to a directory, call by call, through ``untorn.storage.REAL``."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from evidence.disk import ROOT, DirectoryInode, Disk
from evidence.events import Linked, Made, Marked, Named, Resized, Synced, Wrote
from evidence.tree import Link, rights_and_attributes, scan
from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evidence.events import Event
    from evidence.tree import Tree

Place: TypeAlias = "tuple[int, str]"
"""A directory's inode, and a name in it."""

_LOOKING = frozenset({
    "access", "birth", "flock", "fstat", "getxattr", "listdir", "listxattr", "pread", "read", "readlink",
    "reserve", "stat", "write_back",
})  # fmt: skip
"""Calls that change nothing which a power cut could show."""


class RecordingError(AssertionError):
    """The recording does not tell what happened on the disk."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong during a recorded save.

    Attributes:
        name: What it is called in the table.
        call: The entry of the table that fails.
        code: The errno, or 0 for a write that takes half of what it is given.
        of: What kind of inode the call must be about, where it is about one.
        first: How many such calls go well before.
        times: How many then fail.
    """

    name: str
    call: str
    code: int = 0
    of: type | None = None
    first: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Promise:
    """What the target may hold from an event on, whatever happens: one of ``contents``."""

    since: int
    contents: frozenset[bytes | None]


@dataclass
class Recording:
    """What happened to a directory, and what was promised meanwhile."""

    root: Path
    image: Tree
    events: list[Event] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[int, str], None] = lambda _nth, _name: None

    def promise(self, *contents: bytes | None, since: int | None = None) -> None:
        """Note what the target holds from now on, or ``since`` an event: one of these, also after a cut."""
        self.promises.append(Promise(len(self.events) if since is None else since, frozenset(contents)))

    def promised(self, events: int) -> frozenset[bytes | None]:
        """Return what was promised when so many events had happened."""
        return next(each.contents for each in reversed(self.promises) if each.since <= events)


@contextmanager
def recorded(root: Path, *faults: Fault) -> Iterator[Recording]:
    """Record what the block does below ``root`` through the table of system calls.

    Raises:
        RecordingError: Something changed on the disk that did not go through the table,
            or through an entry that is not known here.
    """
    recording = Recording(root, scan(root), faults=list(faults))
    recorder = _Recorder(recording)
    real = dict(vars(storage.REAL))
    wrapped = {name: recorder.wrap(name, function) for name, function in real.items()}
    try:
        for name, function in wrapped.items():
            setattr(storage.REAL, name, function)
        yield recording
    finally:
        for name, function in real.items():
            setattr(storage.REAL, name, function)
    if recorder.disk.live() != scan(root):
        raise RecordingError(f"the disk holds {scan(root)}, the recorded calls leave {recorder.disk.live()}")


@dataclass(slots=True)
class _Opened:
    inode: int
    offset: int = 0
    appends: bool = False


class _Recorder:
    """Plays what happens on a disk of its own, which tells what names and descriptors mean."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.disk = Disk(recording.image)
        self._opened: dict[int, _Opened] = {}
        self._struck: dict[Fault, int] = {}

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        note = getattr(self, f"_note_{name}", None)
        if note is None and name not in _LOOKING:
            raise RecordingError(f"teach evidence.recording what the call {name!r} does to a disk")

        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  whatever the entry takes
            self.recording.calls.append(name)
            self.recording.before(len(self.recording.calls) - 1, name)
            try:
                result = self._faulty(name, function, arguments, keywords)
            except OSError:
                self._failed(name, arguments)
                raise
            if note is not None:
                note(result, *arguments, **keywords)
            return result

        return call

    # ── What goes wrong ─────────────────────────────────────────────────────

    def _faulty(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:  # noqa: ANN401  whatever the entry returns
        striking = [each for each in self.recording.faults if self._strikes(each, name, arguments)]
        if not striking:
            return function(*arguments, **keywords)
        [fault] = striking
        if fault.code:
            raise OSError(fault.code, os.strerror(fault.code))
        fd, data, *rest = arguments
        return function(fd, data[: max(1, len(data) // 2)], *rest)

    def _strikes(self, fault: Fault, name: str, arguments: tuple[Any, ...]) -> bool:
        if fault.call != name:
            return False
        if fault.of is not None:
            opened = self._opened.get(arguments[0])
            if opened is None or not isinstance(self.disk.inodes[opened.inode], fault.of):
                return False
        nth = self._struck.get(fault, 0)
        self._struck[fault] = nth + 1
        return fault.first <= nth < fault.first + fault.times

    def _failed(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "close":  # it frees the descriptor whatever it reports (close(2))
            self._opened.pop(arguments[0], None)
        if name == "fsync" and arguments[0] in self._opened:
            self._happen(Synced(self._opened[arguments[0]].inode, succeeded=False))

    # ── What names mean ─────────────────────────────────────────────────────

    def _happen(self, event: Event) -> None:
        self.disk.apply(event)
        self.recording.events.append(event)

    def _place(
        self, path: str | bytes | os.PathLike[str], dir_fd: int | None, *, follow: bool
    ) -> Place | None:
        """Return what ``path`` means; ``None`` if that is not below the root."""
        written = os.fsdecode(path)
        directory = ROOT
        if dir_fd is not None and not written.startswith("/"):
            if dir_fd not in self._opened:
                return None
            directory = self._opened[dir_fd].inode
        else:
            below = Path(os.path.abspath(written))  # noqa: PTH100  as written, no look at links
            if not below.is_relative_to(self.recording.root) or below == self.recording.root:
                return None
            written = str(below.relative_to(self.recording.root))
        return self._walk(directory, Path(written).parts, follow=follow)

    def _walk(self, directory: int, parts: tuple[str, ...], *, follow: bool) -> Place | None:
        *above, name = parts
        for part in above:
            inode = self.disk.directory(directory).live().get(part)
            if inode is None or not isinstance(self.disk.inodes[inode], DirectoryInode):
                return None
            directory = inode
        link = self.disk.inodes.get(self.disk.directory(directory).live().get(name, -1))
        if follow and isinstance(link, Link):
            raise RecordingError(f"{name!r} is a link: resolve it before you open it")
        return directory, name

    def _inode(self, place: Place) -> int | None:
        directory, name = place
        return self.disk.directory(directory).live().get(name)

    def _made(self, place: Place, where: int | Path, *, is_directory: bool) -> int:
        inode = max(self.disk.inodes) + 1
        rights, attributes = rights_and_attributes(where)
        self._happen(Made(inode, is_directory, rights, attributes))
        self._name(place, inode)
        return inode

    def _name(self, place: Place, inode: int | None) -> None:
        directory, name = place
        self._happen(Named(((directory, ((name, inode),)),)))

    # ── What calls do ───────────────────────────────────────────────────────

    def _note_open(
        self, fd: int, path: str | os.PathLike[str], flags: int, _mode: int = 0, *, dir_fd: int | None = None
    ) -> None:
        if Path(os.fsdecode(path)) == self.recording.root:
            self._opened[fd] = _Opened(ROOT)
            return
        writes = flags & (os.O_CREAT | os.O_TRUNC)
        place = self._place(path, dir_fd, follow=bool(writes) and not flags & os.O_NOFOLLOW)
        if place is None:
            return
        inode = self._inode(place)
        if inode is None and not flags & os.O_CREAT:
            raise RecordingError(f"{path!r} was opened, and should not be there")
        if inode is None:
            inode = self._made(place, fd, is_directory=False)
        elif flags & os.O_TRUNC:
            self._happen(Resized(inode, 0))
        self._opened[fd] = _Opened(inode, appends=bool(flags & os.O_APPEND))

    def _note_close(self, _result: None, fd: int) -> None:
        self._opened.pop(fd, None)

    def _note_write(self, count: int, fd: int, data: bytes | memoryview) -> None:
        opened = self._opened.get(fd)
        if opened is not None:
            if opened.appends:
                opened.offset = self.disk.file(opened.inode).size.now
            self._happen(Wrote(opened.inode, opened.offset, bytes(data[:count])))
            opened.offset += count

    def _note_pwrite(self, count: int, fd: int, data: bytes | memoryview, offset: int) -> None:
        if fd in self._opened:
            self._happen(Wrote(self._opened[fd].inode, offset, bytes(data[:count])))

    def _note_ftruncate(self, _result: None, fd: int, size: int) -> None:
        if fd in self._opened:
            self._happen(Resized(self._opened[fd].inode, size))

    def _note_fsync(self, _result: None, fd: int) -> None:
        if fd in self._opened:
            self._happen(Synced(self._opened[fd].inode, succeeded=True))

    def _note_metadata(
        self, _result: None, where: int | Path, *_arguments: object, **_keywords: object
    ) -> None:
        if not isinstance(where, int):
            raise RecordingError(f"metadata of {where} changed by name, not by descriptor")
        if where in self._opened:
            self._happen(Marked(self._opened[where].inode, *rights_and_attributes(where)))

    _note_fchmod = _note_fchown = _note_setxattr = _note_removexattr = _note_metadata

    def _note_rename(
        self,
        _result: None,
        source: str,
        target: str,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        old, new = (
            self._place(source, src_dir_fd, follow=False),
            self._place(target, dst_dir_fd, follow=False),
        )
        if old is None or new is None:
            return
        inode = self._inode(old)
        if old[0] == new[0]:
            self._happen(Named(((old[0], ((old[1], None), (new[1], inode))),)))
        else:
            self._happen(Named(((new[0], ((new[1], inode),)), (old[0], ((old[1], None),)))))

    _note_rename_new = _note_rename

    def _note_exchange(
        self, _result: None, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int
    ) -> None:
        one, other = (
            self._place(source, src_dir_fd, follow=False),
            self._place(target, dst_dir_fd, follow=False),
        )
        if one is not None and other is not None:
            assert one[0] == other[0]
            self._happen(Named(((one[0], ((one[1], self._inode(other)), (other[1], self._inode(one)))),)))

    def _note_symlink(self, _result: None, target: str, path: str, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd, follow=False)
        if place is not None:
            inode = max(self.disk.inodes) + 1
            self._happen(Linked(inode, target))
            self._name(place, inode)

    def _note_unlink(self, _result: None, path: str, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd, follow=False)
        if place is not None:
            self._name(place, None)

    _note_rmdir = _note_unlink

    def _note_mkdir(self, _result: None, path: str, _mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd, follow=False)
        if place is not None:
            where = path if dir_fd is None else f"/proc/self/fd/{dir_fd}/{os.fsdecode(path)}"
            self._made(place, Path(where), is_directory=True)
