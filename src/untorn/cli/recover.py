"""``untorn recover``: what crashed saves left behind, and what shall become of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from untorn import saving, storage
from untorn.cli.arguments import UsageError
from untorn.cli.failures import CommandError
from untorn.cli.leftovers import SHOWN, Leftover, difference, leftover_data, leftovers_at, listing, spelled
from untorn.cli.output import complain, json_text, say
from untorn.cli.phrases import counted, permissions, printable
from untorn.errors import UntornError, WriteError
from untorn.host import Host
from untorn.intents import Opaque
from untorn.storage.orphans import quarantine, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from untorn.cli.arguments import Request
    from untorn.records import Receipt, Snapshot

_SHORTEST = 4
"""How much of an orphan's id is enough to name it."""


def recover(request: Request) -> int:
    """List orphans with what each would change; restore, quarantine or remove them if told."""
    _refuse_nonsense(request)
    [named] = request.operands
    try:
        found = leftovers_at(storage.resolve(named))
        if request.restore:
            return _restore(request, found)
        if request.quarantine or request.remove:
            return _clear(request, found)
    except (UntornError, OSError) as error:
        raise CommandError("\n".join(map(printable, str(error).split("\n")))) from error
    say(
        json_text([leftover_data(each) for each in found], indent=2)
        if request.json
        else listing(named, found)
    )
    return 0


def _refuse_nonsense(request: Request) -> None:
    if request.remove and (request.restore or request.quarantine):
        raise UsageError("untorn recover: --remove goes with neither --restore nor --quarantine")
    if request.base and not request.restore:
        raise UsageError(
            "untorn recover: --base says what --restore may replace, and means nothing without it"
        )


# ── Remove, quarantine ──────────────────────────────────────────────────────


def _clear(request: Request, found: Sequence[Leftover]) -> int:
    """Move or remove every orphan; return 1 if one stays that no living writer needs."""
    if not found:
        say(f"{printable(request.operands[0])}: no crashed save left anything")
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
        return _clear(request, others) if request.quarantine and others else 0
    if request.quarantine and others and _clear(request, others):
        raise CommandError(f"  {printable(target)} was not changed: first, all others were to be moved")
    receipt = _saved(target, current, data, chosen.orphan.mode, request.timeout)
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
            f"{name}: not restored: {printable(orphan.target)} cannot be read, so what it holds would be lost\n"
            "  hint: untorn doctor says why"
        )
    return orphan.target, chosen.current, chosen.data


def _saved(target: Path, current: Snapshot, data: bytes, mode: int, timeout: float) -> Receipt:
    host = Host(discover=True)
    # A new file gets no more than the crashed save had given it: perhaps it was to be a secret.
    write = storage.WriteOptions(mode=mode if current.data is None else None)
    receipt, _ = saving.save(
        Opaque(data, current.revision),
        target,
        saving.SaveOptions(timeout=timeout, write=write),
        saving.Witnesses(host.registry.validate, host.registry.saved),
    )
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
