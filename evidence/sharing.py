"""Programs that change one file at the same time, and one that knows no lock: ``python -m evidence.sharing``.

Eight processes make a thousand changes each (edits and saves of keys of their own,
updates of a counter that all share), while a ninth rewrites the comments by exchange
of names and by truncate-and-write. From what all of them know at the end, the order of
all versions is put together: each change that was acknowledged has to be in it, and
what the ninth's stale writes undid is counted. Then other libraries are in the place
of untorn. The exit status is 1 if untorn lost a change.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from evidence import lineage, sharers
from evidence.children import Errand
from evidence.lineage import Save, Write
from evidence.ninth import Ninth
from evidence.shared_texts import FORMATS, TOTAL, Version, counts_in, first, text_of, version_of
from untorn.hookspecs import hookimpl
from untorn.records import Problem, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from untorn.keypath import KeyPath

_MEMORY = Path("/dev/shm")
_TIMEOUT = 120.0
VIOLATIONS = (*lineage.VIOLATIONS, "torn", "not swept")


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many programs, and how many changes each makes."""

    programs: int
    changes: int


QUICK, FULL = Amounts(4, 120), Amounts(8, 1_000)


class NotWholeError(Exception):
    """The file is being overwritten: something is missing in it."""


# ── One of the eight ────────────────────────────────────────────────────────


@dataclass
class Book:
    """What one program knows at the end.

    Attributes:
        programs: How many there are.
        format: The format of the file.
        saves: What was acknowledged.
        tried: What was not.
        refused: How often that was because somebody else had changed the same.
        halves: How often there was only a part of the file.
    """

    programs: int
    format: str
    saves: list[Save] = field(default_factory=list)
    tried: list[Version] = field(default_factory=list)
    refused: int = 0
    halves: int = 0
    _last: Save | None = None

    @hookimpl
    def untorn_validate(self, proposal: Proposal) -> list[Problem]:
        """Note what is about to be saved, and agree."""
        new = version_of(proposal.data, self.format, self.programs)
        if new is None:
            return [Problem("the file is being overwritten")]
        if self._last is not None:
            self.tried.append(self._last.new)
        self._last = Save(Version(new.note, counts_in(proposal.base, self.programs)), new)
        return []

    def acknowledged(self) -> None:
        """Note that the last proposal was saved."""
        assert self._last is not None
        self.saves.append(self._last)
        self._last = None


def edit(host: untorn.Host, path: Path, key: KeyPath) -> None:
    """Count in the block of an edit."""
    with host.edit(path, timeout=_TIMEOUT) as doc:
        _count(doc, key)


def update(host: untorn.Host, path: Path, key: KeyPath) -> None:
    """Count in a function."""
    host.update(path, lambda doc: _count(doc, key), timeout=_TIMEOUT)


def save(host: untorn.Host, path: Path, key: KeyPath) -> None:
    """Load, count, save: without a lock in between."""
    value = host.load(path)
    *above, last = key
    inner = value
    try:
        for part in above:
            inner = inner[part]
        inner[last] += 1
    except (KeyError, TypeError):
        raise NotWholeError from None
    host.save(path, value, timeout=_TIMEOUT)


def _count(doc: untorn.Document, key: KeyPath) -> None:
    try:
        count = doc.get(key)
    except untorn.KeyPathError:
        count = None
    if count is None:
        raise NotWholeError
    doc.set(key, count + 1)


def program(path: Path, at: int, amounts: Amounts) -> Book:
    """Make all changes of one program, each until it is acknowledged."""
    book = Book(amounts.programs, path.suffix[1:])
    host = untorn.Host([book])
    ways = [(edit, (f"p{at}", "edits")), (save, (f"p{at}", "saves")), (update, TOTAL)]
    for number in range(amounts.changes):
        way, key = ways[number % len(ways)]
        while not _changed(partial(way, host, path, key), book):
            pass
        book.acknowledged()
    return book


def _changed(change: Callable[[], object], book: Book) -> bool:
    try:
        change()
    except (untorn.ConflictError, untorn.RejectedError):
        book.refused += 1
        return False
    except (NotWholeError, untorn.LoadError):
        book.halves += 1
        return False
    return True


# ── All at once ─────────────────────────────────────────────────────────────


def shared(directory: Path, format: str, amounts: Amounts, *, seed: int = 0) -> Counter[str]:
    """Let all of them at one file, and judge what became of it."""
    path, stop = directory / "here" / f"shared.{format}", directory / "stop"
    path.parent.mkdir()
    path.write_bytes(text_of(first(amounts.programs), format))
    ninth = Errand(partial(Ninth(path, amounts.programs, seed).run, stop.exists))
    reader = Errand(partial(_read, path, amounts.programs, stop))
    programs = [Errand(partial(program, path, at, amounts)) for at in range(amounts.programs)]
    try:
        books = [each.result() for each in programs]
    finally:
        stop.touch()
    writes, (reads, halves) = ninth.result(), reader.result()
    found = _judged(path, amounts, books, writes)
    found["reads"] = reads
    found["read in parts, of what was written in place"] = len(halves)
    found["torn"] = sum(not _is_begun(each, writes, path.suffix[1:]) for each in halves)
    return found


def _read(path: Path, programs: int, stop: Path) -> tuple[int, list[bytes]]:
    """Read without a pause; return how often, and what was not whole."""
    reads, last, halves = 0, b"", []
    while not stop.exists():
        data = path.read_bytes()
        reads += 1
        if data != last and version_of(data, path.suffix[1:], programs) is None:
            halves.append(data)
        last = data
    return reads, halves


def _is_begun(part: bytes, writes: list[Write], format: str) -> bool:
    """Return whether this is the beginning of what was written in place: then the ninth tore it."""
    return any(each.in_place and text_of(each.written, format).startswith(part) for each in writes)


def _judged(path: Path, amounts: Amounts, books: list[Book], writes: list[Write]) -> Counter[str]:
    end = version_of(path.read_bytes(), path.suffix[1:], amounts.programs)
    saves = [each for book in books for each in book.saves]
    tried = [each for book in books for each in book.tried]
    if end is None:
        found = Counter({"saves": len(saves), "unexplained": 1})
    else:
        found = lineage.judged(first(amounts.programs), end, saves, writes, tried)
    found["refused, and made again"] = sum(book.refused for book in books)
    found["met a part of a file, and waited"] = sum(book.halves for book in books)
    untorn.update(path, lambda doc: doc.set(TOTAL, 0))
    found["not swept"] = len([*path.parent.iterdir()]) - 1
    return found


# ── Command ─────────────────────────────────────────────────────────────────


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.sharing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer programs and changes, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="what the ninth's moments depend on")
    given = parser.parse_args()
    amounts = QUICK if given.quick else FULL
    started, broken = time.monotonic(), 0
    for place, format in _stages(quick=given.quick):
        with tempfile.TemporaryDirectory(prefix="untorn-sharing-", dir=place) as name:
            found = shared(Path(name).resolve(), format, amounts, seed=given.seed)
        print(f"{format.upper()}, {'in memory' if place == _MEMORY else 'on the disk'}:")
        print(*(f"  {name}: {found[name]:,}" for name in found), sep="\n", flush=True)
        broken += sum(found[name] for name in VIOLATIONS)
    if not given.quick:
        print("\n", *(f"{line}\n" for line in sharers.table(sharers.Race())), sep="")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"violations: {broken}")
    return int(bool(broken))


def _stages(*, quick: bool) -> Iterator[tuple[Path, str]]:
    places = [Path(tempfile.gettempdir())]
    if os.access(_MEMORY, os.W_OK):
        places.insert(0, _MEMORY)
    for place in places[:1] if quick else places:
        for format in FORMATS:
            yield place, format


if __name__ == "__main__":
    sys.exit(main())
