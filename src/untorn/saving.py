"""The save pipeline, one function a stage; the only caller of the writer.

::

    intent ─► draft ─► proved ─► approved ─► compare ─► commit ─► receipt
       ▲                                        │ the file moved on
       └────────────────────────────────────────┘

An *intent* says what is wanted whatever the file holds by now; ``draft`` makes
the new text of it for one snapshot of the file. Each stage has a type of its
own, so that leaving one out is a type error.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from untorn import loading, storage
from untorn.changes import ChangeSet, difference
from untorn.drafts import without_prefix
from untorn.errors import (
    ConflictError,
    LoadError,
    NotDurableError,
    ProofError,
    RejectedError,
    UnknownOutcomeError,
)
from untorn.keypath import format_keypath
from untorn.records import Problem, Proposal, Receipt
from untorn.text import decode
from untorn.values import same_value, surely_same

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.drafts import Draft
    from untorn.intents import Intent
    from untorn.keypath import KeyPath
    from untorn.records import Snapshot
    from untorn.replay import Policy
    from untorn.storage.in_place import InPlace

RACES = 3
"""How many times a save starts again because the file moved on, before it holds the lock throughout."""

LAST_TRIES = 20
"""How many times it then tries against programs that know no lock."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is asked before a save, and who is told afterwards."""

    validate: Callable[[Proposal], list[Problem]] | None = None
    saved: Callable[[Receipt], None] | None = None


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How to save, as far as it does not depend on the intent."""

    timeout: float = 10.0
    write: storage.WriteOptions = field(default_factory=lambda: storage.WriteOptions())  # noqa: PLW0108  looked up late
    allow_reformat: bool = False
    on_conflict: Policy = "raise"


# ── Stages ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Proved:
    """A draft whose very bytes read back as what was asked for."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Approved:
    """A proved draft to which no validator objects."""

    proved: Proved

    @property
    def draft(self) -> Draft:
        """What was approved."""
        return self.proved.draft


def prove(draft: Draft, path: Path | None) -> Proved:
    """Parse the exact bytes again and compare them with the value asked for.

    Raises:
        ProofError: They do not read back as that value; nothing was written.
    """
    if draft.selection is not None:
        try:
            source = decode(draft.data, encodings=draft.selection.encodings)
            found = draft.selection.parse(source.text)
        except LoadError as error:
            raise _disproved(f"it would not be valid: {error.reason}", draft, path) from error
        if not surely_same(found, draft.expected) and not same_value(found, draft.expected):
            [*_, first] = difference(draft.expected, found)
            raise _disproved(f"{format_keypath(first.path)} would read back differently", draft, path)
    return Proved(draft)


def _disproved(reason: str, draft: Draft, path: Path | None) -> ProofError:
    return ProofError(
        f"not saved ({draft.changes}): {reason}",
        path=path,
        hint="this is a defect of the serializer, please report it; "
        "allow_reformat=True renders the file anew",
    )


def approve(proved: Proved, witnesses: Witnesses, path: Path | None) -> Approved:
    """Ask every validator.

    Raises:
        RejectedError: With all problems of all of them; nothing was written.
    """
    if witnesses.validate is not None:
        problems = witnesses.validate(proposal_of(proved.draft, path))
        if problems:
            raise RejectedError(problems, path=path)
    return Approved(proved)


def proposal_of(draft: Draft, path: Path | None) -> Proposal:
    """Return what validators get to see of a draft."""
    selection, source = draft.selection, draft.source

    def read(relative: str) -> bytes:
        return _read_beside(path, relative)

    prefix = len(selection.prefix) if selection else 0
    changes = ChangeSet(tuple(without_prefix(each, prefix) for each in draft.changes))
    return Proposal(
        path=path,
        format=selection.serializer.name if selection else None,
        value=selection.picked(draft.expected) if selection else None,
        text=source.text if source else None,
        data=draft.data,
        base=draft.base,
        changes=changes,
        locate=selection.locator(source.text) if selection and source else _nowhere,
        read=read,
    )


def _nowhere(_path: KeyPath) -> None:
    """Opaque bytes have no places."""


def _read_beside(path: Path | None, relative: str) -> bytes:
    from pathlib import Path  # noqa: PLC0415  only validators with a schema come here

    beside = path.parent / relative if path else Path(relative)
    data = loading.read(beside).data
    if data is None:
        raise FileNotFoundError(2, "no such file", str(beside))
    return data


def commit(
    approved: Approved,
    options: SaveOptions,
    *,
    file: storage.Reading | None = None,
    held: storage.Held | None = None,
) -> Receipt | None:
    """Write the approved bytes, unless the file moved on: then return ``None``.

    Args:
        approved: The bytes, and what they were made for.
        options: How to write.
        file: The file as it was read for this, still open; its lock is taken.
        held: The lock, if it is held already.

    Raises:
        WriteError, LockTimeoutError: Nothing was changed.
        NotDurableError, UnknownOutcomeError: The commit point was passed.
    """
    draft = approved.draft
    if draft.data == draft.snapshot.data:
        return _unchanged(draft, options, held)
    path = draft.snapshot.path
    with (
        _writer(draft, options.write, file) as prepared,
        nullcontext(held) if held else storage.lock(path, timeout=options.timeout, file=file) as mine,
    ):
        published = prepared.publish(mine) if prepared.compare(mine) else None
    return None if published is None else _receipt(draft, published)


def _writer(
    draft: Draft, options: storage.WriteOptions, file: storage.Reading | None
) -> storage.Prepared | InPlace:
    """Return the writer that was asked for: a file that does not exist is made the ordinary way."""
    if options.in_place is None or draft.snapshot.data is None:
        return storage.prepare(draft.snapshot, draft.data, options, file=file)
    from untorn.storage.in_place import prepare_in_place  # noqa: PLC0415  only who writes in place needs it

    return prepare_in_place(draft.snapshot, draft.data, options.in_place, durability=options.durability)


def _unchanged(draft: Draft, options: SaveOptions, held: storage.Held | None) -> Receipt:
    """Write nothing and claim nothing, but finish what an earlier save may owe: a sync, or all of it."""
    path = draft.snapshot.path
    in_place = options.write.in_place
    if in_place is not None:
        from untorn.storage.journal_recovery import replay  # noqa: PLC0415  see ``_writer``

        replay(path, in_place, timeout=options.timeout, held=held)
    receipt = Receipt(path, changed=False, durable=None, revision=draft.snapshot.revision)
    refused = storage.pay(path) if options.write.durability == "full" else None
    if refused is not None:
        raise _not_durable(receipt, refused)
    return receipt


def _receipt(draft: Draft, published: storage.Published) -> Receipt:
    receipt = Receipt(
        draft.snapshot.path,
        changed=True,
        durable=published.durable,
        revision=published.revision,
        replayed=draft.replayed,
        warnings=published.warnings,
        atomic=published.atomic,
    )
    if published.unknown and not published.atomic:
        raise UnknownOutcomeError(
            f"writing it in place was not completed ({published.error}): loads with the same in_place= "
            "find the old content or the new, and the file may be torn for those who know of no journal",
            receipt=receipt,
            hint="load it with the same in_place= to see which; the next save with it ends this",
        )
    if published.unknown:
        raise UnknownOutcomeError(
            f"the rename reported an error ({published.error}), and what it left could not be looked at",
            receipt=receipt,
            hint="load the file to see whether the old or the new content is in place",
        )
    if published.error is not None:
        raise _not_durable(receipt, published.error)
    return receipt


def _not_durable(receipt: Receipt, error: OSError) -> NotDurableError:
    return NotDurableError(
        f"the new content is in place, but the disk did not confirm it: {error}",
        receipt=receipt,
        hint="check the disk; the next save of this file tries the sync again",
    )


# ── The pipeline ────────────────────────────────────────────────────────────


def save(intent: Intent, path: Path, options: SaveOptions, witnesses: Witnesses) -> tuple[Receipt, Draft]:
    """Take ``intent`` through all stages until it is committed or refused."""
    for _ in range(RACES):
        with loading.reading(path, options.write.in_place) as file:
            approved = approved_for(intent, file.snapshot, witnesses)
            receipt = commit(approved, options, file=file)
        if receipt is not None:
            return finished(receipt, witnesses), approved.draft
    for _ in range(LAST_TRIES):
        # Others were faster each time. Holding the lock from read to commit
        # keeps out all who use it; only a program that knows no lock can win.
        with storage.lock(path, timeout=options.timeout) as held:
            current = loading.read(path, options.write.in_place, locked=True)
            approved = approved_for(intent, current, witnesses)
            receipt = commit(approved, options, held=held)
        if receipt is not None:
            return finished(receipt, witnesses), approved.draft
    raise ConflictError(
        f"another program replaced the file during each of {RACES + LAST_TRIES} tries",
        path=path,
        hint="find out which program writes it all the time",
    )


def untouched(snapshot: Snapshot) -> Receipt | None:
    """Return the receipt of a save without changes, from one look at the file.

    ``None`` where there is more to do or to say: the file holds something else
    by now, cannot be read, or owes a sync.
    """
    if storage.owes(snapshot.path):
        return None
    try:
        now = storage.read(snapshot.path)
    except LoadError:
        return None
    if now.data is None or now.data != snapshot.data:
        return None
    return Receipt(snapshot.path, changed=False, durable=None, revision=snapshot.revision)


def approved_for(intent: Intent, current: Snapshot, witnesses: Witnesses) -> Approved:
    """Take ``intent`` through the stages in which plugin code may run."""
    draft = intent.draft(current)
    # Bytes that stay the same prove nothing where something should have changed.
    proved = prove(draft, current.path) if draft.changes or draft.data != current.data else Proved(draft)
    if draft.data == current.data:
        return Approved(proved)  # nothing will be written: there is nothing to object to
    return approve(proved, witnesses, current.path)


def finished(receipt: Receipt, witnesses: Witnesses) -> Receipt:
    """Tell the plugins, and return ``receipt``."""
    if witnesses.saved is not None and receipt.changed:
        witnesses.saved(receipt)
    return receipt
