"""Document: what an application holds: the text, the value and the revision of one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from untorn import intents, operations, proving
from untorn.changes import ChangeSet, Operation, SetComment, apply_to, difference
from untorn.drafts import Draft, applied_checked, owned, prefixed, text_edits, without_prefix
from untorn.edits import TextEdit, apply_edits, composed
from untorn.errors import KeyPathError
from untorn.keypath import (
    MISSING,
    KeyPath,
    KeyPathLike,
    format_keypath,
    look_up,
    resolve_keypath,
)
from untorn.loading import Loaded
from untorn.positions import lsp_edits, range_of
from untorn.records import Comment, Located, Location, Range, Receipt, Revision, Snapshot
from untorn.sdk.commenting import comment_of
from untorn.text import SourceText, location_at, newline_of
from untorn.values import Value, copied

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import EllipsisType

    from untorn.replay import Policy
    from untorn.selection import Locator, Selection

    # Saves a document to its own path (None) or another one, with keyword options.
    # There is no draft where nothing was to be done.
    Saver: TypeAlias = Callable[["Document", Any, dict[str, Any]], tuple[Receipt, Draft | None]]


class Document:
    """One file's text and value, and the changes made to it since it was read.

    Explicit operations (``set``, ``append``, ``insert``, ``delete``, ``rename``,
    ``set_comment``) change the text at once. ``value`` is plain data that you may change freely:
    what changed in it is found by comparison when the text, the next operation
    or the save asks for it. A document belongs to one thread.

    Made by ``untorn.open``, ``untorn.parse`` and ``untorn.edit``.
    """

    def __init__(self, base: Loaded | None, path: Path | None, selection: Selection, saver: Saver) -> None:
        self._saver = saver
        self._path = path
        self._selection = selection
        self._start(base, {} if base is None else base.whole)
        self._live: Value = MISSING
        self._located_in: str | None = None
        self._locate: Locator
        self.receipt: Receipt | None = None
        """What the last save did; ``edit`` sets it when its block has ended."""
        self.allow_reformat = False
        """Whether what cannot be edited precisely may be rendered anew as a whole."""
        self.in_place: Path | None = None
        """Where its journal goes if it is written in place; else ``None``."""

    def _start(self, base: Loaded | None, whole: Value) -> None:
        """Begin anew from ``base``; ``whole`` is its value, which is never changed but for a new one."""
        self._base = base
        self._settled = whole if base is not None else self._selection.whole_of(whole)
        self._operations: list[Operation] = []
        self._edits: list[TextEdit] = []
        self._text = base.source.text if base is not None else None
        # An edit may take the last newline that told the file's style.
        self._newline = newline_of(base.source.text) if base is not None else ""

    # ── What it holds ───────────────────────────────────────────────────────

    @property
    def path(self) -> Path | None:
        """The file, symbolic links resolved; ``None`` for a document without one."""
        return self._path

    @property
    def format(self) -> str:
        """The name of the serializer."""
        return self._selection.serializer.name

    @property
    def revision(self) -> Revision:
        """What identifies the bytes that this document began with."""
        return self._base.snapshot.revision if self._base is not None else Revision(None)

    @property
    def value(self) -> Value:
        """The value as plain data that you may change freely."""
        if self._live is MISSING:
            self._live = copied(self._selection.picked(self._settled))
        return self._live

    @value.setter
    def value(self, value: Value) -> None:
        self._live = value

    @property
    def text(self) -> str:
        """The text with all changes in it, in the newlines of the file, without BOM."""
        self._settle()
        if self._text is None:
            return self._selection.render(self._settled)
        return self._text

    @property
    def changes(self) -> ChangeSet:
        """What was changed since the file was read, as operations."""
        self._settle()
        count = len(self._selection.prefix)
        return ChangeSet(tuple(without_prefix(each, count) for each in self._operations))

    @property
    def edits(self) -> tuple[TextEdit, ...]:
        """The changes as edits of the text that was read; offsets are code points."""
        self._settle()
        return tuple(self._edits)

    def lsp_edits(self) -> list[dict[str, Any]]:
        """Return ``edits`` as a language server sends them: lines from 0, columns in UTF-16 code units."""
        return lsp_edits(self._base.source.text if self._base is not None else "", self.edits)

    def diff(self) -> str:
        """Return the changes of the text as a unified diff, empty if there are none."""
        import difflib  # noqa: PLC0415  only for people

        before = self._base.source.text if self._base is not None else ""
        name = str(self._path or "<text>")
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), self.text.splitlines(keepends=True), name, name
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )

    def location(self, path: KeyPathLike) -> Location:
        """Return where the value at ``path`` begins in ``text``.

        Raises:
            KeyPathError: The path leads nowhere, or the format has no positions.
        """
        return location_at(self.text, self._located(path).value.start, self._path)

    def range(
        self,
        path: KeyPathLike,
        part: Literal["value", "key", "entry"] = "value",
        *,
        unit: Literal["code point", "utf-16"] = "code point",
    ) -> Range:
        """Return where the value at ``path`` begins and ends in ``text``.

        Args:
            path: A key path.
            part: The value alone; its key; or the whole entry, from its key (or the
                ``-`` of a YAML item) to the end of its value.
            unit: What columns count: ``"utf-16"`` for language servers and browsers.

        Raises:
            KeyPathError: The path leads nowhere, has no such part, or the format has no positions.
        """
        span = getattr(self._located(path), part)
        if span is None:
            where = self._resolved(path)
            msg = f"{format_keypath(where)} has no {part} of its own in this {self.format} text"
            raise KeyPathError(msg, where=where)
        return range_of(self.text, span, self._path, utf16=unit == "utf-16")

    def comment(self, path: KeyPathLike) -> Comment:
        """Return what the comments of the entry at ``path`` say, without their markers.

        They are the block of lines directly above it and the comment at the end
        of its line. A block at the top of the file counts where the first entry
        follows it directly, unless it is a licence; directives and commented-out
        settings never do.

        Raises:
            KeyPathError: The path leads nowhere, or the format has no positions.
        """
        return comment_of(self.text, self._located(path))

    def _located(self, path: KeyPathLike) -> Located:
        text = self.text
        if self._located_in != text:
            self._located_in, self._locate = text, self._selection.locator(text)
        where = self._resolved(path)
        found = self._locate(where)
        if found is None:
            msg = f"{format_keypath(where)} has no place in this {self.format} text"
            raise KeyPathError(msg, where=where)
        return found

    def get(self, path: KeyPathLike, default: Value = None) -> Value:
        """Return the value at ``path``, or ``default`` where there is none.

        Raises:
            KeyPathError: The path is malformed, ambiguous, or leads through a scalar.
        """
        found = look_up(self.value, resolve_keypath(path, self.value))
        return default if found is MISSING else found

    def __getitem__(self, key: Any) -> Value:  # noqa: ANN401  YAML keys may be of any plain type
        return self.value[key]

    def __setitem__(self, key: Any, value: Value) -> None:  # noqa: ANN401
        if self.value is None:  # an empty YAML text
            self._live = {}
        self._live[key] = value

    def __delitem__(self, key: Any) -> None:  # noqa: ANN401
        del self.value[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(self.value, (Mapping, list)) and key in self.value

    def __repr__(self) -> str:
        return f"<Document {self._path or '<text>'} ({self.format}), {len(self._operations)} changes>"

    # ── Operations ──────────────────────────────────────────────────────────

    def set(self, path: KeyPathLike, value: Value) -> None:
        """Make ``path`` hold ``value``; parents that are missing become mappings.

        Raises:
            KeyPathError: The path is malformed, ambiguous, or leads through a scalar.
            UnrepresentableError: The format cannot hold ``value``.
            ImpreciseEditError: The edit would touch what it should not.
        """
        self._ask(operations.setting, path, value)

    def append(self, path: KeyPathLike, value: Value) -> None:
        """Put ``value`` behind the last item of the list at ``path``.

        Raises:
            KeyPathError: There is no list at ``path``.
        """
        self.insert(path, None, value)

    def insert(self, path: KeyPathLike, index: int | None, value: Value) -> None:
        """Put ``value`` into the list at ``path``, before ``index`` (``None``: at the end).

        Raises:
            KeyPathError: There is no list at ``path``, or ``index`` is out of its range.
        """
        self._ask(operations.inserting, path, index, value)

    def delete(self, path: KeyPathLike) -> None:
        """Remove the key or list item at ``path``, and the comments that are its own.

        Raises:
            KeyPathError: There is nothing at ``path``.
        """
        self._ask(operations.deleting, path)

    def rename(self, path: KeyPathLike, key: Any) -> None:  # noqa: ANN401  YAML keys may be of any plain type
        """Give the key at ``path`` the name ``key``, at the same place.

        Raises:
            KeyPathError: There is no key at ``path``, or ``key`` exists beside it.
        """
        self._ask(operations.renaming, path, key)

    def move(self, path: KeyPathLike, index: int) -> None:
        """Let the entry at ``path`` stand at ``index`` among its siblings, its comments with it.

        Args:
            path: A key or a list item.
            index: Where it shall stand, counted from 0 when it has moved; negative: from the end.

        Raises:
            KeyPathError: There is nothing at ``path``, or ``index`` is out of range.
            ImpreciseEditError: What stands between cannot be told apart from its surroundings.
        """
        self._settle()
        if self._operations and self._text is not None:
            # What was added stands where the layout has room for it, which need not be
            # behind its siblings: places are counted in the text.
            self._settled = self._selection.parse(self._text)
        self._ask(operations.moving, path, index)

    def set_comment(
        self,
        path: KeyPathLike,
        *,
        above: str | EllipsisType | None = ...,
        inline: str | EllipsisType | None = ...,
    ) -> None:
        """Let the comments of the entry at ``path`` say something else; ``None`` removes one.

        Args:
            path: The entry.
            above: The lines above it, separated by newlines, without markers.
            inline: The comment at the end of its line.

        Raises:
            KeyPathError: There is nothing at ``path``.
            UnrepresentableError: The format has no comments, or none can say that.
            ImpreciseEditError: The entry has no line for itself, or what it would
                say is taken for a directive or a commented-out setting.
        """
        self._ask(operations.commenting, path, above, inline)

    # ── Saving ──────────────────────────────────────────────────────────────

    def to_bytes(self) -> bytes:
        """Return the bytes that a save would write, proved like a save.

        Raises:
            ProofError: They would not read back as the value.
        """
        draft = self.copy_intent(None).draft(Snapshot(self._path or Path(), None))
        return proving.prove(draft, self._path).draft.data

    def save(self, path: Any = None, **options: Any) -> Receipt:  # noqa: ANN401  checked by the host
        """Save the changes: minimal, proved, validated, atomic, durable.

        Where the file moved on since it was read, the changes are replayed on
        what it holds now. With a ``path`` the text goes to that file instead.

        Raises:
            SaveError: Nothing was changed; see its subclasses.
            NotDurableError, UnknownOutcomeError: See there.
        """
        if path is None and self.in_place is not None:
            options.setdefault("in_place", self.in_place)
        receipt, draft = self._saver(self, path, options)
        if draft is not None and (self._path is None or draft.snapshot.path == self._path):
            self.committed(draft)
        self.receipt = receipt
        return receipt

    def intent(
        self, *, allow_reformat: bool = False, equal_counts: bool = True, policy: Policy = "raise"
    ) -> intents.Intent:
        """Return what a save of this document wants."""
        self.allow_reformat = self.allow_reformat or allow_reformat
        self._settle()
        if self._base is None:
            value = self._selection.picked(self._settled)
            return intents.Creation(
                self._selection, value, self._text, equal_counts=equal_counts, policy=policy
            )
        return intents.Changes(
            self._base,
            ChangeSet(tuple(self._operations)),
            text=self._text,
            allow_reformat=self.allow_reformat,
            equal_counts=equal_counts,
            policy=policy,
        )

    def copy_intent(self, base: Any) -> intents.Intent:  # noqa: ANN401  a revision, None, or MISSING
        """Return what saving this document's text to a file that is not its own wants."""
        self._settle()
        source = self._base.source if self._base is not None else SourceText("")
        seen = self._base.snapshot.data if self._base is not None and self._path is None else None
        return intents.Copy(self._selection, source.with_text(self.text), self._settled, seen, base)

    @property
    def changed(self) -> bool:
        """Whether anything was changed since the file was read, or there was no file."""
        self._settle()
        return self._base is None or bool(self._operations)

    @property
    def read_from(self) -> Snapshot:
        """The file as it was when this document was read."""
        assert self._path is not None
        return self._base.snapshot if self._base is not None else Snapshot(self._path, None)

    def committed(self, draft: Draft) -> None:
        """Go on from what a save wrote; ``value`` stays the same object where it can."""
        assert draft.source is not None
        self._path = draft.snapshot.path
        live = self._live
        merged = draft.selection.picked(draft.expected) if draft.selection else None
        snapshot = Snapshot(draft.snapshot.path, draft.data)
        self._start(Loaded(snapshot, draft.source, self._selection, draft.expected), draft.expected)
        if live is not MISSING:
            for operation in difference(live, merged):
                live = apply_to(live, operation)
            self._live = live

    # ── How it works ────────────────────────────────────────────────────────

    @property
    def _picked(self) -> Value:
        return self._selection.picked(self._settled)

    def _resolved(self, path: KeyPathLike) -> KeyPath:
        return resolve_keypath(path, self._picked)

    def _settle(self) -> None:
        """Turn what was changed in ``value`` into operations."""
        if self._live is MISSING:
            return
        self._perform(difference(self._picked, self._live))

    def _ask(self, ask: Callable[..., tuple[Operation, ...]], path: KeyPathLike, *details: Any) -> None:  # noqa: ANN401
        """Make operations in the text, the settled value and the live one, or none if one is refused."""
        self._settle()
        asked = ask(self._picked, path, *details)
        self._perform(ChangeSet(asked))
        if self._live is not MISSING:
            for operation in asked:
                self._live = apply_to(self._live, operation)

    def _perform(self, changes: ChangeSet) -> None:
        """Make changes in the text and the settled value, or neither if one is refused."""
        if not changes:
            return
        full = owned(prefixed(changes, self._selection.prefix))
        settled = applied_checked(self._settled, full)
        if self._text is None and any(isinstance(each, SetComment) for each in full):
            self._text = self._selection.render(self._settled)  # a comment needs a text to stand in
        if self._text is not None:
            edits = text_edits(
                self._text,
                self._selection,
                full,
                settled,
                allow_reformat=self.allow_reformat,
                newline=self._newline,
            )
            self._text = apply_edits(self._text, edits)
            self._edits = composed(self._edits, edits) if self._base is not None else []
        self._settled = settled
        self._operations += full
