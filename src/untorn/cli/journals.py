"""Journals of files that are written in place, as ``doctor`` and ``recover`` show and settle them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from untorn.cli.failures import CommandError
from untorn.cli.leftovers import compared
from untorn.cli.output import say
from untorn.cli.phrases import printable, sized
from untorn.storage.journal_recovery import FoundJournal, discard, replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from untorn.cli.arguments import Request

_STATES = {
    "base": "the file still holds what it held before; untorn reads the journal's new bytes instead",
    "new": "the file holds the new bytes already; only the journal was not removed any more",
    "mixture": "the file is half old, half new; untorn reads the journal's new bytes instead",
    "foreign": "another program wrote the file since: you have to decide which bytes shall stay",
}
_KINDS = {
    "hot": "hot: its save was cut off",
    "stale": "stale: of a file that had this path, and is another one by now",
    "copy": "a copy that never became a journal, and promised nothing",
}


def journal_lines(found: FoundJournal) -> Iterator[str]:
    """Yield what is to be said about a journal."""
    yield f"  {printable(found.path.name)}"
    yield f"            {'its save is under way' if found.live else _KINDS[found.kind]}"
    if found.doubt:
        yield f"            not believed: {printable(found.doubt)}"
    if found.kind == "hot" and found.state is not None and not found.live:
        yield f"            {_STATES[found.state]}"
    if found.journal is not None:
        yield f"            {sized(len(found.journal.base))} before, {sized(len(found.journal.new))} after"
        yield from (f"    {line}" for line in compared(found.journal.base, found.journal.new))


def journal_data(found: FoundJournal) -> dict[str, Any]:
    """Return the same as data; the reference promises these keys."""
    return {
        "path": printable(found.path),
        "kind": found.kind,
        "live": found.live,
        "doubt": printable(found.doubt) or None,
        "state": found.state,
        "base": None if found.base is None else str(found.base),
        "new": None if found.new is None else str(found.new),
    }


def journal_advice(named: str, directory: str, found: Sequence[FoundJournal]) -> Iterator[str]:
    """Yield what can be done about hot journals."""
    for each in found:
        if each.kind == "hot" and not each.live:
            command = f"  untorn recover {shlex.quote(named)} --in-place {shlex.quote(directory)}"
            if not each.doubt:
                yield f"{command} --restore {each.path.name}    finishes its save"
            yield f"{command} --discard {each.path.name}    keeps the file as it is"


def finish(found: FoundJournal, path: Path, request: Request) -> int:
    """Finish the save that was cut off, over what another program wrote since, too: it was asked for."""
    name = printable(found.path)
    if found.kind != "hot":
        raise CommandError(f"{name}: not restored: it is {_KINDS[found.kind]}")
    if found.doubt:
        raise CommandError(f"{name}: not restored: {printable(found.doubt)}\n  hint: --discard removes it")
    if request.dry_run:
        say(f"would finish the save of {printable(path)} that {name} was made for")
        return 0
    replay(path, found.path.parent, timeout=request.timeout, over_foreign=True)
    say(f"{printable(path)} holds what {name} was made for, which is removed")
    return 0


def drop(found: FoundJournal, path: Path, request: Request) -> int:
    """Remove a journal, whatever the file holds: it was asked for by name."""
    if request.dry_run:
        say(f"would remove {printable(found.path)}")
        return 0
    discard(found, path, timeout=request.timeout, force=True)
    say(f"removed {printable(found.path)}; {printable(path)} stays as it is")
    return 0


def clear(found: Sequence[FoundJournal], path: Path, request: Request) -> None:
    """Remove what nothing depends on; say what stays."""
    for each in found:
        name = printable(each.path)
        if each.live or (each.kind == "hot" and each.state != "new"):
            say(f"left alone: {name}: {'its save is under way' if each.live else 'it is hot'}")
        elif request.dry_run:
            say(f"would remove {name}")
        else:
            discard(each, path, timeout=request.timeout)
            say(f"removed {name}")
