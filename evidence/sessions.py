"""One save on an observed disk, and what a cut of its power may leave of it.

What must hold after each cut, once the file system came back: the file is as it was
before the save or as it was after it, in bytes, mode, owner, attributes and link;
it is the new one if the save had returned; and untorn's next save works and sweeps.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import untorn
from evidence.calls import watched
from evidence.children import exit_code, forked
from evidence.observed import commit_btrfs, sync_all, write_back
from evidence.replay import Cut, Entry, Extent, Image, Write, cuts
from evidence.targets import WAYS, Target, content, target_of
from evidence.trials import next_save_of, seen
from evidence.writers import WRITERS
from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from evidence.filesystems import Disk, Neighbours

_SECONDS = 300
"""How long a child may take for what takes milliseconds; a machine that is busy is no violation."""


def _unchanged(target: Target) -> None:
    assert target.before is not None
    untorn.write_bytes(target.path, target.before, timeout=0, **target.keywords)


UNTORN: dict[str, Callable[[Target], object]] = {**WAYS, "unchanged": _unchanged}
"""The ways in which untorn saves here."""

_CHANGES = {
    "open", "write", "pwrite", "ftruncate", "reserve", "fsync", "fchmod", "fchown", "rename", "rename_new",
    "exchange", "symlink", "unlink", "mkdir", "rmdir", "setxattr", "removexattr",
}  # fmt: skip
"""The calls behind which a disk may look otherwise than before them."""

_STARTED, _RETURNED = "started", "returned"
_DIRECTORIES = 3


@dataclass(frozen=True, slots=True)
class Session:
    """What is saved, how, and beside whom.

    Attributes:
        writer: Who saves: a name of ``UNTORN``, or of ``writers.WRITERS``.
        kind: One of ``targets.KINDS``.
        neighbours: What happens beside it, after each system call that changes
            something: nothing (``"idle"``); the kernel writes the bytes of the file and
            of its temp (``"flusher"``); a file in another directory is written and synced
            (``"busy"``), so that ext4 and XFS commit their journals; or a file system that
            does not do so then commits all the same (``"commits"``, btrfs). Kernels do
            all of this at any time.
    """

    writer: str
    kind: str
    neighbours: Neighbours

    @property
    def of_untorn(self) -> bool:
        """Whether it is untorn who saves."""
        return self.writer in UNTORN

    def __str__(self) -> str:
        return f"{self.writer}, {self.kind}, {self.neighbours}"


@dataclass(frozen=True, slots=True)
class Look:
    """What can be seen of a file; ``data`` is ``None`` where there is none."""

    data: bytes | None
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    attributes: tuple[tuple[str, bytes], ...] = ()
    linked: bool = True

    def __str__(self) -> str:
        if self.data is None:
            return "no file"
        link = "" if self.linked else ", and the link is gone"
        return f"{len(self.data)} bytes {self.data[:30]!r}, mode {self.mode:o}, {dict(self.attributes)}{link}"


def look(target: Target) -> Look:
    """Look at a target as a reader would: at a journalled one through untorn."""
    linked = target.path == target.file or target.path.is_symlink()
    data = seen(target)
    try:
        status = target.file.stat()
        names = os.listxattr(target.file)
    except FileNotFoundError:
        return Look(None, linked=linked)
    attributes = tuple((name, os.getxattr(target.file, name)) for name in sorted(names))
    return Look(data, stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid), attributes, linked)


@dataclass(frozen=True, slots=True)
class Recording:
    """A session that was recorded.

    Attributes:
        base: The disk when the save began, everything synced.
        log: What was written to it since.
        target: What was saved to.
        before: What could be seen of it before the save.
        after: The same, after it.
    """

    base: Image
    log: list[Entry]
    target: Target
    before: Look
    after: Look


# ── Recording ───────────────────────────────────────────────────────────────


def record(session: Session, disk: Disk) -> Recording:
    """Run a session on a new file system of ``disk``, and return what reached the disk.

    Raises:
        RuntimeError, EOFError: The child that saves failed.
        TimeoutError: It hangs.
    """
    ours, theirs = multiprocessing.Pipe()
    with disk.mounted() as point, _child(_Saver(session, point, theirs).run):
        theirs.close()
        target, before = _received(ours)
        base = disk.observed.begin()
        ours.send("go on")
        while isinstance(said := _received(ours), str):
            disk.observed.mark(said)
            ours.send("go on")
        log = disk.observed.forget()
    return Recording(base, log, target, before, said)


@contextmanager
def _child(task: Callable[[], object]) -> Iterator[None]:
    """Run ``task`` in a forked child, which ends with the block: by itself, unless the block fails."""
    child = forked(task)
    try:
        yield
    except BaseException:
        os.kill(child, signal.SIGKILL)
        exit_code(child)
        raise
    code = exit_code(child)
    if code != 0:
        raise RuntimeError(f"a child ended with {code}")


def _received(channel: Connection) -> Any:  # noqa: ANN401  whatever a child has to say
    if not channel.poll(_SECONDS):
        raise TimeoutError(f"a child said nothing for {_SECONDS} s")
    return channel.recv()


def answered(task: Callable[[], object]) -> Any:  # noqa: ANN401  whatever the task returns
    """Return what ``task`` returns in a forked child, which is killed if it takes too long."""
    ours, theirs = multiprocessing.Pipe()
    with _child(lambda: theirs.send(task())):
        theirs.close()
        return _received(ours)


class _Saver:
    """The child: what happens on the mounted file system."""

    def __init__(self, session: Session, point: Path, channel: Connection) -> None:
        self._session = session
        self._point = point
        self._channel = channel
        self._written = 0

    def run(self) -> None:
        """Make the target, save, and tell at each step how far it got."""
        target = target_of(self._session.kind, self._point / "place")
        for number in range(_DIRECTORIES):
            (self._point / f"elsewhere-{number}").mkdir()
        self._write_elsewhere(sync=True)
        sync_all(self._point)
        self._say((target, look(target)))
        self._say(_STARTED)
        with watched(after=self._neighbour):
            self._save(target)
        self._say(_RETURNED)
        for _ in range(_DIRECTORIES):
            self._neighbour(0, "fsync")
        self._channel.send(look(target))

    def _save(self, target: Target) -> None:
        if self._session.of_untorn:
            UNTORN[self._session.writer](target)
            return
        writer = next(each for each in WRITERS if each.name == self._session.writer)
        writer.write(target.path, content(2, large=target.large), storage.REAL)

    def _neighbour(self, _nth: int, name: str) -> None:
        neighbours = self._session.neighbours
        if neighbours == "idle" or name not in _CHANGES:
            return
        if neighbours == "flusher":
            write_back(self._point / "place")
            return
        self._write_elsewhere(sync=neighbours == "busy")
        if neighbours == "commits":
            commit_btrfs(self._point)

    def _write_elsewhere(self, *, sync: bool) -> None:
        """Write something that has nothing to do with the target: a new file, or an old one."""
        directory = self._point / f"elsewhere-{self._written % _DIRECTORIES}"
        name = str(self._written if self._written % 2 else 0)
        fd = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(fd, b"something else" * 300)
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        self._written += 1

    def _say(self, what: object) -> None:
        self._channel.send(what)
        self._channel.recv()  # so that it is in the log before anything else happens


# ── Judging ─────────────────────────────────────────────────────────────────


@dataclass
class Verdict:
    """What came of the cuts of one session, or of several.

    Attributes:
        cuts: How many were tried.
        violations: What was wrong after one of them, in sentences.
        lost: Cuts after which the file system could not be mounted.
        checked: Cuts after which the file system's own checker ran.
        damaged: What it complained of.
    """

    cuts: int = 0
    violations: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    checked: int = 0
    damaged: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Count what another one counted, too."""
        self.cuts += other.cuts
        self.checked += other.checked
        self.violations += other.violations
        self.lost += other.lost
        self.damaged += other.damaged


def judge(session: Session, disk: Disk, extent: Extent, *, check_each: int, first_only: bool) -> Verdict:
    """Record a session, and try every cut.

    Args:
        session: What to record.
        disk: Where; it holds an empty file system, and will again.
        extent: How many cuts.
        check_each: Let the file system's checker run after each so manieth cut.
        first_only: Whether the first violation is enough.
    """
    empty = disk.observed.begin()
    recording = record(session, disk)
    verdict = Verdict(violations=[f"{session}: {each}" for each in not_kept(session, recording)])
    for cut in cuts(recording.base, recording.log, extent, str(session)):
        if first_only and verdict.violations:
            break
        _show(disk, cut.image)
        _judge_cut(session, disk, recording, cut, verdict)
        if verdict.cuts % check_each == 0:
            disk.drop_cache()
            verdict.checked += 1
            verdict.damaged += [f"{session}: {cut.label}: {each}" for each in [disk.damage()] if each]
    _show(disk, empty)
    return verdict


def not_kept(session: Session, recording: Recording) -> Iterator[str]:
    """Yield what the save got wrong although the power stayed."""
    before, after = recording.before, recording.after
    number = 1 if session.writer == "unchanged" else 2
    if after.data is None or json.loads(after.data)["n"] != number:
        yield f"it returned, and there is {after}"
    if before.data is not None and _metadata(before) != _metadata(after):
        yield f"it was {before}, and became {after}"
    written = any(isinstance(entry, Write) for entry in recording.log)
    if written and (session.writer, session.neighbours) == ("unchanged", "idle"):
        yield "nothing had changed, and something was written"


def _metadata(seen: Look) -> tuple[object, ...]:
    return seen.mode, seen.owner, seen.attributes, seen.linked


def allowed(recording: Recording, said: tuple[str, ...]) -> list[Look]:
    """Return what may be seen after a cut that came when so much had been said."""
    if _STARTED not in said:
        return [recording.before]
    return [recording.after] if _RETURNED in said else [recording.before, recording.after]


def _show(disk: Disk, image: Image) -> None:
    disk.drop_cache()
    disk.observed.image = Image(image.size, image)


def _judge_cut(session: Session, disk: Disk, recording: Recording, cut: Cut, verdict: Verdict) -> None:
    verdict.cuts += 1
    found = answered(lambda: _come_back(session, disk, recording, cut))
    if isinstance(found, str):
        verdict.lost.append(f"{session}: {cut.label}: {found}")
    else:
        verdict.violations += [f"{session}: {cut.label}, {'/'.join(cut.said)}: {each}" for each in found]


def _come_back(session: Session, disk: Disk, recording: Recording, cut: Cut) -> list[str] | str:
    """Mount what the cut left, look, and save again; a string says why it cannot be mounted."""
    found = []
    try:
        with disk.mounted():
            there = look(recording.target)
            if there not in allowed(recording, cut.said):
                found.append(f"there is {there}")
            if session.of_untorn:
                found += next_save_of(recording.target)
    except OSError as error:
        return str(error)
    return found
