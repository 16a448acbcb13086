"""What crashed saves left behind, as ``untorn recover`` shows it: each orphan, and what it would change."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from untorn.cli.colours import BOLD, painted, painted_diff
from untorn.cli.phrases import at, printable, sized
from untorn.errors import LoadError, ReadError
from untorn.loading import MAX_BYTES, read
from untorn.storage.orphans import Orphan, content_of, orphans_in, orphans_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from untorn.records import Revision, Snapshot

SHOWN = 8
"""How much of an orphan's id is shown."""

_MOST_LINES = 5_000
"""From how many lines on a diff is not made: it would take minutes."""

_STATES = {False: "incomplete", None: "unreadable"}
_CONTENTS = {
    "new": "complete",
    "before": "what the file held before",
    "foreign": "what another program wrote",
}


@dataclass(frozen=True, slots=True)
class Leftover:
    """An orphan, and what it stands beside.

    Attributes:
        orphan: The orphan.
        current: What its file holds now; ``None`` where that cannot be read, or where
            nobody knows which file it is.
        data: What the orphan holds, if that is provably all that it should.
    """

    orphan: Orphan
    current: Snapshot | None
    data: bytes | None

    @property
    def is_of_use(self) -> bool:
        """Whether it could be restored, and that would change something."""
        return (
            self.data is not None
            and self.current is not None
            and not self.orphan.untouchable
            and self.data != self.current.data
        )

    @property
    def state(self) -> str:
        """What it is, in a few words."""
        return state_of(self.orphan)


def state_of(orphan: Orphan) -> str:
    """Return what an orphan is, in a few words."""
    if orphan.alive:
        return "being written right now"
    return _CONTENTS[orphan.holds] if orphan.complete else _STATES[orphan.complete]


def leftovers_at(path: Path, in_place: Path | None = None) -> list[Leftover]:
    """Return what lies at a file, or at all files in a directory.

    Args:
        path: The file or directory, links resolved.
        in_place: The directory of journals, for a file that is written in place.

    Raises:
        ReadError: The directory cannot be read.
    """
    find = orphans_in if path.is_dir() else orphans_of
    orphans = find(path, limit=MAX_BYTES)
    current = {target: _current(target, in_place) for target in {each.target for each in orphans}}
    return [Leftover(each, current[each.target], _data_of(each)) for each in orphans]


def _current(target: Path | None, in_place: Path | None) -> Snapshot | None:
    if target is None:
        return None
    try:
        return read(target, in_place)
    except (LoadError, OSError):
        return None


def _data_of(orphan: Orphan) -> bytes | None:
    if not orphan.complete or orphan.alive:
        return None
    try:
        return content_of(orphan, limit=MAX_BYTES)
    except ReadError:
        return None


def spelled(revision: Revision) -> str:
    """Return a revision as ``--base`` takes it."""
    return "none" if revision.digest is None else str(revision)


# ── For people ──────────────────────────────────────────────────────────────


def orphan_lines(found: Sequence[Leftover]) -> Iterator[str]:
    """Yield what is to be said about orphans, file by file."""
    for target in dict.fromkeys(each.orphan.target for each in found):
        yield from _of_target(target, [each for each in found if each.orphan.target == target])


def _of_target(target: Path | None, found: Sequence[Leftover]) -> Iterator[str]:
    name = "a file with a longer name, which is not here" if target is None else printable(target)
    yield painted(f"{name}: {_now(target, found[0].current)}", BOLD, sys.stdout)
    for each in found:
        orphan = each.orphan
        yield f"  {orphan.id[:SHOWN]}  {each.state}, {sized(orphan.size)}, {at(orphan.changed_ns)}"
        yield f"            {printable(orphan.path.name)}"
        if orphan.untouchable:
            yield f"            left alone: {orphan.untouchable}"
        yield from (f"    {line}" for line in difference(each))
    yield ""


def _now(target: Path | None, current: Snapshot | None) -> str:
    if target is None:
        return "name the file to restore one of these"
    if current is None:
        return "cannot be read"
    if current.data is None:
        return "does not exist"
    return f"{sized(len(current.data))}, revision {current.revision}"


def difference(leftover: Leftover) -> list[str]:
    """Return what restoring an orphan would change, in lines; none where it cannot be restored."""
    if leftover.data is None or leftover.current is None:
        return []
    if leftover.current.data == leftover.data:
        return ["it holds what the file holds: there is nothing to restore"]
    return compared(leftover.current.data or b"", leftover.data)


def compared(now: bytes, then: bytes) -> list[str]:
    """Return a unified diff in lines; of what is no text, or too long, the sizes."""
    try:
        old, new = now.decode("utf-8"), then.decode("utf-8")
    except UnicodeDecodeError:
        return [f"not text: {sized(len(now))} before, {sized(len(then))} after"]
    if old.count("\n") + new.count("\n") > _MOST_LINES:
        return [f"too long to compare: {sized(len(now))} before, {sized(len(then))} after"]
    return painted_diff("\n".join(_diff(old, new)), sys.stdout).split("\n")


def _diff(old: str, new: str) -> Iterator[str]:
    from difflib import unified_diff  # noqa: PLC0415  only where something differs

    lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
    for line in unified_diff(*lines, "before", "after"):
        # What a terminal would obey is shown, not sent: nobody knows who wrote it.
        yield "\t".join(printable(part) for part in line.removesuffix("\n").split("\t"))
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def orphan_advice(named: str, found: Sequence[Leftover]) -> Iterator[str]:
    """Yield what can be done about orphans."""
    # What the file held before was replaced by a save that was done: nobody misses it.
    of_use = next((each for each in found if each.is_of_use and each.orphan.holds != "before"), None)
    if of_use is not None and of_use.current is not None:
        file = shlex.quote(printable(of_use.orphan.target or ""))
        base = spelled(of_use.current.revision)
        yield f"  untorn recover {file} --restore {of_use.orphan.id[:SHOWN]} --base {base}"
    if any(not each.orphan.untouchable for each in found):
        name = shlex.quote(printable(named))
        yield f"  untorn recover {name} --quarantine DIR    moves them to DIR"
        yield f"  untorn recover {name} --remove            removes them{_swept(found)}"


def _swept(found: Sequence[Leftover]) -> str:
    foreign = any(each.orphan.holds == "foreign" for each in found)
    return "; what another program wrote, no save does" if foreign else ", as the next save of the file does"


# ── For programs ────────────────────────────────────────────────────────────


def orphan_data(orphan: Orphan) -> dict[str, Any]:
    """Return what is known of an orphan as data; the reference promises these keys."""
    return {
        "id": orphan.id,
        "path": printable(orphan.path),
        "target": None if orphan.target is None else printable(orphan.target),
        "bytes": orphan.size,
        "changed": at(orphan.changed_ns),
        "owner": orphan.owner,
        "complete": orphan.complete,
        "holds": orphan.holds,
        "alive": orphan.alive,
        "untouchable": orphan.untouchable or None,
    }


def leftover_data(leftover: Leftover) -> dict[str, Any]:
    """Return the same with what it stands beside."""
    current = leftover.current
    return {
        **orphan_data(leftover.orphan),
        "revision": None if current is None else spelled(current.revision),
        "would_change": leftover.is_of_use,
        "diff": "\n".join(difference(leftover)),
    }
