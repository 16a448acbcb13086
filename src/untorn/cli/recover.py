"""``untorn recover``: what crashed saves left behind, and what shall become of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from untorn import proving, saving, storage
from untorn.cli.arguments import UsageError
from untorn.cli.colours import BOLD, painted
from untorn.cli.failures import CommandError
from untorn.cli.journals import clear, drop, finish, journal_advice, journal_data, journal_lines
from untorn.cli.leftovers import (
    SHOWN,
    Leftover,
    difference,
    leftover_data,
    leftovers_at,
    orphan_advice,
    orphan_lines,
    spelled,
)
from untorn.cli.output import complain, json_text, say
from untorn.cli.phrases import counted, permissions, printable
from untorn.cli.transactions import (
    finish_transaction,
    transaction_advice,
    transaction_at,
    transaction_data,
    transaction_lines,
)
from untorn.errors import UntornError, WriteError
from untorn.host import Host
from untorn.intents import Opaque
from untorn.loading import directory_of
from untorn.storage.journal_recovery import journals_of
from untorn.storage.orphans import quarantine, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from untorn.cli.arguments import Request
    from untorn.cli.transactions import CutOff
    from untorn.records import Receipt, Snapshot
    from untorn.storage.journal_recovery import FoundJournal

_SHORTEST = 4
"""How much of an orphan's id is enough to name it."""


def recover(request: Request) -> int:
    """List orphans and journals, with what each would change; restore, move or remove them if told."""
    _refuse_nonsense(request)
    [named] = request.operands
    try:
        path = storage.resolve(named)
        in_place = directory_of(request.in_place or None)
        cut_off = transaction_at(path)
        # What a transaction is to be finished with, nobody shall restore or remove by itself.
        temps = cut_off.temps if cut_off else frozenset()
        found = [each for each in leftovers_at(path, in_place) if each.orphan.path.name not in temps]
        journals = journals_of(path, in_place) if in_place else []
        if cut_off and Path(request.restore).name == cut_off.record.name:
            return finish_transaction(cut_off, request)
        if request.restore or request.discard:
            return _settle(request, path, found, journals)
        if request.quarantine or request.remove:
            return _clear(request, found, journals, path)
    except (UntornError, OSError) as error:
        raise CommandError("\n".join(map(printable, str(error).split("\n")))) from error
    if request.json:
        say(json_text(_data(found, journals, cut_off), indent=2))
    else:
        say("\n".join(_listing(named, request.in_place, found, journals, cut_off)))
    return 0


def _refuse_nonsense(request: Request) -> None:
    actions = [bool(request.restore), bool(request.discard), request.remove]
    if sum(actions) > 1 or (request.quarantine and (request.remove or request.discard)):
        raise UsageError(
            "untorn recover: one thing at a time; only --restore goes together with --quarantine"
        )
    if request.base and not request.restore:
        raise UsageError("untorn recover: --base says what --restore may replace, and says nothing alone")
    if request.discard and not request.in_place:
        raise UsageError("untorn recover: --discard is about journals: --in-place names their directory")


def _listing(
    named: str,
    in_place: str,
    found: Sequence[Leftover],
    journals: Sequence[FoundJournal],
    cut_off: CutOff | None,
) -> Iterator[str]:
    if not found and not journals and not cut_off:
        yield f"{printable(named)}: no crashed save left anything"
        return
    if cut_off:
        yield from transaction_lines(cut_off)
    yield from orphan_lines(found)
    if journals:
        yield painted(f"journals in {printable(in_place)}", BOLD, sys.stdout)
        for each in journals:
            yield from journal_lines(each)
        yield ""
    yield "Nothing was changed."
    if cut_off:
        yield from transaction_advice(printable(named), cut_off)
    yield from journal_advice(printable(named), printable(in_place), journals)
    yield from orphan_advice(named, found)


def _data(
    found: Sequence[Leftover], journals: Sequence[FoundJournal], cut_off: CutOff | None
) -> dict[str, Any]:
    return {
        "transaction": transaction_data(cut_off),
        "orphans": [leftover_data(each) for each in found],
        "journals": [journal_data(each) for each in journals],
    }


def _settle(request: Request, path: Path, found: Sequence[Leftover], journals: Sequence[FoundJournal]) -> int:
    """Restore an orphan, or finish or discard what a journal stands for."""
    name = Path(request.restore or request.discard).name
    journal = next((each for each in journals if each.path.name == name), None)
    if journal is not None:
        return (finish if request.restore else drop)(journal, path, request)
    if request.discard:
        raise CommandError(f"--discard {printable(request.discard)}: there is no such journal")
    return _restore(request, found)


# ── Remove, quarantine ──────────────────────────────────────────────────────


def _clear(request: Request, found: Sequence[Leftover], journals: Sequence[FoundJournal], path: Path) -> int:
    """Move or remove every orphan, and every journal that nothing depends on."""
    if not found and not journals:
        say(f"{printable(request.operands[0])}: no crashed save left anything")
    if request.remove:
        clear(journals, path, request)
    return _cleared_all(request, found)


def _cleared_all(request: Request, found: Sequence[Leftover]) -> int:
    """Move or remove every orphan; return 1 if one stays that no living writer needs."""
    done = [_cleared(request, each) for each in found]
    return 0 if all(done) else 1


def _cleared(request: Request, leftover: Leftover) -> bool:
    """Move or remove one, and say so; return whether that is as it should be."""
    name = printable(leftover.orphan.path)
    if leftover.orphan.untouchable:
        say(f"left alone: {name}: {leftover.orphan.untouchable}")
        return leftover.orphan.alive is True
    try:
        say(_act(request)(leftover))
    except WriteError as error:
        complain("\n".join(map(printable, str(error).split("\n"))))
        return False
    return True


def _act(request: Request) -> Callable[[Leftover], str]:
    into = request.quarantine

    def move(leftover: Leftover) -> str:
        if request.dry_run:
            return f"would move {printable(leftover.orphan.path)} to {printable(into)}"
        return f"moved to {printable(quarantine(leftover.orphan, storage.resolve(into)))}"

    def erase(leftover: Leftover) -> str:
        if request.dry_run:
            return f"would remove {printable(leftover.orphan.path)}"
        remove(leftover.orphan)
        return f"removed {printable(leftover.orphan.path)}"

    return move if into else erase


# ── Restore ─────────────────────────────────────────────────────────────────


def _restore(request: Request, found: Sequence[Leftover]) -> int:
    """Make the file hold what an orphan holds, by an ordinary save on the revision that was looked at."""
    chosen = _chosen(request.restore, found)
    target, current, data = _restorable(chosen)
    _refuse_other_base(request.base, target, current)
    if data == current.data:
        say(f"{printable(target)} holds what {printable(chosen.orphan.path.name)} holds: nothing to restore")
        return 0
    others = [each for each in found if each is not chosen and each.orphan.target == target]
    if request.dry_run:
        say(
            "\n".join(
                [f"would make {printable(target)} hold {chosen.orphan.id[:SHOWN]}:", *difference(chosen)]
            )
        )
        return _cleared_all(request, others) if request.quarantine else 0
    if request.quarantine and _cleared_all(request, others):
        raise CommandError(f"  {printable(target)} was not changed: first, all others were to be moved")
    # A new file gets no more than the crashed save had given it: perhaps it was to be a secret.
    mode = chosen.orphan.mode if current.data is None else None
    write = storage.WriteOptions(mode=mode, in_place=directory_of(request.in_place or None))
    options = saving.SaveOptions(timeout=request.timeout, write=write)
    receipt = _saved(target, Opaque(data, current.revision), options)
    _report(receipt, current, chosen, others)
    return 0


def _refuse_other_base(base: str, target: Path, current: Snapshot) -> None:
    revision, name = spelled(current.revision), printable(target)
    if base and not revision.startswith(base):
        raise CommandError(
            f"{name}: it is at revision {revision}, and not at {printable(base)}\n"
            f"  hint: it was changed since: untorn recover shows what restoring would change now\n"
            f"  {name} was not changed"
        )


def _chosen(written: str, found: Sequence[Leftover]) -> Leftover:
    """Return the orphan that is meant: by its name, its path, or the beginning of its id."""
    name = Path(written).name
    named = [each for each in found if each.orphan.path.name == name]
    if not named and len(written) >= _SHORTEST:
        named = [each for each in found if each.orphan.id.startswith(written)]
    if len(named) == 1:
        return named[0]
    reason = f"{len(named)} orphans begin with it" if named else "there is no such orphan"
    known = ", ".join(each.orphan.id[:SHOWN] for each in found) or "none"
    raise CommandError(f"--restore {printable(written)}: {reason}\n  hint: known are {known}")


def _restorable(chosen: Leftover) -> tuple[Path, Snapshot, bytes]:
    orphan = chosen.orphan
    name = printable(orphan.path)
    if orphan.untouchable:
        raise CommandError(f"{name}: not restored: {orphan.untouchable}")
    if orphan.target is None:
        raise CommandError(
            f"{name}: not restored: its name was cut, and does not tell for which file it was made\n"
            "  hint: name that file: untorn recover FILE --restore …"
        )
    if chosen.data is None:
        raise CommandError(
            f"{name}: not restored: it is not complete, or larger than any file that untorn loads\n"
            "  hint: --quarantine DIR keeps it, to be looked at by hand"
        )
    if chosen.current is None:
        raise CommandError(
            f"{name}: not restored: {printable(orphan.target)} cannot be read, and would be lost\n"
            "  hint: untorn doctor says why"
        )
    return orphan.target, chosen.current, chosen.data


def _saved(target: Path, intent: Opaque, options: saving.SaveOptions) -> Receipt:
    host = Host(discover=True)
    witnesses = proving.Witnesses(host.registry.validate, host.registry.saved)
    receipt, _ = saving.save(intent, target, options, witnesses)
    return receipt


def _report(receipt: Receipt, before: Snapshot, chosen: Leftover, others: Sequence[Leftover]) -> None:
    name = printable(receipt.path)
    say(f"{name} holds {printable(chosen.orphan.path.name)} now; before: {spelled(before.revision)}")
    if before.data is None:
        say(f"  it is new, with the mode of the orphan: {permissions(chosen.orphan.mode)}")
    swept = sum(not each.orphan.path.exists() for each in others)
    if swept:
        say(f"  {counted(swept, 'other orphan')} of it went, as with every save")
    for warning in receipt.warnings:
        complain(f"{name}: {warning}")
