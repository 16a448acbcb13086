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

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from untorn import loading, storage
from untorn.errors import (
    ConflictError,
    LoadError,
    NotDurableError,
    RejectedError,
    SaveError,
    UnknownOutcomeError,
    UntornError,
)
from untorn.proving import Approved, Proved, Witnesses, approve, prove
from untorn.records import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from untorn.drafts import Draft
    from untorn.intents import Intent
    from untorn.records import Snapshot
    from untorn.replay import Policy
    from untorn.storage.in_place import InPlace

RACES = 3
"""How many times a save starts again because the file moved on, before it holds the lock throughout."""

LAST_TRIES = 20
"""How many times it then tries against programs that know no lock."""


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How to save, as far as it does not depend on the intent."""

    timeout: float = 10.0
    write: storage.WriteOptions = field(default_factory=lambda: storage.WriteOptions())  # noqa: PLW0108  looked up late
    allow_reformat: bool = False
    on_conflict: Policy = "raise"


# ── Commit ──────────────────────────────────────────────────────────────────


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
    path = draft.snapshot.path
    if draft.data == draft.snapshot.data:
        return None if storage.is_promised(path) else _unchanged(draft, options, held)
    with (
        _writer(draft, options.write, file) as prepared,
        nullcontext(held) if held else storage.lock(path, timeout=options.timeout, file=file) as mine,
    ):
        # A transaction that was cut off has the file's next content, whatever it holds.
        as_read = not storage.is_promised(path) and prepared.compare(mine)
        published = prepared.publish(mine) if as_read else None
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
    if published.unknown and published.promised:
        raise UnknownOutcomeError(
            f"the transaction was not completed ({published.error}): loads through untorn find all of its "
            "files old or all new, and some may be either for other programs",
            receipt=receipt,
            hint="load one to see which; the next save in that directory, or untorn recover, ends this",
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
            approved = _approved_or_settled(intent, file.snapshot, options, witnesses)
            receipt = commit(approved, options, file=file) if approved else None
        if approved and receipt:
            return finished(receipt, witnesses), approved.draft
        settle(path, options.timeout)
    for _ in range(LAST_TRIES):
        settle(path, options.timeout)
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


def _approved_or_settled(
    intent: Intent, current: Snapshot, options: SaveOptions, witnesses: Witnesses
) -> Approved | None:
    """Return what is to be written; ``None`` where the file was not what a transaction promises."""
    try:
        return approved_for(intent, current, witnesses)
    except UntornError:
        if settle(current.path, options.timeout):
            return None
        raise


def settle(path: Path, timeout: float) -> bool:
    """Finish a transaction that was cut off beside ``path``; return whether there was one.

    Raises:
        SaveError: It could not be finished; loads go on to answer for it.
    """
    return storage.record_beside(path) and storage.settle(path.parent, timeout=timeout) is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file of a transaction: what is wanted of it, and how it is written."""

    intent: Intent
    path: Path
    options: SaveOptions


def save_together(
    wanted: Sequence[Wanted], timeout: float, witnesses: Witnesses
) -> list[tuple[Receipt, Draft]]:
    """Take several files of one directory through all stages until all are committed, or none is.

    Raises:
        SaveError: Nothing was changed, in any of them.
        NotDurableError, UnknownOutcomeError: The commit point of all was passed.
    """
    paths = [each.path for each in wanted]
    for number in range(RACES + LAST_TRIES):
        settle(paths[0], timeout)
        locks = (
            storage.locked_together(dict.fromkeys(paths), timeout=timeout)
            if number >= RACES
            else nullcontext()
        )
        with locks as held, _all_open(paths, held) as files:
            if held is None and storage.record_beside(paths[0]):
                continue  # it is somebody else's, and some of the files may be as they were before
            approved = _all_approved(wanted, files, witnesses)
            receipts = commit_together(wanted, approved, files, timeout, held)
        if receipts is not None:
            told = [finished(receipt, witnesses) for receipt in receipts]
            return list(zip(told, (each.draft for each in approved), strict=True))
    raise ConflictError(
        f"another program replaced one of the files during each of {RACES + LAST_TRIES} tries",
        path=paths[0].parent,
        hint="find out which program writes them all the time",
    )


@contextmanager
def _all_open(paths: Sequence[Path], held: storage.Locks | None) -> Iterator[list[storage.Reading]]:
    """Read all files, and keep open what is to be locked yet."""
    if held is not None:
        yield [storage.Reading(loading.read(path, locked=True)) for path in paths]
        return
    with ExitStack() as opened:
        yield [opened.enter_context(loading.reading(path)) for path in paths]


def _all_approved(
    wanted: Sequence[Wanted], files: Sequence[storage.Reading], witnesses: Witnesses
) -> list[Approved]:
    """Ask about each file, and report all the problems of all of them together."""
    approved: list[Approved] = []
    refused: list[RejectedError] = []
    for each, file in zip(wanted, files, strict=True):
        try:
            approved.append(approved_for(each.intent, file.snapshot, witnesses))
        except RejectedError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        problems = [problem for each in refused for problem in each.problems]
        raise RejectedError(problems, path=wanted[0].path.parent)
    return approved


def commit_together(
    wanted: Sequence[Wanted],
    approved: Sequence[Approved],
    files: Sequence[storage.Reading],
    timeout: float,
    held: storage.Locks | None,
) -> list[Receipt] | None:
    """Write all approved bytes, unless one of the files moved on: then return ``None``.

    Args:
        wanted: What was wanted of each file.
        approved: The bytes, and what they were made for.
        files: Each as it was read for this; its lock is taken if it still is open.
        timeout: How long to wait for a lock.
        held: The locks, if they are held already.

    Raises:
        SaveError: Nothing was changed.
        NotDurableError, UnknownOutcomeError: The commit point was passed.
    """
    drafts = [each.draft for each in approved]
    changed = [at for at, draft in enumerate(drafts) if draft.data != draft.snapshot.data]
    parts = [
        storage.Part(drafts[at].snapshot, drafts[at].data, wanted[at].options.write, files[at])
        for at in changed
    ]
    published: dict[int, storage.Published] = {}
    if parts:
        open_files: dict[Path, storage.Reading | None] = {each.snapshot.path: each.file for each in parts}
        with (
            storage.Batch(parts) as batch,
            nullcontext(held) if held else storage.locked_together(open_files, timeout=timeout) as locks,
        ):
            done = batch.publish() if batch.compare(locks) else None
        if done is None:
            return None
        published = dict(zip(changed, done, strict=True))
    return [
        _receipt(draft, published[at]) if at in published else _unchanged(draft, wanted[at].options, None)
        for at, draft in enumerate(drafts)
    ]


def untouched(snapshot: Snapshot) -> Receipt | None:
    """Return the receipt of a save without changes, from one look at the file.

    ``None`` where there is more to do or to say: the file holds something else
    by now, cannot be read, or owes a sync.
    """
    if storage.owes(snapshot.path):
        return None
    try:
        now = loading.read(snapshot.path)
    except LoadError:
        return None
    if now.data is None or now.data != snapshot.data:
        return None
    return Receipt(snapshot.path, changed=False, durable=None, revision=snapshot.revision)


def approved_for(intent: Intent, current: Snapshot, witnesses: Witnesses) -> Approved:
    """Take ``intent`` through the stages in which plugin code may run."""
    with named(current.path):
        draft = intent.draft(current)
    # Bytes that stay the same prove nothing where something should have changed.
    proved = prove(draft, current.path) if draft.changes or draft.data != current.data else Proved(draft)
    if draft.data == current.data:
        return Approved(proved)  # nothing will be written: there is nothing to object to
    return approve(proved, witnesses, current.path)


@contextmanager
def named(path: Path | None) -> Iterator[None]:
    """Let a ``SaveError`` of somebody who knows of no file say which it was."""
    try:
        yield
    except SaveError as error:
        error.path = error.path or path
        raise


def finished(receipt: Receipt, witnesses: Witnesses) -> Receipt:
    """Tell the plugins, and return ``receipt``."""
    if witnesses.saved is not None and receipt.changed:
        witnesses.saved(receipt)
    return receipt
