"""A disk that promises no more than POSIX does, and every state that it may show after a power cut.

What was changed since the last sync may be on the disk or not, each piece by
itself; the kernel may have written any of it at any time:

* Of a file, each **sector** of 512 bytes shows any content that it has had since
  the last successful sync of the file; so does its **size**, which may run ahead of
  the data (zeros) or lag behind it (cut off); so do its **rights** and its
  **attributes**. That the file has a name by now changes nothing.
* Of a directory, any subset of the **changes of its names** since its last
  successful sync, as long as changes of one and the same name keep their order.
  A rename within one directory is one change: old or new, never neither. One
  between two directories is one change in each.
* A sync of a file says nothing of its name, a sync of a directory nothing of its
  own name, nor of the files in it.
* A **failed sync** promises nothing and marks everything clean: the next successful
  one does not write what was given up, unless it was changed again.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from evidence.events import Event, Linked, Made, Marked, Named, Resized, Synced, Wrote
from evidence.tree import Attributes, Directory, File, Link, Rights, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SECTOR = 512
_ZEROS = bytes(SECTOR)
_STEPS = 8
"""In how many steps, at most, one write(2) is seen to lengthen a file."""

T = TypeVar("T")


# ── Pieces that persist by themselves ───────────────────────────────────────


class Cell(Generic[T]):
    """Something that is on the disk in any version since the last successful sync."""

    def __init__(self, value: T) -> None:
        self._versions = [value]
        self._dirty = False

    @property
    def now(self) -> T:
        """What a program sees."""
        return self._versions[-1]

    def put(self, value: T) -> None:
        """Change it."""
        self._versions.append(value)
        self._dirty = True

    def sync(self, *, succeeded: bool) -> None:
        """Let a sync return."""
        if succeeded and self._dirty:
            del self._versions[:-1]
        self._dirty = False

    def shown(self) -> list[T]:
        """What a power cut may leave, oldest first."""
        return list(dict.fromkeys(self._versions))


class FileInode:
    """The sectors, the size and the metadata of a file."""

    def __init__(self, node: File) -> None:
        self.size = Cell(len(node.data))
        self.rights = Cell(node.rights)
        self.attributes = Cell(node.attributes)
        self.sectors = [Cell(_padded(part)) for part in _parts(node.data)]

    def write(self, offset: int, data: bytes) -> None:
        """Take bytes, and more sectors if need be."""
        end = offset + len(data)
        self._reach(end)
        for number in range(offset // SECTOR, -(-end // SECTOR)):
            start = number * SECTOR
            sector = bytearray(self.sectors[number].now)
            first, last = max(offset, start), min(end, start + SECTOR)
            sector[first - start : last - start] = data[first - offset : last - offset]
            self.sectors[number].put(bytes(sector))
        if end > self.size.now:
            for size in _steps(self.size.now, end):
                self.size.put(size)

    def resize(self, size: int) -> None:
        """Cut it off, or lengthen it with zeros."""
        self._reach(size)
        for number in range(size // SECTOR, len(self.sectors)):
            kept = self.sectors[number].now[: max(0, size - number * SECTOR)]
            self.sectors[number].put(_padded(kept))
        self.size.put(size)

    def _reach(self, size: int) -> None:
        while len(self.sectors) * SECTOR < size:
            self.sectors.append(Cell(_ZEROS))

    def sync(self, *, succeeded: bool) -> None:
        """Let a sync return."""
        cells: list[Cell[int] | Cell[Rights] | Cell[Attributes] | Cell[bytes]]
        cells = [self.size, self.rights, self.attributes, *self.sectors]
        for cell in cells:
            cell.sync(succeeded=succeeded)

    def live(self) -> File:
        """Return what programs see."""
        data = b"".join(sector.now for sector in self.sectors)[: self.size.now]
        return File(data, self.rights.now, self.attributes.now)


def _parts(data: bytes) -> list[bytes]:
    return [data[start : start + SECTOR] for start in range(0, len(data), SECTOR)]


def _padded(part: bytes) -> bytes:
    return part.ljust(SECTOR, b"\0")


def _steps(size: int, end: int) -> list[int]:
    """Return sizes on the way from ``size`` to ``end``: whole sectors, then the end itself."""
    between = range((size // SECTOR + 1) * SECTOR, end, SECTOR)
    return [*between[:: max(1, -(-len(between) // _STEPS))], end]


@dataclass(slots=True)
class _Change:
    """A change of a directory's names that is not known to be on the disk."""

    names: Mapping[str, int | None]
    given_up: bool = False  # by a failed sync

    def touches(self, other: _Change) -> bool:
        return not self.names.keys().isdisjoint(other.names)


class DirectoryInode:
    """The names in a directory: those on the disk, and the changes since."""

    def __init__(self, node: Directory, *, forgets: bool) -> None:
        self.rights = Cell(node.rights)
        self.attributes = Cell(node.attributes)
        self._names: dict[str, int] = {}
        self._changes: list[_Change] = []
        self._forgets = forgets

    def change(self, names: Mapping[str, int | None]) -> None:
        """Let names lead elsewhere, in one change."""
        self._changes.append(_Change(names))

    def sync(self, *, succeeded: bool) -> None:
        """Let a sync return."""
        self.rights.sync(succeeded=succeeded)
        self.attributes.sync(succeeded=succeeded)
        if not succeeded:
            for change in self._changes:
                change.given_up = change.given_up or self._forgets
            return
        written = self._closed({at for at, change in enumerate(self._changes) if not change.given_up})
        self._names = self._with(written)
        self._changes = [change for at, change in enumerate(self._changes) if at not in written]

    def live(self) -> dict[str, int]:
        """Return what programs see."""
        return self._with(range(len(self._changes)))

    def shown(self, bounds: Bounds) -> tuple[list[dict[str, int]], bool]:
        """Return what a power cut may leave, and whether that is all of it."""
        count = len(self._changes)
        subsets: Iterable[set[int]]
        whole = 2**count <= bounds.names
        if whole:
            bits = range(2**count)
            subsets = ({at for at in range(count) if bit >> at & 1} for bit in bits)
        else:
            pick = random.Random(bounds.seed)
            prefixes = [set(range(at)) for at in range(count + 1)]
            samples = [
                {at for at in range(count) if pick.random() < pick.random()} for _ in range(bounds.names)
            ]
            subsets = [*prefixes, *samples]
        closed = {frozenset(self._closed(subset)) for subset in subsets}
        views = {tuple(sorted(self._with(sorted(subset)).items())) for subset in closed}
        return [dict(view) for view in sorted(views)], whole

    def _closed(self, subset: set[int]) -> set[int]:
        """Add the earlier changes of the same names: the disk shows one name's changes in order."""
        result = set(subset)
        for at in sorted(subset, reverse=True):
            result |= self._before(at)
        return result

    def _before(self, at: int) -> set[int]:
        found = {at}
        for earlier in range(at - 1, -1, -1):
            if any(self._changes[earlier].touches(self._changes[later]) for later in found):
                found.add(earlier)
        return found

    def _with(self, subset: Iterable[int]) -> dict[str, int]:
        names = dict(self._names)
        for at in sorted(subset):
            for name, inode in self._changes[at].names.items():
                if inode is None:
                    names.pop(name, None)
                else:
                    names[name] = inode
        return names


# ── The disk ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Bounds:
    """Up to how many states everything is tried; beyond, samples are.

    Attributes:
        contents: Of one file's contents at one cut.
        names: Of one directory's names at one cut.
        trees: Of the whole disk at one cut.
        samples: How many of one file's contents are then drawn instead.
        seed: What they are drawn with.
    """

    contents: int = 5_000
    names: int = 4_096
    trees: int = 50_000
    samples: int = 500
    seed: int = 1


@dataclass(slots=True)
class States:
    """What a power cut may leave, and whether that is all of it."""

    trees: Iterator[Tree]
    exhaustive: bool


ROOT = 0


@dataclass
class Disk:
    """A disk to which events happen.

    Args:
        image: What is on it, all of it safely.
        directories_forget: Whether a directory, too, is marked clean by a sync that
            fails. File systems with a journal stop at such an error instead.
    """

    image: Tree
    directories_forget: bool = True
    inodes: dict[int, FileInode | DirectoryInode | Link] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        rights = Rights(0o755, 0, 0)
        self.inodes[ROOT] = DirectoryInode(Directory(rights), forgets=self.directories_forget)
        numbers = {"": ROOT}
        for number, (name, node) in enumerate(self.image.items(), start=1):
            self.inodes[number] = self._inode(node)
            numbers[name] = number
            above, _, last = name.rpartition("/")
            self.directory(numbers[above]).change({last: number})
        for inode in numbers.values():
            self.apply(Synced(inode, succeeded=True))

    def _inode(self, node: File | Directory | Link) -> FileInode | DirectoryInode | Link:
        if isinstance(node, File):
            return FileInode(node)
        return DirectoryInode(node, forgets=self.directories_forget) if isinstance(node, Directory) else node

    def directory(self, inode: int) -> DirectoryInode:
        """Return the directory of this number."""
        found = self.inodes[inode]
        assert isinstance(found, DirectoryInode)
        return found

    def file(self, inode: int) -> FileInode:
        """Return the file of this number."""
        found = self.inodes[inode]
        assert isinstance(found, FileInode)
        return found

    def apply(self, event: Event) -> None:
        """Let ``event`` happen."""
        match event:
            case Made(inode, is_directory, rights, attributes):
                node = Directory(rights, attributes) if is_directory else File(b"", rights, attributes)
                self.inodes[inode] = self._inode(node)
            case Linked(inode, target):
                self.inodes[inode] = Link(target)
            case Wrote(inode, offset, data):
                self.file(inode).write(offset, data)
            case Resized(inode, size):
                self.file(inode).resize(size)
            case Marked(inode, rights, attributes):
                self._mark(inode, rights, attributes)
            case Named(changes):
                for directory, names in changes:
                    self.directory(directory).change(dict(names))
            case Synced(inode, succeeded):
                synced = self.inodes[inode]
                if not isinstance(synced, Link):
                    synced.sync(succeeded=succeeded)

    def _mark(self, inode: int, rights: Rights, attributes: Attributes) -> None:
        marked = self.inodes[inode]
        assert not isinstance(marked, Link)
        marked.rights.put(rights)
        marked.attributes.put(attributes)

    def live(self) -> Tree:
        """Return what programs see."""
        names = {number: node.live() for number, node in self._directories()}
        tree: Tree = {}
        for path, inode in _walk(names, ROOT, ""):
            node = self.inodes[inode]
            if isinstance(node, DirectoryInode):
                tree[path] = Directory(node.rights.now, node.attributes.now)
            else:
                tree[path] = node if isinstance(node, Link) else node.live()
        return tree

    def states(self, bounds: Bounds) -> States:
        """Return every state that the disk may show if the power is cut now."""
        shown = {number: node.shown(bounds) for number, node in self._directories()}
        nodes: dict[int, list[File | Directory | Link]] = {}
        exhaustive = all(whole for _, whole in shown.values())
        for number, inode in self.inodes.items():
            nodes[number], whole = _nodes(inode, bounds)
            exhaustive = exhaustive and whole
        shapes = [_walk(dict(zip(shown, views, strict=True)), ROOT, "") for views in
                  itertools.product(*(views for views, _ in shown.values()))]  # fmt: skip
        distinct = list(dict.fromkeys(tuple(shape) for shape in shapes))
        total = sum(math.prod(len(nodes[inode]) for _, inode in shape) for shape in distinct)
        if total > bounds.trees:
            return States(_sampled_trees(distinct, nodes, bounds), exhaustive=False)
        return States(_all_trees(distinct, nodes), exhaustive)

    def _directories(self) -> Iterator[tuple[int, DirectoryInode]]:
        for number, inode in self.inodes.items():
            if isinstance(inode, DirectoryInode):
                yield number, inode


Shape: TypeAlias = "Sequence[tuple[str, int]]"
"""Which paths there are, and the inodes that they lead to."""


def _walk(names: Mapping[int, Mapping[str, int]], directory: int, above: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name, inode in sorted(names[directory].items()):
        path = f"{above}{name}"
        found.append((path, inode))
        if inode in names:
            found += _walk(names, inode, f"{path}/")
    return found


def _all_trees(shapes: Iterable[Shape], nodes: Mapping[int, list[File | Directory | Link]]) -> Iterator[Tree]:
    for shape in shapes:
        paths = [path for path, _ in shape]
        for chosen in itertools.product(*(nodes[inode] for _, inode in shape)):
            yield dict(zip(paths, chosen, strict=True))


def _sampled_trees(
    shapes: Sequence[Shape], nodes: Mapping[int, list[File | Directory | Link]], bounds: Bounds
) -> Iterator[Tree]:
    """Draw trees; of each shape there is one of all that is oldest, and one of all that is newest."""
    pick = random.Random(bounds.seed)
    for shape in shapes:
        for age in (0, -1):
            yield {path: nodes[inode][age] for path, inode in shape}
        for _ in range(-(-bounds.trees // len(shapes))):
            yield {path: pick.choice(nodes[inode]) for path, inode in shape}


# ── The contents of one file ────────────────────────────────────────────────


def _nodes(
    inode: FileInode | DirectoryInode | Link, bounds: Bounds
) -> tuple[list[File | Directory | Link], bool]:
    """Return what a power cut may leave of one inode, and whether that is all of it."""
    if isinstance(inode, Link):
        return [inode], True
    metadata = itertools.product(inode.rights.shown(), inode.attributes.shown())
    if isinstance(inode, DirectoryInode):
        return [Directory(*each) for each in metadata], True
    contents, whole = _contents(inode, bounds)
    return [File(data, *each) for each in metadata for data in contents], whole


def _contents(inode: FileInode, bounds: Bounds) -> tuple[list[bytes], bool]:
    found: dict[bytes, None] = {}
    exhaustive = True
    for size in inode.size.shown():
        cells = [sector.shown() for sector in inode.sectors[: -(-size // SECTOR)]]
        missing = max(0, size - len(cells) * SECTOR)
        whole = math.prod(map(len, cells)) <= bounds.contents
        exhaustive = exhaustive and whole
        choices = itertools.product(*cells) if whole else _sampled(cells, bounds)
        for chosen in choices:
            found[(b"".join(chosen) + bytes(missing))[:size]] = None
    return list(found), exhaustive


def _sampled(cells: Sequence[Sequence[bytes]], bounds: Bounds) -> Iterator[tuple[bytes, ...]]:
    """Try every version for every *class* of sectors, then draw.

    The classes: the first sector, the last, and of those between every other one.
    """
    classes = [0 if at == 0 else 3 if at == len(cells) - 1 else 1 + at % 2 for at in range(len(cells))]
    most = min(max(map(len, cells)), 4)
    for ages in itertools.product(range(most), repeat=4):
        yield tuple(
            cell[-1 - min(ages[kind], len(cell) - 1)] for cell, kind in zip(cells, classes, strict=True)
        )
    pick = random.Random(bounds.seed)
    for _ in range(bounds.samples):
        yield tuple(pick.choice(cell) for cell in cells)
