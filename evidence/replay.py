"""What was written to a disk, in its order, and every state that a power cut may leave of it.

A disk with a volatile cache promises two things: when it says that it has flushed,
all that it had confirmed before is durable; and a sector is written or it is not.
Of everything later it may keep any part.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCK = 4096
_NOTHING = bytes(_BLOCK)


# ── The disk ────────────────────────────────────────────────────────────────


class Image:
    """The bytes of a disk, above those of another image; what was never written is zero.

    Writing leaves the image below as it is, and costs what is written, whatever the size.
    """

    def __init__(self, size: int, below: Image | None = None) -> None:
        self.size = size
        self._blocks: dict[int, bytes] = {}
        # Not the images themselves: a read is a few look-ups, however many lie below.
        self._layers: list[dict[int, bytes]] = [self._blocks, *(below._layers if below else ())]  # noqa: SLF001  its own kind

    def read(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes from ``offset`` on."""
        first, last = offset // _BLOCK, -(-(offset + count) // _BLOCK)
        found = b"".join([self._block(number) for number in range(first, last)])
        return found[offset - first * _BLOCK :][:count]

    def write(self, offset: int, data: bytes) -> None:
        """Let ``data`` stand at ``offset``."""
        first, last = offset // _BLOCK, -(-(offset + len(data)) // _BLOCK)
        before = offset - first * _BLOCK
        behind = last * _BLOCK - offset - len(data)
        if before or behind:
            data = self.read(first * _BLOCK, before) + data + self.read(offset + len(data), behind)
        for number in range(first, last):
            start = (number - first) * _BLOCK
            self._blocks[number] = data[start : start + _BLOCK]

    def _block(self, number: int) -> bytes:
        for blocks in self._layers:
            if number in blocks:
                return blocks[number]
        return _NOTHING


# ── What was written to it ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that the disk confirmed, and may hold in its cache."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """The disk says that all that it confirmed is durable."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody above the file system said something, for example that a save returned."""

    text: str


Entry: TypeAlias = Write | Flush | Mark


# ── Power cuts ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Cut:
    """What a power cut may leave.

    Attributes:
        label: Where it came, and what of the cache it left.
        said: What had been marked by the latest moment at which the cut may have come.
        image: The disk. It is good until the next cut is asked for.
    """

    label: str
    said: tuple[str, ...]
    image: Image


@dataclass(frozen=True, slots=True)
class Extent:
    """How many states are tried of each cache, and what is the smallest part of a write.

    Attributes:
        prefixes: At most so many of the writes in their order.
        subsets: So many picked at random; and so many more, each with one torn write.
        sector: Bytes that are written as a whole or not at all.
    """

    prefixes: int = 8
    subsets: int = 2
    sector: int = 512


def cuts(base: Image, log: Sequence[Entry], extent: Extent, seed: str) -> Iterator[Cut]:
    """Yield what a power cut may leave, at every flush of ``log`` and of all caches between them.

    Args:
        base: The disk before the log; it is not changed.
        log: What was written to it.
        extent: How many states to try.
        seed: What the random picks depend on.
    """
    pick = random.Random(seed)
    durable = Image(base.size, base)
    said: list[str] = []
    for number, (cache, marks) in enumerate(epochs(log)):
        said += marks
        # Of the states before the flush that ends this epoch: that all was kept
        # is the first state of the next one, of which more is demanded.
        for label, kept in caches(cache, extent, pick):
            image = Image(base.size, durable)
            for write in kept:
                image.write(write.offset, write.data)
            yield Cut(f"flush {number}, {label}", tuple(said), image)
        for write in cache:
            durable.write(write.offset, write.data)
    yield Cut("everything", tuple(said), Image(base.size, durable))


def epochs(log: Sequence[Entry]) -> Iterator[tuple[list[Write], list[str]]]:
    """Yield what was written and said between one flush and the next; a flush of nothing ends nothing."""
    cache: list[Write] = []
    marks: list[str] = []
    for entry in log:
        if isinstance(entry, Write):
            cache.append(entry)
        elif isinstance(entry, Mark):
            marks.append(entry.text)
        elif cache:
            yield cache, marks
            cache, marks = [], []
    yield cache, marks


def caches(
    cache: Sequence[Write], extent: Extent, pick: random.Random
) -> Iterator[tuple[str, Sequence[Write]]]:
    """Yield what may be left of a cache that is lost: nothing, a beginning, any part; but not all of it."""
    yield f"none of {len(cache)} writes", []
    if not cache:
        return
    lengths = range(1, len(cache))
    for length in sorted(pick.sample(lengths, min(len(lengths), extent.prefixes))):
        yield f"the first {length} of {len(cache)} writes", cache[:length]
    for _ in range(extent.subsets):
        yield _some(cache, pick)
        yield _some_torn(cache, extent.sector, pick)


def _some(cache: Sequence[Write], pick: random.Random) -> tuple[str, list[Write]]:
    chosen = [number for number in range(len(cache)) if pick.getrandbits(1)]
    return f"of {len(cache)} writes {chosen}", [cache[number] for number in chosen]


def _some_torn(cache: Sequence[Write], sector: int, pick: random.Random) -> tuple[str, list[Write]]:
    """Keep some writes as they are, and of one of the others some sectors."""
    label, kept = _some(cache, pick)
    number = pick.randrange(len(cache))
    torn = cache[number]
    parts = [part for part in sectors(torn, sector) if pick.getrandbits(1)]
    before = [write for write in cache[:number] if write in kept]
    behind = [write for write in cache[number + 1 :] if write in kept]
    return f"{label}, and {len(parts)} sectors of {number}", [*before, *parts, *behind]


def sectors(write: Write, size: int) -> Iterator[Write]:
    """Yield the parts of a write that are each written as a whole or not at all."""
    start = 0
    while start < len(write.data):
        stop = size - (write.offset + start) % size + start
        yield Write(write.offset + start, write.data[start:stop])
        start = stop
