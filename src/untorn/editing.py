"""What a host does for documents, edits and saves; imported when the first of them is asked for."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from untorn import intents, loading, proving, saving, storage
from untorn.bases import Base, Bases
from untorn.changes import ChangeSet, Set, applied
from untorn.document import Document
from untorn.drafts import Draft, patched
from untorn.errors import ConflictError, SaveError
from untorn.keypath import MISSING
from untorn.keywords import EditKeywords, PathLike, SaveKeywords, WriteKeywords, options_of
from untorn.loading import Loaded, load_snapshot
from untorn.records import Receipt, Revision, Snapshot
from untorn.text import UTF8
from untorn.values import Value, copied, same_value, surely_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from untorn.document import Saver
    from untorn.records import Proposal
    from untorn.registry import Registry
    from untorn.selection import DocumentNumber, Selection
    from untorn.transactions import Transaction

_UNKNOWN = MISSING
_TRIES = 100


class Select(Protocol):
    """Finds the serializer of a file, or of a format."""

    def __call__(
        self, path: PathLike | None, format: str | None = None, document: DocumentNumber = None
    ) -> Selection:
        """Raise ``UnknownFormatError`` where there is none."""
        ...


class Editor:
    """The part of a host that writes; ``Host`` says what each method promises.

    Args:
        bases: The host's memory of what its values came from.
        select: Finds serializers.
        asked: Gives the registry of those who have a say in a save, if there are any.
    """

    def __init__(self, bases: Bases, select: Select, asked: Callable[[], Registry | None]) -> None:
        self._bases = bases
        self._select = select
        self._asked = asked

    @property
    def _witnesses(self) -> proving.Witnesses:
        registry = self._asked()
        return proving.Witnesses(registry.validate, registry.saved) if registry else proving.Witnesses()

    # ── Documents ───────────────────────────────────────────────────────────

    def open(  # noqa: PLR0913  one for each thing that a file can need
        self,
        path: PathLike,
        selection: Selection,
        *,
        create: bool,
        follow_symlinks: bool,
        allow_reformat: bool,
        in_place: PathLike | None,
    ) -> Document:
        """Return a document for a file."""
        target = storage.resolve(path, follow_symlinks=follow_symlinks)
        directory = loading.directory_of(in_place)
        opened = self._document(loading.read(target, directory), selection, create=create)
        opened.allow_reformat, opened.in_place = allow_reformat, directory
        return opened

    def _document(
        self, snapshot: Snapshot, selection: Selection, *, create: bool, saver: Saver | None = None
    ) -> Document:
        new = snapshot.data is None and create
        base = None if new else load_snapshot(loading.existing(snapshot), selection)
        return Document(base, snapshot.path, selection, saver or self._save_document)

    def _locked(
        self, target: Path, selection: Selection, options: saving.SaveOptions, *, create: bool
    ) -> Document:
        snapshot = loading.read(target, options.write.in_place, locked=True)
        locked = self._document(snapshot, selection, create=create)
        locked.allow_reformat, locked.in_place = options.allow_reformat, options.write.in_place
        return locked

    def parse(self, text: str | bytes, selection: Selection) -> Document:
        """Return a document for a text without a file."""
        source = loading.source_of(text, selection)
        data = text if isinstance(text, bytes) else text.encode(UTF8, "surrogatepass")
        whole = loading.parse_text(source.text, selection, None)
        base = Loaded(Snapshot(Path(), data), source, selection, whole)
        return Document(base, None, selection, self._save_document)

    def dumps(self, value: Value, format: str, document: DocumentNumber) -> str:
        """Return a new text for ``value``."""
        selection = self._select(None, format, document)
        draft = intents.Creation(selection, copied(value)).draft(Snapshot(Path(), None))
        assert draft.source is not None
        proving.prove(draft, None)
        return draft.source.text

    def proposal(self, path: PathLike, selection: Selection) -> Proposal:
        """Return what a save of a file as it is would propose."""
        base = load_snapshot(loading.existing(loading.read(storage.resolve(path))), selection)
        return proving.proposal_of(patched(base, ChangeSet()), base.snapshot.path)

    # ── Saving ──────────────────────────────────────────────────────────────

    def save(self, path: PathLike, value: Value, keywords: SaveKeywords) -> Receipt:
        """Make a file hold ``value``."""
        wanted, done = self.wanted(path, value, keywords)
        receipt, draft = self._run(wanted.intent, wanted.path, wanted.options)
        done(receipt, draft)
        return receipt

    def wanted(
        self, path: PathLike, value: Value, keywords: SaveKeywords
    ) -> tuple[saving.Wanted, Callable[[Receipt, Draft], None]]:
        """Return what saving ``value`` wants, and what to remember when that is done."""
        target, options = options_of(path, keywords)
        selection = self._select(path, keywords.get("format"), keywords.get("document"))
        taken = copied(value)
        base = self._base(path, target, value, keywords)
        intent = intents.intent_on(
            base, selection, taken, allow_reformat=options.allow_reformat, policy=options.on_conflict
        )

        def done(_receipt: Receipt, draft: Draft) -> None:
            expected = selection.picked(draft.expected)
            merged = not surely_same(expected, taken) and not same_value(expected, taken)
            # What the caller changes next is changed from what this save took, also in one of many documents.
            left = applied(draft.expected, [Set(selection.prefix, taken)]) if merged else MISSING
            self._bases.saved(target, value, Base(Snapshot(target, draft.data), left))

        return saving.Wanted(intent, target, options), done

    def _base(
        self, path: PathLike, target: Path, value: Value, keywords: SaveKeywords
    ) -> Base | Revision | None:
        given = keywords.get("base", _UNKNOWN)
        if given is _UNKNOWN:
            return self._bases.base_of(target, value, os.path.abspath(path))  # noqa: PTH100  with its links
        if given is not None and not isinstance(given, Revision):
            msg = f"base= is a revision or None, not {given!r}"
            raise TypeError(msg)
        return given

    def write_text(self, path: PathLike, text: str, keywords: WriteKeywords) -> Receipt:
        """Make a file hold ``text`` in UTF-8."""
        return self.write_bytes(path, intents.encoded(text, path), keywords)

    def write_bytes(self, path: PathLike, data: bytes, keywords: WriteKeywords) -> Receipt:
        """Make a file hold ``data``."""
        target, options = options_of(path, keywords)
        receipt, _ = self._run(intents.Opaque(bytes(data)), target, options)
        return receipt

    def _run(
        self, intent: intents.Intent, target: Path, options: saving.SaveOptions
    ) -> tuple[Receipt, Draft]:
        return saving.save(intent, target, options, self._witnesses)

    def _save_document(
        self, document: Document, path: PathLike | None, keywords: dict[str, Any]
    ) -> tuple[Receipt, Draft | None]:
        """Save a document to its own file, or its text to another one; without changes there is no draft."""
        if path is None and document.path is None:
            msg = "this document has no file: say doc.save(path)"
            raise SaveError(msg)
        if path is None and not keywords and not document.changed:
            receipt = saving.untouched(document.read_from)
            if receipt is not None:
                return receipt, None
        target, options = options_of(path if path is not None else document.path, keywords)  # type: ignore[arg-type]  # one is there
        if document.path == target:
            intent = document.intent(allow_reformat=options.allow_reformat, policy=options.on_conflict)
            return self._run(intent, target, options)
        return self._run(document.copy_intent(keywords.get("base", _UNKNOWN)), target, options)

    # ── Several at once ─────────────────────────────────────────────────────

    @contextmanager
    def transaction(self, timeout: float) -> Iterator[Transaction]:
        """Collect what is to be saved, then save all of it or nothing."""
        from untorn.transactions import Transaction  # noqa: PLC0415  one save does without

        transaction = Transaction(self, timeout)
        with transaction:
            yield transaction

    def unlocked(
        self,
        path: PathLike,
        format: str | None,
        document: DocumentNumber,
        keywords: EditKeywords,
        *,
        create: bool,
    ) -> tuple[Document, saving.SaveOptions]:
        """Return a document for a file, which saves nothing itself, and how it is saved."""
        from untorn.transactions import refuse_saving  # noqa: PLC0415  as in ``transaction``

        target, options = options_of(path, keywords)
        selection = self._select(path, format, document)
        doc = self._document(loading.read(target), selection, create=create, saver=refuse_saving)
        doc.allow_reformat = options.allow_reformat
        return doc, options

    def save_together(self, wanted: Sequence[saving.Wanted], timeout: float) -> list[tuple[Receipt, Draft]]:
        """Save several files of one directory as one."""
        return saving.save_together(wanted, timeout, self._witnesses)

    # ── Editing ─────────────────────────────────────────────────────────────

    @contextmanager
    def edit(
        self,
        path: PathLike,
        format: str | None,
        document: DocumentNumber,
        keywords: EditKeywords,
        *,
        create: bool,
    ) -> Iterator[Document]:
        """Lock, read, change, save."""
        target, options = options_of(path, keywords)
        selection = self._select(path, format, document)
        with _under_lock(target, options) as (held, committed):
            doc = self._locked(target, selection, options, create=create)
            yield doc
            self._commit_held(doc, options, held, committed)
        if not committed:
            # The name led to another inode meanwhile, so this lock no longer
            # kept anybody out: equal changes may be two steps of one counter.
            intent = doc.intent(
                allow_reformat=options.allow_reformat, equal_counts=False, policy=options.on_conflict
            )
            self._finish(doc, *self._run(intent, target, options))

    def update(  # noqa: PLR0913  as ``edit``, and the change
        self,
        path: PathLike,
        change: Callable[[Document], object],
        format: str | None,
        document: DocumentNumber,
        keywords: EditKeywords,
        *,
        create: bool,
    ) -> Receipt:
        """Lock, read, change, save; again where the lock did not keep everybody out."""
        target, options = options_of(path, keywords)
        selection = self._select(path, format, document)
        for _ in range(_TRIES):
            with _under_lock(target, options) as (held, committed):
                doc = self._locked(target, selection, options, create=create)
                change(doc)
                self._commit_held(doc, options, held, committed)
            if committed:
                return committed[0]
        raise ConflictError(
            f"another program replaced the file during each of {_TRIES} tries",
            path=target,
            hint="find out which program writes it all the time",
        )

    def _commit_held(
        self, doc: Document, options: saving.SaveOptions, held: storage.Held, committed: list[Receipt]
    ) -> None:
        """Save ``doc`` under the lock; ``committed`` stays empty if the file moved on all the same."""
        assert doc.path is not None
        witnesses = self._witnesses
        intent = doc.intent(allow_reformat=options.allow_reformat)
        approved = saving.approved_for(intent, doc.read_from, witnesses)
        receipt = saving.commit(approved, options, held=held)
        if receipt is not None:
            committed.append(receipt)
            self._finish(doc, saving.finished(receipt, witnesses), approved.draft)

    def _finish(self, doc: Document, receipt: Receipt, draft: Draft) -> None:
        doc.committed(draft)
        doc.receipt = receipt


@contextmanager
def _under_lock(target: Path, options: saving.SaveOptions) -> Iterator[tuple[storage.Held, list[Receipt]]]:
    """Hold the file's lock; also gives a list for the receipt of what is committed under it.

    Whatever interrupts the rest of the block, or the end of the lock, then says so.
    """
    committed: list[Receipt] = []
    saving.settle(target, options.timeout)
    try:
        with storage.lock(target, timeout=options.timeout) as held:
            yield held, committed
    except BaseException as interrupt:
        if committed:
            interrupt.add_note(f"untorn: {target}: the new content is in place")
        raise
