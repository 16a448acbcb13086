"""What the stages of a load and a save hand to each other: frozen, and no behaviour to speak of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from untorn.keypath import KeyPath, format_keypath
from untorn.revisions import Revision, Snapshot, revision_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.changes import ChangeSet
    from untorn.edits import Span
    from untorn.values import Value


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text file, counted the way editors count: from 1.

    ``column`` counts Unicode code points, not bytes and not screen cells.
    """

    path: Path | None
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path or '<text>'}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Range:
    """From ``start`` to ``stop``, which is the place behind the last character."""

    start: Location
    stop: Location

    def __str__(self) -> str:
        return f"{self.start}-{self.stop.line}:{self.stop.column}"


@dataclass(frozen=True, slots=True)
class Located:
    """Where one entry stands in a text; all spans in code points.

    Attributes:
        value: The value itself: from its anchor or tag or first character to
            its last, without surrounding blanks or comments. An empty YAML
            value is an empty span.
        key: The key, quotes included; ``None`` for list items and the root.
        entry: Key and value, from the key (or the ``-``) to the value's end.
        above: The block of comment lines that the entry owns (EDITING E3), in
            whole lines, as one span a comment line; empty if there are none.
        inline: The comment at the end of its line, or ``None``.
        heading: The block at the very top of the file where it stands directly
            above this entry: nobody's when the entry goes, but what is read as
            its comment. Empty for a licence.
    """

    value: Span
    key: Span | None = None
    entry: Span | None = None
    above: tuple[Span, ...] = ()
    inline: Span | None = None
    heading: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """What the comments of one entry say, without their markers; ``None`` where there is none.

    Attributes:
        above: The block of lines above it, joined with newlines.
        inline: The one at the end of its line.
    """

    above: str | None = None
    inline: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason not to save.

    A validator gives ``message`` and ``where``, and ``span`` where it can point
    more finely than a value; the rest is filled in when it is reported.

    Attributes:
        message: What is wrong, without the place.
        where: The key path of the culprit, ``()`` for the whole value.
        plugin: Who objects.
        location: Where the culprit's value begins in the text to be saved, if
            the format has positions.
        span: The offsets of exactly the culprit's value in that text.
        excerpt: The line of the culprit with a caret under it, or ``""``.
    """

    message: str
    where: KeyPath = ()
    plugin: str = ""
    location: Location | None = None
    span: Span | None = None
    excerpt: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.message, str) or not isinstance(self.where, tuple):
            msg = f"a problem needs a string and a key path as tuple, got {self.message!r}, {self.where!r}"
            raise TypeError(msg)

    def at(self, *, plugin: str, location: Location | None, span: Span | None, excerpt: str) -> Problem:
        """Return this problem with what the pipeline knows about it."""
        return replace(self, plugin=plugin, location=location, span=span, excerpt=excerpt)

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        by = f" ({self.plugin})" if self.plugin else ""
        text = f"{place}{format_keypath(self.where)}: {self.message}{by}"
        return f"{text}\n{self.excerpt}" if self.excerpt else text


Locate: TypeAlias = "Callable[[KeyPath], Located | None]"
Read: TypeAlias = "Callable[[str], bytes]"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a save is about to write, for validators.

    Attributes:
        path: The file, or ``None`` for a document without one.
        format: The serializer's name, or ``None`` for opaque text and bytes.
        value: The new value, plain data, which nothing else shares (``None``
            where ``format`` is ``None``).
        text: The new text without BOM (``None`` for opaque bytes).
        data: The exact bytes that will be written.
        base: The value that is being replaced; ``None`` for a new file.
        changes: What this save changes.
        locate: Gives the spans of a key path in ``text``; ``None`` where the
            format has no positions or the path leads nowhere.
        read: Reads a file beside the target (a schema), by relative path, or
            any file by absolute path: plugins need no other door to the disk.
    """

    path: Path | None
    format: str | None
    value: Value
    text: str | None
    data: bytes
    base: Value
    changes: ChangeSet
    locate: Locate = field(repr=False, compare=False)
    read: Read = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a save did.

    Attributes:
        path: The file that was saved, symbolic links resolved.
        changed: Whether bytes were written.
        durable: Whether the new bytes are known to survive a power cut;
            ``None`` where nothing was written, ``False`` where the file system
            cannot say or ``durability="none"`` was asked for.
        revision: What identifies the bytes that are in place.
        replayed: Whether the file had moved on since the base, and the changes
            were made on its newer text.
        warnings: What could not be kept, in sentences.
        atomic: Whether the file was replaced in one step; ``False`` where it was
            written in place, and programs that know no journal may have seen it half-written.
    """

    path: Path
    changed: bool
    durable: bool | None
    revision: Revision
    replayed: bool = False
    warnings: tuple[str, ...] = ()
    atomic: bool = True


__all__ = [
    "Comment",
    "Locate",
    "Located",
    "Location",
    "Problem",
    "Proposal",
    "Range",
    "Read",
    "Receipt",
    "Revision",
    "Snapshot",
    "revision_of",
]
