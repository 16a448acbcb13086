"""Host: a registry and the pipelines together; what the front door uses."""

from __future__ import annotations

import os

from untorn import formats, loading, storage
from untorn.bases import Base, Bases
from untorn.errors import UnknownFormatError
from untorn.keypath import MISSING
from untorn.selection import Selection

# A load imports this module, and pays for what a load needs: what documents and
# saves need besides comes with ``untorn.editing``.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    from untorn.document import Document
    from untorn.editing import Editor
    from untorn.keywords import EditKeywords, PathLike, SaveKeywords, WriteKeywords
    from untorn.records import Problem, Proposal, Receipt
    from untorn.registry import PluginInfo, Registry
    from untorn.selection import DocumentNumber
    from untorn.serializer import Serializer
    from untorn.transactions import Transaction
    from untorn.values import Value


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
        self._edits: Editor | None = None
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

    def _asked(self) -> Registry | None:
        """Return the registry where plugins have a say in a save."""
        return self.registry if self._registry is not None or self._required else None

    def serializer(self, path: PathLike | None, format: str | None = None) -> Serializer:
        """Return the serializer for a file or a format.

        Raises:
            UnknownFormatError: There is none.
        """
        if format is None and path is None:
            msg = "a text without a file needs a format"
            raise UnknownFormatError(msg, hint="say format='toml', 'yaml', 'json' or 'jsonc'")
        if self._registry is None:
            name = format or formats.built_in_name_for(path or "")
            if name is not None and name in formats.BUILT_IN:
                return formats.built_in(name)
        try:
            return self._admitted(path, format)
        except UnknownFormatError:
            # Only for a format that nobody here knows: look among installed packages.
            self.registry.discover_serializers()
            return self._admitted(path, format)

    def _admitted(self, path: PathLike | None, format: str | None) -> Serializer:
        if format is not None:
            return self.registry.serializer(format)
        from pathlib import Path  # noqa: PLC0415  the built-in formats do without

        assert path is not None
        return self.registry.serializer_for(Path(path))

    def _selection(
        self,
        path: PathLike | None,
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
        selection = self._selection(path, format, document)
        target = storage.resolved(path)
        snapshot = loading.read(target, loading.directory_of(in_place))
        if snapshot.data is None and missing is not MISSING:
            value = missing
        else:
            value = loading.load_snapshot(loading.existing(snapshot), selection).value
        self._bases.loaded(target, value, Base(snapshot), os.path.abspath(path))  # noqa: PTH100  with its links
        return value

    def loads(self, text: str | bytes, *, format: str, document: DocumentNumber = None) -> Value:
        """Return the value of a text.

        Raises:
            LoadError: It cannot be decoded or parsed.
            UnknownFormatError: There is no such format.
        """
        selection = self._selection(None, format, document)
        return selection.picked(loading.parse_text(loading.source_of(text, selection).text, selection, None))

    def dumps(self, value: Value, *, format: str, document: DocumentNumber = None) -> str:
        """Return a new text for ``value``, proved like a save.

        Raises:
            UnrepresentableError: The format cannot hold it.
            ProofError: The text would not read back as ``value``.
        """
        return self._editor.dumps(value, format, document)

    # ── Documents ───────────────────────────────────────────────────────────

    @property
    def _editor(self) -> Editor:
        """The other half; it comes to life, and what it imports with it, when it is first asked for."""
        if self._edits is None:
            from untorn.editing import Editor  # noqa: PLC0415  see the docstring

            self._edits = Editor(self._bases, self._selection, self._asked)
        return self._edits

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
        return self._editor.open(
            path,
            self._selection(path, format, document),
            create=create,
            follow_symlinks=follow_symlinks,
            allow_reformat=allow_reformat,
            in_place=in_place,
        )

    def parse(self, text: str | bytes, *, format: str, document: DocumentNumber = None) -> Document:
        """Return a document for a text without a file, for editors that hold a buffer.

        Raises:
            LoadError: The text cannot be decoded or parsed.
        """
        return self._editor.parse(text, self._selection(None, format, document))

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
        return self._editor.save(path, value, keywords)

    def write_text(self, path: PathLike, text: str, **keywords: Unpack[WriteKeywords]) -> Receipt:
        """Make a file hold ``text`` in UTF-8, atomically and durably; nothing is parsed or merged.

        Raises:
            SaveError: Nothing was changed.
        """
        return self._editor.write_text(path, text, keywords)

    def write_bytes(self, path: PathLike, data: bytes, **keywords: Unpack[WriteKeywords]) -> Receipt:
        """Make a file hold ``data``, atomically and durably; nothing is parsed or merged.

        Raises:
            SaveError: Nothing was changed.
        """
        return self._editor.write_bytes(path, data, keywords)

    # ── Editing ─────────────────────────────────────────────────────────────

    def edit(
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        create: bool = False,
        **keywords: Unpack[EditKeywords],
    ) -> AbstractContextManager[Document]:
        """Lock, read, change, save: exact among all who use ``edit`` or ``update``.

        Nothing is saved if the block raises. Where a program that knows no lock
        changed the file meanwhile, the changes are replayed on what it left.

        Raises:
            ConflictError: That program changed the same key path.
            SaveError: Nothing was changed; see its subclasses.
            FileNotFoundError: There is no file, and ``create`` is not set.
        """
        return self._editor.edit(path, format, document, keywords, create=create)

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
        return self._editor.update(path, change, format, document, keywords, create=create)

    # ── Several at once ─────────────────────────────────────────────────────

    def transaction(self, *, timeout: float = 10.0) -> AbstractContextManager[Transaction]:
        """Save several files of one directory as one: all of them, or none.

        The block says what shall be saved; when it has ended, each file is proved
        and validated, and all are committed together. Through untorn, everybody
        sees all of them old or all of them new, also after a crash at any moment.

        Args:
            timeout: Seconds to wait for each lock.

        Raises (when the block has ended):
            SaveError: Nothing was changed, in any of them; see its subclasses.
            LoadError: What one of them holds cannot be parsed: all stay.
            NotDurableError, UnknownOutcomeError: The commit point of all was passed.
        """
        return self._editor.transaction(timeout)

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
        return self.problems(self._editor.proposal(path, self._selection(path, format, document)))
