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

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from untorn import storage
from untorn.changes import ChangeSet, Operation, Set, apply_to, difference, replayed
from untorn.edits import TextEdit, apply_edits
from untorn.errors import (
    ConflictError,
    ImpreciseEditError,
    KeyPathError,
    LoadError,
    NotDurableError,
    ProofError,
    RejectedError,
    UnknownOutcomeError,
    UnrepresentableError,
)
from untorn.keypath import format_keypath
from untorn.loading import MAX_BYTES, Loaded, load_snapshot
from untorn.records import Problem, Proposal, Receipt, Revision, Snapshot, revision_of
from untorn.selection import Selection, can_patch
from untorn.text import SourceText, decode, in_newlines_of, location_at
from untorn.values import Value, copied, same_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from untorn.keypath import KeyPath
    from untorn.records import Located

RACES = 3
"""How many times a save starts again because the file moved on, before it holds the lock throughout."""


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


# ── Stages ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Draft:
    """A new text for one snapshot of the file, with the value that it should have.

    ``expected`` is the whole value, computed on plain data; ``selection`` and
    ``source`` are ``None`` for opaque bytes.
    """

    snapshot: Snapshot
    data: bytes
    changes: ChangeSet = ChangeSet()
    source: SourceText | None = None
    selection: Selection | None = None
    expected: Value = None
    base: Value = None
    replayed: bool = False


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


class Intent(Protocol):
    """What is wanted, whatever the file holds by now."""

    def draft(self, current: Snapshot) -> Draft:
        """Return the new text for a file that holds ``current``.

        Raises:
            ConflictError: The file moved on in a way that cannot be reconciled.
        """


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
        if not same_value(found, draft.expected):
            [*_, first] = difference(draft.expected, found)
            raise _disproved(f"{format_keypath(first.path)} would read back differently", draft, path)
    return Proved(draft)


def _disproved(reason: str, draft: Draft, path: Path | None) -> ProofError:
    return ProofError(
        f"not saved ({draft.changes}): {reason}",
        path=path,
        hint="this is a defect of the serializer, please report it; allow_reformat=True (--allow-reformat) renders the file anew",
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

    def locate(where: KeyPath) -> Located | None:
        return selection.locate(source.text, where) if selection and source else None

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
        locate=locate,
        read=read,
    )


def _read_beside(path: Path | None, relative: str) -> bytes:
    from pathlib import Path  # noqa: PLC0415  only validators with a schema come here

    beside = path.parent / relative if path else Path(relative)
    data = storage.read(beside, limit=MAX_BYTES).data
    if data is None:
        raise FileNotFoundError(2, "no such file", str(beside))
    return data


def commit(
    approved: Approved, options: SaveOptions, held: storage.Held | None = None
) -> Receipt | Snapshot:
    """Write the approved bytes, unless the file moved on: then return what it holds now.

    Raises:
        WriteError, LockTimeoutError: Nothing was changed.
        NotDurableError, UnknownOutcomeError: The commit point was passed.
    """
    draft = approved.draft
    if draft.data == draft.snapshot.data:
        return _unchanged(draft)
    with storage.prepare(draft.snapshot, draft.data, options.write) as prepared:
        if held is not None:
            published = prepared.compare(held) or prepared.publish(held)
        else:
            with storage.lock(draft.snapshot.path, timeout=options.timeout) as own:
                published = prepared.compare(own) or prepared.publish(own)
    if isinstance(published, Snapshot):
        return published
    return _receipt(draft, published)


def _unchanged(draft: Draft) -> Receipt:
    """Write nothing and claim nothing, but pay the sync that an earlier save may owe."""
    storage.pay(draft.snapshot.path)
    return Receipt(draft.snapshot.path, changed=False, durable=None, revision=draft.snapshot.revision)


def _receipt(draft: Draft, published: storage.Published) -> Receipt:
    receipt = Receipt(
        draft.snapshot.path,
        changed=True,
        durable=published.durable,
        revision=revision_of(draft.data),
        replayed=draft.replayed,
        warnings=published.warnings,
    )
    if published.unknown:
        raise UnknownOutcomeError(
            f"the rename reported an error ({published.error}), and what it left could not be looked at",
            receipt=receipt,
            hint="load the file to see whether the old or the new content is in place",
        )
    if published.error is not None:
        raise NotDurableError(
            f"the new content is in place, but the disk did not confirm it: {published.error}",
            receipt=receipt,
            hint="check the disk; the next save of this file tries the sync again",
        )
    return receipt


# ── The pipeline ────────────────────────────────────────────────────────────


def save(intent: Intent, path: Path, options: SaveOptions, witnesses: Witnesses) -> tuple[Receipt, Draft]:
    """Take ``intent`` through all stages until it is committed or refused."""
    current = storage.read(path, limit=MAX_BYTES)
    for _ in range(RACES):
        approved = approved_for(intent, current, witnesses)
        outcome = commit(approved, options)
        if isinstance(outcome, Receipt):
            return finished(outcome, witnesses), approved.draft
        current = outcome
    while True:
        # Others were faster each time. Holding the lock from read to commit
        # keeps out all who use it; only a program that knows no lock can win.
        with storage.lock(path, timeout=options.timeout) as held:
            approved = approved_for(intent, storage.read(path, limit=MAX_BYTES), witnesses)
            outcome = commit(approved, options, held)
        if isinstance(outcome, Receipt):
            return finished(outcome, witnesses), approved.draft


def approved_for(intent: Intent, current: Snapshot, witnesses: Witnesses) -> Approved:
    """Take ``intent`` through the stages in which plugin code may run."""
    draft = intent.draft(current)
    if draft.data == current.data:
        return Approved(Proved(draft))  # nothing will be written: there is nothing to object to
    return approve(prove(draft, current.path), witnesses, current.path)


def finished(receipt: Receipt, witnesses: Witnesses) -> Receipt:
    """Tell the plugins, and return ``receipt``."""
    if witnesses.saved is not None and receipt.changed:
        witnesses.saved(receipt)
    return receipt


# ── Intents ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Opaque:
    """These bytes, whatever the file holds: nothing is parsed or merged."""

    data: bytes

    def draft(self, current: Snapshot) -> Draft:
        """Return the bytes."""
        return Draft(current, self.data)


@dataclass(frozen=True, slots=True)
class Creation:
    """A file that did not exist when this intent was made."""

    selection: Selection
    value: Value

    def draft(self, current: Snapshot) -> Draft:
        """Return a new text, or nothing to do where somebody made the same file meanwhile."""
        if current.data is None:
            return rendered(current, self.selection, self.selection.whole_of(self.value))
        theirs = load_snapshot(current, self.selection)
        if same_value(theirs.value, self.value):
            return Draft(current, current.data, ChangeSet(), theirs.source, self.selection, theirs.whole)
        raise ConflictError(
            "the file did not exist when this save began, and does now",
            path=current.path,
            where=(),
            hint="load it, or save with base=None to make its value yours",
            ours=self.value,
            theirs=theirs.value,
        )


@dataclass(frozen=True, slots=True)
class Replacement:
    """This value, whatever the file holds, with as few changes of its text as possible.

    ``unless`` is the revision that may be overwritten though it cannot be parsed;
    any other content that cannot be parsed stays.
    """

    selection: Selection
    value: Value
    revision: Revision | None = None
    allow_reformat: bool = False

    def draft(self, current: Snapshot) -> Draft:
        """Return the text of ``current`` changed to hold the value."""
        if self.revision is not None and current.revision != self.revision:
            raise ConflictError(
                f"the file is not at the revision {self.revision} that base= names",
                path=current.path,
                hint="load it again",
            )
        if current.data is None:
            return rendered(current, self.selection, self.selection.whole_of(self.value))
        try:
            theirs = load_snapshot(current, self.selection)
        except LoadError:
            if self.revision is None:
                raise  # whoever says base=None has not seen what is broken here
            return rendered(current, self.selection, self.selection.whole_of(self.value))
        changes = prefixed(difference(theirs.value, self.value), self.selection.prefix)
        return patched(theirs, changes, allow_reformat=self.allow_reformat)


@dataclass(frozen=True, slots=True)
class Copy:
    """A document's whole text, for a file that it was not read from.

    ``seen`` is what the file may hold (an editor's buffer before the changes);
    ``base`` is ``None`` for any valid content, a revision for exactly that one.
    """

    selection: Selection
    source: SourceText
    expected: Value
    seen: bytes | None
    base: object

    def draft(self, current: Snapshot) -> Draft:
        """Return the text."""
        if current.data is not None and current.data != self.seen and current.revision != self.base:
            if self.base is not None:
                raise ConflictError(
                    "the file exists and holds something else than this document began with",
                    path=current.path,
                    hint="say base=None to replace it, or open that file and change it",
                )
            load_snapshot(current, self.selection)  # what is broken here was not seen: it stays
        source = _encodable(self.source, current.path)
        changes = ChangeSet((Set(self.selection.prefix, self.selection.picked(self.expected)),))
        return Draft(current, source.to_bytes(), changes, source, self.selection, self.expected)


@dataclass(frozen=True, slots=True)
class Changes:
    """These changes, made on ``base``, replayed on what others made of it since.

    ``text`` is the base's text with the changes in it, where it is known already.
    The snapshot of a base that no file ever held (a value that a replayed save
    took) has no data.
    """

    base: Loaded
    changes: ChangeSet
    text: str | None = None
    allow_reformat: bool = False
    equal_counts: bool = True

    def draft(self, current: Snapshot) -> Draft:
        """Return the text of ``current`` with the changes in it."""
        if current.data is None:
            raise ConflictError(
                "the file was deleted since it was read",
                path=current.path,
                where=(),
                hint="save with base=None to make it anew",
            )
        if current.data == self.base.snapshot.data:
            return patched(self.base, self.changes, text=self.text, allow_reformat=self.allow_reformat)
        theirs = load_snapshot(current, self.base.selection)
        changes = self._replayed(theirs)
        return patched(theirs, changes, allow_reformat=self.allow_reformat, replayed=bool(changes))

    def _replayed(self, theirs: Loaded) -> ChangeSet:
        try:
            return replayed(self.changes, self.base.whole, theirs.whole, equal_counts=self.equal_counts)
        except ConflictError as conflict:
            prefix = len(self.base.selection.prefix)
            conflict.path = theirs.snapshot.path
            if conflict.where is not None:
                found = self.base.selection.locate(theirs.source.text, conflict.where[prefix:])
                conflict.where = conflict.where[prefix:]
                if found is not None:
                    conflict.location = location_at(theirs.source.text, found.value.start, conflict.path)
            raise


# ── Texts ───────────────────────────────────────────────────────────────────


def prefixed(changes: ChangeSet, prefix: KeyPath) -> ChangeSet:
    """Return changes of the picked value as changes of the whole."""
    if not prefix:
        return changes
    return ChangeSet(tuple(replace(each, path=(*prefix, *each.path)) for each in changes))


def rendered(current: Snapshot, selection: Selection, whole: Value) -> Draft:
    """Return a draft with a whole new text: for a new file, or one that could not be parsed."""
    source = _encodable(SourceText(selection.render(whole)), current.path)
    changes = ChangeSet((Set(selection.prefix, selection.picked(whole)),))
    return Draft(current, source.to_bytes(), changes, source, selection, copied(whole))


def patched(
    theirs: Loaded,
    changes: ChangeSet,
    *,
    text: str | None = None,
    allow_reformat: bool = False,
    replayed: bool = False,
) -> Draft:
    """Return a draft with the text of ``theirs`` changed as ``changes`` say."""
    snapshot, selection = theirs.snapshot, theirs.selection
    assert snapshot.data is not None
    if not changes:
        return Draft(snapshot, snapshot.data, changes, theirs.source, selection, theirs.whole, theirs.value)
    expected = applied_checked(theirs.whole, changes)
    if text is None:
        edits = text_edits(theirs.source.text, selection, changes, expected, allow_reformat=allow_reformat)
        text = apply_edits(theirs.source.text, edits)
    source = _encodable(theirs.source.with_text(text), snapshot.path)
    return Draft(
        snapshot, source.to_bytes(), changes, source, selection, expected, theirs.value, replayed=replayed
    )


def applied_checked(whole: Value, changes: Iterable[Operation]) -> Value:
    """Return ``whole`` after ``changes``, computed on plain data.

    Raises:
        KeyPathError: One of them leads nowhere.
    """
    result = copied(whole)
    for operation in changes:
        try:
            result = apply_to(result, operation)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            msg = f"cannot {operation}: there is no such place"
            raise KeyPathError(msg, where=operation.path) from error
    return result


def text_edits(
    text: str, selection: Selection, changes: ChangeSet, expected: Value, *, allow_reformat: bool = False
) -> list[TextEdit]:
    """Return the edits of ``text`` that make ``changes``, in its own newlines.

    Raises:
        ImpreciseEditError: They cannot be made precisely, and ``allow_reformat`` is not set.
        UnrepresentableError: The format cannot hold a new value.
    """
    try:
        edits = in_newlines_of(text, _precise_edits(text, selection, changes))
    except ImpreciseEditError:
        if not allow_reformat:
            raise
        return _reformatted(text, selection, expected)
    if allow_reformat and not _reads_as(apply_edits(text, edits), selection, expected):
        return _reformatted(text, selection, expected)
    return edits


def _precise_edits(text: str, selection: Selection, changes: ChangeSet) -> Iterable[TextEdit]:
    serializer = selection.serializer
    if can_patch(serializer):
        return serializer.patch(text, changes)
    if getattr(serializer, "value_only", False):
        whole = applied_checked(selection.parse(text), changes)
        return [TextEdit(0, len(text), selection.render(whole))]
    raise ImpreciseEditError(
        f"the {serializer.name} serializer cannot change a file without rendering all of it anew",
        hint="allow_reformat=True (--allow-reformat) permits that; comments and layout may be lost",
    )


def _reads_as(text: str, selection: Selection, expected: Value) -> bool:
    try:
        return same_value(selection.parse(text), expected)
    except LoadError:
        return False


def _reformatted(text: str, selection: Selection, expected: Value) -> list[TextEdit]:
    new = selection.render(expected)
    if text and not text.endswith("\n"):
        new = new.removesuffix("\n")
    return in_newlines_of(text, [TextEdit(0, len(text), new)])


def _encodable(source: SourceText, path: Path | None) -> SourceText:
    try:
        source.to_bytes()
    except UnicodeEncodeError as error:
        msg = f"the new text has a character that {source.encoding} cannot hold: {error.reason}"
        raise UnrepresentableError(msg, path=path) from error
    return source


def without_prefix(operation: Operation, count: int) -> Operation:
    """Return an operation on the whole as one on the picked value."""
    return replace(operation, path=operation.path[count:])
