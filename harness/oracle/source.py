"""A file as the judge sees it: value, entries with positions, comments."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.oracle.operations import Path
    from harness.oracle.ownership import Owned

Format = Literal["json", "jsonc", "toml", "yaml"]
NodeKind = Literal["scalar", "mapping", "sequence", "alias"]
BOM = "\ufeff"


class RefusedError(Exception):
    """The independent parser does not accept this text."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``text[start:end]``, in code points, without the BOM."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from its marker to its last character."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Entry:
    """A key with its value, or an item of a list, or (at ``()``) the whole document.

    Attributes:
        keys: Where the key is written: once, but in TOML in every header that names it.
        value: Where the value is, anchor and tag included; None for a TOML table that headers open.
        start: Where the entry begins: its key, its ``-``, its ``[``, or else its value.
        pieces: For TOML: every statement that belongs to it. Elsewhere the one span of the entry.
        bracketed: Whether the value is a collection in brackets.
        shared: Whether the value, or one around it, is an anchored node that an alias repeats.
        merged: Whether the value is a mapping with a merge key.
        headers: For TOML: the ``[table]`` lines of this very table.
    """

    path: Path
    kind: NodeKind
    keys: list[Span]
    value: Span | None
    start: int
    pieces: list[Span] = field(default_factory=list)
    children: list[Path] = field(default_factory=list)
    bracketed: bool = False
    shared: bool = False
    merged: bool = False
    headers: list[Span] = field(default_factory=list)

    @property
    def is_toml_table(self) -> bool:
        """Whether statements of their own make up the value, so that it has no one span."""
        return self.value is None

    @property
    def end(self) -> int:
        """Where the last piece of the entry ends."""
        return self.pieces[-1].end


@dataclass
class Source:
    """One text, read by the independent parsers."""

    format: Format
    text: str
    bom: bool
    value: object
    entries: dict[Path, Entry]
    comments: list[Comment]
    ownership: dict[Path, Owned] = field(default_factory=dict)

    @cached_property
    def first_content_line(self) -> int:
        """The first line with more than white space, ``---`` or a YAML directive; comments count."""
        for number, line in enumerate(self.lines):
            if line.strip() not in {"", "---"} and not line.startswith("%"):
                return number
        return len(self.lines)

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset of each line."""
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their newlines and carriage returns."""
        return split_lines(self.text)

    def line_of(self, offset: int) -> int:
        """The number of the line, from 0, that holds ``offset``."""
        return bisect_right(self.line_starts, offset) - 1

    def column_of(self, offset: int) -> int:
        """How many characters stand before ``offset`` on its line."""
        return offset - self.line_starts[self.line_of(offset)]

    def before_on_line(self, offset: int) -> str:
        """The text between the beginning of the line and ``offset``."""
        return self.text[self.line_starts[self.line_of(offset)] : offset]

    def line_end(self, line: int) -> int:
        """The offset of the end of a line, its newline excluded."""
        starts = self.line_starts
        return starts[line + 1] - 1 if line + 1 < len(starts) else len(self.text)

    def comments_in(self, start: int, end: int) -> Iterator[Comment]:
        """The comments that begin inside ``text[start:end]``."""
        return (comment for comment in self.comments if start <= comment.start < end)

    def skip(self, offset: int, more: str = "") -> int:
        """Go over white space, comments and the characters of ``more``."""
        starts = self.comment_ends
        while offset < len(self.text):
            if offset in starts:
                offset = starts[offset]
            elif self.text[offset].isspace() or self.text[offset] in more:
                offset += 1
            else:
                break
        return offset

    @cached_property
    def comment_ends(self) -> dict[int, int]:
        """Where each comment ends, by where it begins."""
        return {comment.start: comment.end for comment in self.comments}

    @cached_property
    def comment_at(self) -> dict[int, int]:
        """The index of each comment, by where it begins."""
        return {comment.start: index for index, comment in enumerate(self.comments)}

    @cached_property
    def standing_alone(self) -> dict[int, int]:
        """The comments with nothing but white space around them, by the number of their last line."""
        found: dict[int, int] = {}
        for index, comment in enumerate(self.comments):
            last = self.line_of(comment.end)
            rest = self.text[comment.end : self.line_end(last)]
            if not rest.strip() and not self.before_on_line(comment.start).strip():
                found[last] = index
        return found

    @cached_property
    def ending_on(self) -> dict[int, list[Entry]]:
        """The entries, by the number of the line on which they end."""
        found: dict[int, list[Entry]] = {}
        for entry in self.entries.values():
            if entry.path:
                found.setdefault(self.line_of(entry.end), []).append(entry)
        return found

    def parent(self, path: Path) -> Entry:
        """The collection that holds the entry at ``path``."""
        return self.entries[path[:-1]]

    def inside(self, path: Path) -> Iterator[Entry]:
        """The entries below ``path``."""
        for child in self.entries[path].children:
            yield self.entries[child]
            yield from self.inside(child)


def split_lines(text: str) -> list[str]:
    """Split at line feeds only, as editors and diff do, and drop the carriage returns before them."""
    return [line.removesuffix("\r") for line in text.split("\n")]
