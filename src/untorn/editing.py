"""What a host does for documents, edits and saves; imported when the first of them is asked for."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from untorn import intents, loading, saving, storage
from untorn.bases import Base, Bases
from untorn.changes import ChangeSet, Set, applied
from untorn.document import Document
from untorn.drafts import Draft, patched
from untorn.errors import ConflictError, SaveError, UnrepresentableError
from untorn.keypath import MISSING
from untorn.keywords import EditKeywords, PathLike, SaveKeywords, WriteKeywords, options_of
from untorn.loading import Loaded, load_snapshot
from untorn.records import Receipt, Revision, Snapshot
from untorn.text import UTF8
from untorn.values import Value, copied, same_value, surely_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from untorn.records import Proposal
    from untorn.registry import Registry
    from untorn.selection import DocumentNumber, Selection

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
    def _witnesses(self) -> saving.Witnesses:
        registry = self._asked()
        return saving.Witnesses(registry.validate, registry.saved) if registry else saving.Witnesses()

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

    def _document(self, snapshot: Snapshot, selection: Selection, *, create: bool) -> Document:
        new = snapshot.data is None and create
        base = None if new else load_snapshot(loading.existing(snapshot), selection)
        return Document(base, snapshot.path, selection, self._save_document)

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
        saving.prove(draft, None)
        return draft.source.text

    def proposal(self, path: PathLike, selection: Selection) -> Proposal:
        """Return what a save of a file as it is would propose."""
        base = load_snapshot(loading.existing(loading.read(storage.resolve(path))), selection)
        return saving.proposal_of(patched(base, ChangeSet()), base.snapshot.path)

    # ── Saving ──────────────────────────────────────────────────────────────

    def save(self, path: PathLike, value: Value, keywords: SaveKeywords) -> Receipt:
        """Make a file hold ``value``."""
        target, options = options_of(path, keywords)
        selection = self._select(path, keywords.get("format"), keywords.get("document"))
        taken = copied(value)
        base = self._base(path, target, value, keywords)
        intent = intents.intent_on(
            base, selection, taken, allow_reformat=options.allow_reformat, policy=options.on_conflict
        )
        receipt, draft = self._run(intent, target, options)
        snapshot = Snapshot(target, draft.data)
        expected = selection.picked(draft.expected)
        merged = not surely_same(expected, taken) and not same_value(expected, taken)
        # What the caller changes next is changed from what this save took, also in one of many documents.
        left = applied(draft.expected, [Set(selection.prefix, taken)]) if merged else MISSING
        self._bases.saved(target, value, Base(snapshot, left))
        return receipt

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
        try:
            data = text.encode(UTF8)
        except UnicodeEncodeError as error:
            msg = f"not saved: the text has a character that UTF-8 cannot hold: {error.reason}"
            raise UnrepresentableError(msg, path=Path(path)) from error
        return self.write_bytes(path, data, keywords)

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
    try:
        with storage.lock(target, timeout=options.timeout) as held:
            yield held, committed
    except BaseException as interrupt:
        if committed:
            interrupt.add_note(f"untorn: {target}: the new content is in place")
        raise
