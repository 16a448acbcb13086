"""What a process did to a directory, told by strace(1), and what a power cut would leave of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence.disk import ROOT, Bounds, Disk
from evidence.events import Made, Marked, Named, Resized, Synced, Wrote
from evidence.judging import Target, judged, plain_reader
from evidence.recording import Recording
from evidence.tree import File, Rights

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from evidence.events import Event
    from evidence.tree import Tree

SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
_CHANGES = (
    "open", "openat", "creat", *WRITES, *SYNCS, *RENAMES, "link", "linkat", "unlink", "unlinkat", "truncate",
    "ftruncate", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "copy_file_range", "sendfile",
)  # fmt: skip
# Not every machine has every one of them, which the question mark allows for.
OPTIONS = (
    "-f",
    "-y",
    "-s",
    "4096",
    "-e",
    "signal=none",
    "-e",
    "trace=" + ",".join(f"?{each}" for each in _CHANGES),
)

_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
_NAMED = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"')
_OPEN = re.compile(r"(\d+)<([^>]*)>")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded.

    Attributes:
        name: The kernel's name of it.
        paths: What it was about; one path of a descriptor, or those that were named.
        fd: The descriptor that it was about, or that it opened, else -1.
        result: What it returned.
        arguments: As strace prints them.
    """

    name: str
    paths: tuple[str, ...]
    fd: int
    result: int
    arguments: str


class TranscriptError(Exception):
    """The transcript does not tell what happened on the disk."""


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Read a transcript: ``strace -o`` with ``OPTIONS``."""
    begun: dict[str, str] = {}
    for line in lines:
        pid, _, rest = line.partition(" ")
        if line.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r" *<\.\.\. \w+ resumed>(.*)", rest)
        found = _LINE.match(f"{pid} {begun.pop(pid, '').strip()}{resumed[1]}" if resumed else line)
        if found and not found[4].startswith("-"):
            yield _call(found)


def _call(found: re.Match[str]) -> Call:
    _, name, arguments, result, opened = found.groups()
    described = _OPEN.match(arguments)
    if name in ("open", "openat", "creat"):
        return Call(name, (opened or "",), int(result), int(result), arguments)
    if described and name not in (*RENAMES, "linkat", "unlinkat", "fchmodat", "fchownat"):
        return Call(name, (described[2],), int(described[1]), int(result), arguments)
    paths = tuple(os.path.join(above, last) for above, last in _NAMED.findall(arguments))  # noqa: PTH118
    return Call(name, paths, -1, int(result), arguments)


# ── Syncs ───────────────────────────────────────────────────────────────────


def replacing(made: list[Call], target: Path) -> int:
    """Return which call renamed something to ``target``, or -1."""
    renames = [at for at, call in enumerate(made) if call.name in RENAMES and call.paths[-1] == str(target)]
    return renames[-1] if renames else -1


def content_synced(made: list[Call], target: Path) -> bool:
    """Return whether what replaced ``target`` was synced before it did, and not written to afterwards."""
    at = replacing(made, target)
    names = {made[at].paths[0] if at >= 0 else str(target)}
    before = made[:at] if at >= 0 else made
    for call in reversed(before):  # what it was called before it had that name
        if call.name in RENAMES and call.paths[-1] in names:
            names.add(call.paths[0])
    about = [call.name for call in before if len(call.paths) == 1 and call.paths[0] in names]
    last_write = max((at for at, name in enumerate(about) if name in WRITES), default=len(about))
    return any(name in SYNCS for name in about[last_write:])


def directory_sync(made: list[Call], target: Path) -> int:
    """Return the how-manieth of all syncs is that of the directory behind the rename, or 0."""
    at = replacing(made, target)
    syncs = [number for number, call in enumerate(made) if call.name in SYNCS]
    wanted = [number for number in syncs if number > at >= 0 and made[number].paths == (str(target.parent),)]
    return syncs.index(wanted[0]) + 1 if wanted else 0


# ── Power cuts ──────────────────────────────────────────────────────────────


def power_cuts(made: list[Call], target: Path, before: Tree, after: Tree) -> tuple[int, Counter[str]]:
    """Return how many states a power cut may leave of a save, and what is wrong with them.

    Raises:
        TranscriptError: The calls do not lead from ``before`` to ``after``.
    """
    old, new = before[target.name], after[target.name]
    assert isinstance(old, File)
    assert isinstance(new, File)
    replay = _Replay(target.parent, before, new.data)
    for call in made:
        replay.happen(call)
    if replay.contents() != {name: node.data for name, node in after.items() if isinstance(node, File)}:
        raise TranscriptError("the calls that were seen do not make what is on the disk")
    recording = Recording(target.parent, before, replay.events)
    recording.promise(old.data, new.data, since=0)
    recording.promise(new.data)
    aim = Target(
        target.name, frozenset({old.data, new.data}), frozenset({old.data}), new.rights, strict=False
    )
    count = judged(recording, plain_reader(aim), Bounds())
    return count.states, count.found


class _Replay:
    """The calls of a transcript, as events of a disk that holds one directory."""

    def __init__(self, root: Path, image: Tree, content: bytes) -> None:
        self.events: list[Event] = []
        self._root = str(root)
        self._content = content
        self._disk = Disk(image)
        self._offsets: dict[int, int] = {}
        self._rights: dict[int, Rights] = {}

    def contents(self) -> dict[str, bytes]:
        """Return what programs see."""
        return {name: node.data for name, node in self._disk.live().items() if isinstance(node, File)}

    def happen(self, call: Call) -> None:
        """Let a call happen, if it is about this directory."""
        names = [os.path.basename(path) for path in call.paths if os.path.dirname(path) == self._root]  # noqa: PTH119, PTH120
        if call.paths == (self._root,) and call.name in SYNCS:
            self._note(Synced(ROOT, succeeded=True))
        elif len(names) == len(call.paths):
            self._about(call, names)

    def _about(self, call: Call, names: list[str]) -> None:
        name = names[0]
        inode = self._names().get(name, -1)
        if call.name in ("open", "openat", "creat"):
            self._opened(call, name, inode)
        elif call.name in RENAMES:
            left = self._names().get(names[1]) if "RENAME_EXCHANGE" in call.arguments else None
            self._note(Named(((ROOT, ((name, left), (names[1], inode))),)))
        elif call.name in ("link", "linkat"):
            self._note(Named(((ROOT, ((names[1], inode),)),)))
        elif call.name in ("unlink", "unlinkat"):
            self._note(Named(((ROOT, ((name, None),)),)))
        elif inode >= 0:
            self._changed(call, inode)

    def _opened(self, call: Call, name: str, inode: int) -> None:
        self._offsets[call.fd] = 0
        if inode < 0 and "O_CREAT" in call.arguments:
            mode = int(call.arguments.rpartition(", ")[2], 8) & ~0o022
            new = max(self._disk.inodes) + 1
            self._rights[new] = Rights(mode, os.geteuid(), os.getegid())
            self._note(Made(new, is_directory=False, rights=self._rights[new], attributes=()))
            self._note(Named(((ROOT, ((name, new),)),)))
        elif inode >= 0 and "O_TRUNC" in call.arguments:
            self._note(Resized(inode, 0))

    def _changed(self, call: Call, inode: int) -> None:
        last = call.arguments.rpartition(", ")[2]
        if call.name in WRITES:
            offset = int(last) if call.name.startswith("p") else self._offsets.get(call.fd, 0)
            self._note(Wrote(inode, offset, self._content[offset : offset + call.result]))
            self._offsets[call.fd] = offset + call.result
        elif call.name in SYNCS:
            self._note(Synced(inode, succeeded=True))
        elif call.name in ("truncate", "ftruncate"):
            self._note(Resized(inode, int(last)))
        elif "chmod" in call.name and inode in self._rights:
            owner, group = self._rights[inode].owner, self._rights[inode].group
            self._rights[inode] = Rights(int(last, 8), owner, group)
            self._note(Marked(inode, self._rights[inode], ()))

    def _names(self) -> dict[str, int]:
        return self._disk.directory(ROOT).live()

    def _note(self, event: Event) -> None:
        self._disk.apply(event)
        self.events.append(event)
