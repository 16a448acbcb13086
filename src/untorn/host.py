"""Host: a registry and the pipelines together; what the front door uses."""

from __future__ import annotations

import codecs
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from untorn import formats, intents, loading, saving, storage
from untorn.bases import Base, Bases
from untorn.changes import ChangeSet, Set, applied
from untorn.document import Document
from untorn.drafts import Draft, patched
from untorn.errors import ConflictError, SaveError, UnknownFormatError, UnrepresentableError
from untorn.keypath import MISSING
from untorn.keywords import EditKeywords, PathLike, SaveKeywords, WriteKeywords, options_of
from untorn.loading import Loaded, load_snapshot
from untorn.records import Receipt, Revision, Snapshot
from untorn.selection import DocumentNumber, Selection
from untorn.text import UTF8, SourceText, decode
from untorn.values import Value, copied, same_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from untorn.records import Problem, Proposal
    from untorn.registry import PluginInfo, Registry
    from untorn.serializer import Serializer

_UNKNOWN = MISSING


class Host:
    """A set of plugins, and loads and saves with them. Thread-safe.

    Args:
        plugins: Objects or modules with hooks, admitted at once.
        discover: Whether installed plugins (entry-point group ``untorn``) join.
        required: Names of plugins without which saves are refused.
        options: For each plugin's name, the options that it is configured with.

    Raises:
        PluginError: One of ``plugins`` cannot be admitted.
    """

    def __init__(
        self,
        plugins: Sequence[object] = (),
        *,
        discover: bool = False,
        required: Sequence[str] = (),
        options: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self._required = tuple(required)
        self._options = dict(options or {})
        self._registry: Registry | None = None
        self._bases = Bases()
        if discover:
            self.registry.discover()
        for plugin in plugins:
            self.admit(plugin)

    # ── Plugins ─────────────────────────────────────────────────────────────

    @property
    def registry(self) -> Registry:
        """The registry; it comes to life, and pluggy with it, when it is first asked for."""
        if self._registry is None:
            from untorn.registry import Registry  # noqa: PLC0415  see the docstring

            self._registry = Registry(required=self._required, options=self._options)
        return self._registry

    def admit(self, plugin: object, name: str | None = None) -> None:
        """Let a plugin take part from now on.

        Raises:
            PluginError: It cannot; it left no trace.
        """
        self.registry.admit(plugin, name)

    def use(self, name: str) -> None:
        """Let an installed plugin take part, by the name of its entry point.

        Raises:
            PluginError: It is not installed, or cannot be admitted.
        """
        self.registry.use(name)

    def plugins(self) -> list[PluginInfo]:
        """Return every plugin with its state, those that were set aside with the reason."""
        return self.registry.plugins()

    @property
    def _witnesses(self) -> saving.Witnesses:
        if self._registry is None and not self._required:
            return saving.Witnesses()
        return saving.Witnesses(self.registry.validate, self.registry.saved)

    def serializer(self, path: Path | None, format: str | None = None) -> Serializer:
        """Return the serializer for a file or a format.

        Raises:
            UnknownFormatError: There is none.
        """
        if format is None and path is None:
            msg = "a text without a file needs a format"
            raise UnknownFormatError(msg, hint="say format='toml', 'yaml', 'json' or 'jsonc'")
        if self._registry is None:
            name = format or formats.built_in_name_for(_known(path))
            if name is not None and name in formats.BUILT_IN:
                return formats.built_in(name)
        try:
            return self._admitted(path, format)
        except UnknownFormatError:
            # Only for a format that nobody here knows: look among installed packages.
            self.registry.discover_serializers()
            return self._admitted(path, format)

    def _admitted(self, path: Path | None, format: str | None) -> Serializer:
        return self.registry.serializer(format) if format else self.registry.serializer_for(_known(path))

    def _selection(
        self,
        path: Path | None,
        format: str | None = None,
        document: DocumentNumber = None,
    ) -> Selection:
        return Selection(self.serializer(path, format), document)

    # ── Loading ─────────────────────────────────────────────────────────────

    def load(
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        missing: Value = MISSING,
        in_place: PathLike | None = None,
    ) -> Value:
        """Return the value of a file as plain data. Nothing is ever written.

        Args:
            path: The file.
            format: The serializer's name, where the file's name does not tell.
            document: Which document of a YAML text, from 0, or ``"all"``.
            missing: What to return where there is no file.
            in_place: The directory of journals, for a file that is written in place.

        Raises:
            FileNotFoundError: There is no file, and ``missing`` was not given.
            LoadError: The file cannot be read, decoded or parsed; see its subclasses.
            UnknownFormatError: No serializer is known for it.
        """
        # What was asked for decides the format, not where a link leads.
        selection = self._selection(Path(path), format, document)
        snapshot = loading.read(storage.resolve(path), loading.directory_of(in_place))
        if snapshot.data is None and missing is not MISSING:
            value = missing
        else:
            value = load_snapshot(loading.existing(snapshot), selection).value
        self._bases.loaded(snapshot.path, value, Base(snapshot), os.path.abspath(path))  # noqa: PTH100  with its links
        return value

    def loads(self, text: str | bytes, *, format: str, document: DocumentNumber = None) -> Value:
        """Return the value of a text.

        Raises:
            LoadError: It cannot be decoded or parsed.
            UnknownFormatError: There is no such format.
        """
        selection = self._selection(None, format, document)
        return selection.picked(loading.parse_text(_source(text, selection).text, selection, None))

    def dumps(self, value: Value, *, format: str, document: DocumentNumber = None) -> str:
        """Return a new text for ``value``, proved like a save.

        Raises:
            UnrepresentableError: The format cannot hold it.
            ProofError: The text would not read back as ``value``.
        """
        selection = self._selection(None, format, document)
        draft = intents.Creation(selection, copied(value)).draft(Snapshot(Path(), None))
        assert draft.source is not None
        saving.prove(draft, None)
        return draft.source.text

    def open(  # noqa: PLR0913  one for each thing that a file can need
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        create: bool = False,
        follow_symlinks: bool = True,
        allow_reformat: bool = False,
        in_place: PathLike | None = None,
    ) -> Document:
        """Return a document for a file.

        Args:
            path: The file.
            format: The serializer's name, where the file's name does not tell.
            document: Which document of a YAML text, from 0, or ``"all"``.
            create: Whether a missing file is an empty mapping, to be created.
            follow_symlinks: Whether a link leads to the file.
            allow_reformat: Whether what cannot be edited precisely may be
                rendered anew as a whole.
            in_place: The directory of journals, for a file that is written in
                place; the document's saves do so too.

        Raises:
            FileNotFoundError: There is no file, and ``create`` is not set.
            LoadError: The file cannot be read, decoded or parsed.
        """
        selection = self._selection(Path(path), format, document)
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

    def parse(self, text: str | bytes, *, format: str, document: DocumentNumber = None) -> Document:
        """Return a document for a text without a file, for editors that hold a buffer.

        Raises:
            LoadError: The text cannot be decoded or parsed.
        """
        selection = self._selection(None, format, document)
        source = _source(text, selection)
        data = text if isinstance(text, bytes) else text.encode(UTF8, "surrogatepass")
        whole = loading.parse_text(source.text, selection, None)
        base = Loaded(Snapshot(Path(), data), source, selection, whole)
        return Document(base, None, selection, self._save_document)

    # ── Saving ──────────────────────────────────────────────────────────────

    def save(self, path: PathLike, value: Value, **keywords: Unpack[SaveKeywords]) -> Receipt:
        """Make a file hold ``value``: minimal, proved, validated, atomic, durable.

        What changed since ``value`` was loaded is made in what the file holds
        now; its comments, order and layout stay, and so do the changes of others.

        Raises:
            SaveError: Nothing was changed; see its subclasses.
            LoadError: What the file holds cannot be parsed: it stays.
            NotDurableError, UnknownOutcomeError: The commit point was passed.
        """
        target, options = options_of(path, keywords)
        selection = self._selection(Path(path), keywords.get("format"), keywords.get("document"))
        taken = copied(value)
        base = self._base(path, target, value, keywords)
        intent = intents.intent_on(base, selection, taken, allow_reformat=options.allow_reformat)
        receipt, draft = self._run(intent, target, options)
        snapshot = Snapshot(target, draft.data)
        merged = not same_value(selection.picked(draft.expected), taken)
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

    def write_text(self, path: PathLike, text: str, **keywords: Unpack[WriteKeywords]) -> Receipt:
        """Make a file hold ``text`` in UTF-8, atomically and durably; nothing is parsed or merged.

        Raises:
            SaveError: Nothing was changed.
        """
        try:
            data = text.encode(UTF8)
        except UnicodeEncodeError as error:
            msg = f"not saved: the text has a character that UTF-8 cannot hold: {error.reason}"
            raise UnrepresentableError(msg, path=Path(path)) from error
        return self.write_bytes(path, data, **keywords)

    def write_bytes(self, path: PathLike, data: bytes, **keywords: Unpack[WriteKeywords]) -> Receipt:
        """Make a file hold ``data``, atomically and durably; nothing is parsed or merged.

        Raises:
            SaveError: Nothing was changed.
        """
        target, options = options_of(path, keywords)
        receipt, _ = self._run(intents.Opaque(bytes(data)), target, options)
        return receipt

    def _run(
        self, intent: intents.Intent, target: Path, options: saving.SaveOptions
    ) -> tuple[Receipt, Draft]:
        return saving.save(intent, target, options, self._witnesses)

    def _save_document(
        self, document: Document, path: PathLike | None, keywords: dict[str, Any]
    ) -> tuple[Receipt, Draft]:
        """Save a document to its own file, or its text to another one."""
        if path is None and document.path is None:
            msg = "this document has no file: say doc.save(path)"
            raise SaveError(msg)
        target, options = options_of(path if path is not None else document.path, keywords)  # type: ignore[arg-type]  # one is there
        if document.path == target:
            return self._run(document.intent(allow_reformat=options.allow_reformat), target, options)
        return self._run(document.copy_intent(keywords.get("base", _UNKNOWN)), target, options)

    # ── Editing ─────────────────────────────────────────────────────────────

    @contextmanager
    def edit(
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        create: bool = False,
        **keywords: Unpack[EditKeywords],
    ) -> Iterator[Document]:
        """Lock, read, change, save: exact among all who use ``edit`` or ``update``.

        Nothing is saved if the block raises. Where a program that knows no lock
        changed the file meanwhile, the changes are replayed on what it left.

        Raises:
            ConflictError: That program changed the same key path.
            SaveError: Nothing was changed; see its subclasses.
            FileNotFoundError: There is no file, and ``create`` is not set.
        """
        target, options = options_of(path, keywords)
        selection = self._selection(Path(path), format, document)
        with storage.lock(target, timeout=options.timeout) as held:
            doc = self._locked(target, selection, options, create=create)
            yield doc
            done = self._commit_held(doc, options, held)
        if not done:
            # The name led to another inode meanwhile, so this lock no longer
            # kept anybody out: equal changes may be two steps of one counter.
            intent = doc.intent(allow_reformat=options.allow_reformat, equal_counts=False)
            self._finish(doc, *self._run(intent, target, options))

    def update(
        self,
        path: PathLike,
        change: Callable[[Document], object],
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        create: bool = False,
        **keywords: Unpack[EditKeywords],
    ) -> Receipt:
        """Like ``edit``, with ``change(doc)`` as the block; runs it again if need be.

        That is where a program that knows no lock replaced the file meanwhile.

        Raises:
            SaveError: Nothing was changed; see its subclasses.
        """
        target, options = options_of(path, keywords)
        selection = self._selection(Path(path), format, document)
        for _ in range(_TRIES):
            with storage.lock(target, timeout=options.timeout) as held:
                doc = self._locked(target, selection, options, create=create)
                change(doc)
                receipt = self._commit_held(doc, options, held)
            if receipt is not None:
                return receipt
        raise ConflictError(
            f"another program replaced the file during each of {_TRIES} tries",
            path=target,
            hint="find out which program writes it all the time",
        )

    def _commit_held(self, doc: Document, options: saving.SaveOptions, held: storage.Held) -> Receipt | None:
        """Save ``doc`` under the lock; ``None`` if the file moved on all the same."""
        assert doc.path is not None
        witnesses = self._witnesses
        intent = doc.intent(allow_reformat=options.allow_reformat)
        approved = saving.approved_for(intent, doc.read_from, witnesses)
        receipt = saving.commit(approved, options, held=held)
        if receipt is None:
            return None
        return self._finish(doc, saving.finished(receipt, witnesses), approved.draft)

    def _finish(self, doc: Document, receipt: Receipt, draft: Draft) -> Receipt:
        doc.committed(draft)
        doc.receipt = receipt
        return receipt

    # ── Validating ──────────────────────────────────────────────────────────

    def problems(self, proposal: Proposal) -> list[Problem]:
        """Return what the validators say about a proposal; nothing is saved."""
        return self.registry.validate(proposal)

    def check(
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
    ) -> list[Problem]:
        """Return what the validators say about a file as it is.

        Raises:
            FileNotFoundError, LoadError: It cannot be loaded.
        """
        base = load_snapshot(
            loading.existing(loading.read(storage.resolve(path))),
            self._selection(Path(path), format, document),
        )
        return self.problems(saving.proposal_of(patched(base, ChangeSet()), base.snapshot.path))


_TRIES = 100


def _known(path: Path | None) -> Path:
    assert path is not None
    return path


def _source(text: str | bytes, selection: Selection) -> SourceText:
    if isinstance(text, bytes):
        return decode(text, encodings=selection.encodings)
    # An editor's buffer may still have the mark.
    if text.startswith("\ufeff"):
        return SourceText(text[1:], mark=codecs.BOM_UTF8)
    return SourceText(text)
