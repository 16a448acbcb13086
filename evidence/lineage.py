"""From the first version of a shared file to its last, step by step: who was heard, and who was lost.

Each step is a save that was acknowledged, or a write of the program that knows no
lock and has kept what it replaced. All of the former have to be on the way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evidence.shared_texts import Version


@dataclass(frozen=True, slots=True)
class Save:
    """A change that was acknowledged: from which version to which."""

    base: Version
    new: Version


@dataclass(frozen=True, slots=True)
class Write:
    """A write of the program that knows no lock.

    Attributes:
        read: What it had read, and changed the comments of.
        replaced: What was there when it wrote.
        written: What it wrote.
        in_place: Whether it truncated the file and wrote, instead of exchanging it.
        gone: Whether nothing led to the file any more that it wrote in place.
    """

    read: Version
    replaced: Version
    written: Version
    in_place: bool = False
    gone: bool = False


VIOLATIONS = ("lost", "twice", "unexplained", "set back")


def judged(
    begin: Version, end: Version, saves: Sequence[Save], writes: Sequence[Write], tried: Iterable[Version]
) -> Counter[str]:
    """Go back from the last version to the first, and count.

    Args:
        begin: The first version.
        end: The last one.
        saves: All that were acknowledged.
        writes: Those of the other program, in their order.
        tried: What saves would have made of the file that were not acknowledged.
    """
    way = _Way(begin, saves, writes, tried)
    unexplained = way.walk(end)
    passed = set(way.saves)
    lost_writes = [each for each in writes if each not in set(way.writes)]
    bases = {each.base for each in way.saves}
    late = [each for each in lost_writes if each.in_place and (each.gone or each.replaced in bases)]
    return Counter({
        "saves": len(saves),
        "writes by exchange": sum(not each.in_place for each in writes),
        "writes in place": sum(each.in_place for each in writes),
        "of these into a file replaced since it was opened": len(late),
        "saves that stale writes undid": sum(_stale(each, 1) for each in way.writes),
        "refused saves that writes brought back": sum(_stale(each, -1) for each in way.writes),
        "lost": sum(each not in passed for each in saves) if not unexplained else 0,
        "twice": len(saves) - len(set(saves)),
        "unexplained": int(unexplained),
        "set back": len(lost_writes) - len(late) if not unexplained else 0,
    })  # fmt: skip


def _stale(write: Write, sign: int) -> int:
    pairs = zip(write.replaced.counts, write.read.counts, strict=True)
    return sum(max(0, sign * (there - read)) for there, read in pairs)


class _Way:
    def __init__(
        self, begin: Version, saves: Sequence[Save], writes: Sequence[Write], tried: Iterable[Version]
    ) -> None:
        self._begin = begin
        self._saves = {each.new: each for each in saves}
        self._writes = {each.written: each for each in writes}
        self._in_order = list(writes)
        self._tried = set(tried)
        self.saves: list[Save] = []
        self.writes: list[Write] = []

    def walk(self, at: Version) -> bool:
        """Go from ``at`` to the beginning; return whether there is a version that nobody made."""
        seen: set[Version] = set()
        while at != self._begin:
            if at in seen:
                return True
            seen.add(at)
            if at in self._saves:
                self.saves.append(self._saves[at])
                at = self._saves[at].base
            elif at in self._writes:
                self.writes.append(self._writes[at])
                at = self._before(self._writes[at])
            else:
                return True
        return False

    def _before(self, write: Write) -> Version:
        """Return what a write really replaced.

        While a save looks at what it exchanged, its own content has the name. Who
        replaces that one replaces what the save would have given back: the write
        before, for only that one makes it give anything back.
        """
        known = write.replaced in self._saves or write.replaced in self._writes
        if known or write.replaced == self._begin or write.replaced not in self._tried:
            return write.replaced
        earlier = self._in_order[: self._in_order.index(write)]
        there = (each.written for each in reversed(earlier) if not each.gone)
        return next(there, self._begin)
