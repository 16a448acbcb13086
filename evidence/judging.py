"""What is wrong with what a power cut left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evidence.access import wider
from evidence.disk import Bounds, Disk
from evidence.tree import File, followed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evidence.recording import Recording
    from evidence.tree import Attributes, Rights, Tree

    Contents = frozenset[bytes | None]
    Judge = Callable[[Tree, Contents], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Target:
    """The file that is saved to, as everybody knows it.

    Attributes:
        name: Its path below the root, perhaps a symbolic link.
        contents: Every content that it ever has, whole; ``None``: there is no file.
        before: What lies in any file before the save.
        rights: Who may do what with it, before and after.
        attributes: Its extended attributes, before and after.
        strict: Whether anything but these rights and attributes is wrong; else
            only what lets somebody do more.
    """

    name: str
    contents: Contents
    before: frozenset[bytes]
    rights: Rights
    attributes: Attributes = ()
    strict: bool = True


@dataclass(slots=True)
class Count:
    """What was tried, and what was found."""

    cuts: int = 0
    states: int = 0
    distinct: int = 0
    exhaustive: bool = True
    found: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def blame(self, criterion: str, example: str) -> None:
        """Count a violation; keep the first of each kind to show."""
        self.found[criterion] += 1
        self.examples.setdefault(criterion, example)

    def rename(self, naming: Callable[[str], str]) -> None:
        """Give every criterion another name."""
        self.found = Counter({naming(name): number for name, number in self.found.items()})
        self.examples = {naming(name): example for name, example in self.examples.items()}

    def add(self, other: Count) -> None:
        """Count what was tried elsewhere, too."""
        self.cuts += other.cuts
        self.states += other.states
        self.distinct += other.distinct
        self.exhaustive = self.exhaustive and other.exhaustive
        self.found += other.found
        self.examples = other.examples | self.examples


def judged(recording: Recording, judge: Judge, bounds: Bounds, *, directories_forget: bool = True) -> Count:
    """Cut the power behind every event of a recording, and judge each state that the disk may show."""
    count = Count()
    seen: set[object] = set()
    disk = Disk(recording.image, directories_forget=directories_forget)
    for cut in range(len(recording.events) + 1):
        if cut:
            disk.apply(recording.events[cut - 1])
        promised = recording.promised(cut)
        states = disk.states(bounds)
        count.cuts += 1
        count.exhaustive = count.exhaustive and states.exhaustive
        for tree in states.trees:
            count.states += 1
            key = (frozenset(tree.items()), promised)
            if key in seen:
                continue
            seen.add(key)
            count.distinct += 1
            for criterion in judge(tree, promised):
                count.blame(criterion, f"cut after {_told(recording, cut)}: {_shown(tree)}")
    return count


def _told(recording: Recording, cut: int) -> str:
    return (
        f"event {cut} of {len(recording.events)} ({recording.events[cut - 1]!r:.120})" if cut else "nothing"
    )


def _shown(tree: Tree) -> str:
    return ", ".join(f"{name}={node!r:.160}" for name, node in tree.items())


def plain_reader(target: Target) -> Judge:
    """Judge as somebody who reads the file without any help."""

    def judge(tree: Tree, promised: Contents) -> Iterator[str]:
        node = tree.get(followed(tree, target.name))
        data = node.data if isinstance(node, File) else None
        if data not in promised:
            yield _wrong(data, target)
        elif isinstance(node, File) and target.strict and _metadata(node) != _metadata(target):
            yield "metadata"
        yield from exposed(tree, target)

    return judge


def _metadata(what: File | Target) -> tuple[Rights, Attributes]:
    return what.rights, what.attributes


def _wrong(data: bytes | None, target: Target) -> str:
    if data is None:
        return "undone" if None in target.contents else "missing"
    return "undone" if data in target.contents else "torn"


def exposed(tree: Tree, target: Target) -> Iterator[str]:
    """Find new content, under whatever name, that somebody may read who may not read the target."""
    files = (node for node in tree.values() if isinstance(node, File))
    news = (node for node in files if node.data.strip(b"\0") and node.data not in target.before)
    if any(wider(node.rights, target.rights) for node in news):
        yield "wider"
