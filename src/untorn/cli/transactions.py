"""Transactions that were cut off, as ``recover`` shows and finishes them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from untorn import storage
from untorn.cli.colours import BOLD, painted
from untorn.cli.output import say
from untorn.cli.phrases import printable
from untorn.errors import LockTimeoutError
from untorn.storage.pending import pending_in
from untorn.storage.snapshot import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from untorn.cli.arguments import Request
    from untorn.storage.pending import State

_STATES: dict[State, str] = {
    "waiting": "still holds what it held; untorn reads its new bytes already",
    "done": "holds its new bytes",
    "foreign": "another program wrote it since: it stays as it is",
    "lost": "holds what it held, and its new bytes are gone: it stays as it is",
}


@dataclass(frozen=True, slots=True)
class CutOff:
    """A transaction whose record lies in a directory.

    Attributes:
        record: The record.
        files: What each of its files is by now, by name.
        temps: The names of the temps that it is to be finished with.
        live: Whether it is under way, and needs nobody.
    """

    record: Path
    files: Mapping[str, State]
    temps: frozenset[str]
    live: bool


def transaction_at(path: Path) -> CutOff | None:
    """Return the transaction that has to do with a file, or with any in a directory.

    Raises:
        LoadError, OSError: It, or one of its files, cannot be read.
        SaveError: Its lock cannot be looked at.
    """
    directory = path if path.is_dir() else path.parent
    pending = pending_in(directory)
    if pending is None or (path != directory and pending.named(path.name) is None):
        return None
    files: dict[str, State] = {each.name: pending.state_of(each) for each in pending.entries}
    temps = frozenset(each.temp for each in pending.entries)
    return CutOff(directory / RECORD, files, temps, _is_live(directory / RECORD))


def _is_live(record: Path) -> bool:
    try:
        with storage.lock(record, timeout=0):
            return False
    except LockTimeoutError:
        return True


def state_in_words(state: State) -> str:
    """Return what is to be known of a file of a transaction."""
    return _STATES[state]


def transaction_lines(found: CutOff) -> Iterator[str]:
    """Yield what is to be said about a transaction."""
    how = "is under way" if found.live else "was cut off behind its commit point"
    yield painted(f"transaction in {printable(found.record.parent)}: it {how}", BOLD, sys.stdout)
    for name, state in found.files.items():
        yield f"  {printable(name)}: {_STATES[state]}"
    yield ""


def transaction_advice(named: str, found: CutOff) -> Iterator[str]:
    """Yield what can be done about a transaction."""
    if not found.live:
        yield (
            f"  untorn recover {shlex.quote(named)} --restore {RECORD}    "
            "finishes it, as the next save of one of its files does"
        )


def transaction_data(found: CutOff | None) -> dict[str, Any] | None:
    """Return the same as data; the reference promises these keys."""
    if found is None:
        return None
    files = {printable(name): state for name, state in found.files.items()}
    return {"path": printable(found.record), "live": found.live, "files": files}


def finish_transaction(found: CutOff, request: Request) -> int:
    """Finish it; return 1 if one of its files stays without its new bytes."""
    if request.dry_run:
        say("\n".join(["would finish it:", *transaction_lines(found)]))
        return 0
    states: dict[str, State] = storage.settle(found.record.parent, timeout=request.timeout) or {}
    kept: dict[str, State] = {name: state for name, state in states.items() if state in ("foreign", "lost")}
    say(f"finished: {len(states) - len(kept)} of {len(states)} files hold their new bytes")
    for name, state in kept.items():
        say(f"  {printable(name)}: {_STATES[state]}")
    return int(bool(kept))
