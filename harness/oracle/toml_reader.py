"""TOML: the value from tomllib, the positions from a small parser of our own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.oracle.source import Comment, Entry, RefusedError, Span

if TYPE_CHECKING:
    from harness.oracle.operations import Path

_KEY_PART = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[A-Za-z0-9_-]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")|' + r"'''.*?'{3,5}(?!')|" + r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'",
    re.DOTALL,
)
_ATOM = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+|[^\s,\]}#]+")
_COMMENT = re.compile(r"#[^\r\n]*")


def read(text: str) -> tuple[object, dict[Path, Entry], list[Comment]]:
    """Read a TOML text."""
    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise RefusedError(str(error)) from error
    outline = _Outline(text)
    outline.document()
    return value, outline.entries, outline.comments


@dataclass
class _Outline:
    """Walks a text that tomllib has accepted, so that no error needs to be handled."""

    text: str
    entries: dict[Path, Entry] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    table: Path = ()

    def document(self) -> None:
        self.entries[()] = Entry((), "mapping", [], None, 0, [Span(0, len(self.text))])
        offset = self.space(0)
        while offset < len(self.text):
            offset = self.space(self.header(offset) if self.text[offset] == "[" else self.statement(offset))

    def space(self, offset: int) -> int:
        """Go over white space and newlines, and note the comments on the way."""
        while offset < len(self.text):
            if self.text[offset] == "#":
                match = _COMMENT.match(self.text, offset)
                assert match
                self.comments.append(Comment(offset, match.end(), match[0].rstrip()))
                offset = match.end()
            elif self.text[offset].isspace():
                offset += 1
            else:
                break
        return offset

    def blanks(self, offset: int) -> int:
        while self.text[offset] in " \t":
            offset += 1
        return offset

    def dotted(self, offset: int) -> tuple[list[tuple[str, Span]], int]:
        """Read a dotted key; return its parts with their places, and its end."""
        parts: list[tuple[str, Span]] = []
        while True:
            match = _KEY_PART.match(self.text, offset)
            assert match, self.text[offset : offset + 30]
            parts.append((_key(match[0]), Span(*match.span())))
            dot = _DOT.match(self.text, match.end())
            if not dot:
                return parts, match.end()
            offset = dot.end()

    def header(self, start: int) -> int:
        """``[table]`` or ``[[array]]``: every entry that it names gets the statement as a piece."""
        double = self.text.startswith("[[", start)
        parts, offset = self.dotted(self.blanks(start + 1 + double))
        end = self.blanks(offset) + 1 + double
        path: Path = ()
        for number, (key, span) in enumerate(parts):
            last = number == len(parts) - 1
            path = (*path, key)
            array = self.entries.get(path)
            entry = self.piece(path, Span(start, end), "sequence" if last and double else "mapping", start)
            entry.keys.append(span)
            if last and double:
                path = (*path, len(entry.children))
                self.piece(path, Span(start, end), "mapping", start).headers.append(Span(start, end))
            elif last:
                entry.headers.append(Span(start, end))
            elif array and array.kind == "sequence":
                path = (*path, len(array.children) - 1)
                self.piece(path, Span(start, end), "mapping", start)
        self.table = path
        return end

    def piece(self, path: Path, span: Span, kind: str, start: int) -> Entry:
        """Give the entry at ``path`` another statement; make it if it is new."""
        entry = self.entries.get(path)
        if entry is None:
            entry = Entry(path, "sequence" if kind == "sequence" else "mapping", [], None, start)
            self.entries[path] = entry
            self.entries[path[:-1]].children.append(path)
        if not entry.pieces or entry.pieces[-1] != span:
            entry.pieces.append(span)
        return entry

    def statement(self, start: int) -> int:
        """``key = value``: the tables around it get the statement as a piece, too."""
        parts, offset = self.dotted(start)
        offset = self.blanks(self.blanks(offset) + 1)
        end = self.value((*self.table, *(key for key, _ in parts)), offset, parts[-1][1], start)
        path = self.table
        for depth in range(1, len(path) + 1):
            self.piece(path[:depth], Span(start, end), "mapping", start)
        for key, span in parts[:-1]:
            path = (*path, key)
            self.piece(path, Span(start, end), "mapping", start).keys.append(span)
        self.entries[path].children.append((*path, parts[-1][0]))
        return end

    def value(self, path: Path, offset: int, key: Span | None, start: int) -> int:
        """Note the value at ``offset`` and what is in it; return its end."""
        entry = Entry(path, "scalar", [key] if key else [], None, start)
        self.entries[path] = entry
        if self.text[offset] in "[{":
            entry.kind = "mapping" if self.text[offset] == "{" else "sequence"
            entry.bracketed = True
            end = self.members(entry, offset)
        else:
            match = (_STRING if self.text[offset] in "\"'" else _ATOM).match(self.text, offset)
            assert match, self.text[offset : offset + 30]
            end = match.end()
        entry.value = Span(offset, end)
        entry.pieces = [Span(start, end)]
        return end

    def members(self, entry: Entry, offset: int) -> int:
        """Note the items of an array or inline table; return the offset after its bracket."""
        offset = self.space(offset + 1)
        while self.text[offset] not in "]}":
            if self.text[offset] == ",":
                offset = self.space(offset + 1)
            elif entry.kind == "sequence":
                path = (*entry.path, len(entry.children))
                entry.children.append(path)
                offset = self.space(self.value(path, offset, None, offset))
            else:
                offset = self.space(self.pair(entry, offset))
        return offset + 1

    def pair(self, entry: Entry, start: int) -> int:
        """A pair of an inline table, whose key may be dotted."""
        parts, offset = self.dotted(start)
        offset = self.blanks(self.blanks(offset) + 1)
        path = entry.path
        end = self.value((*path, *(key for key, _ in parts)), offset, parts[-1][1], start)
        for key, span in parts[:-1]:
            path = (*path, key)
            inner = self.piece(path, Span(start, end), "mapping", start)
            inner.keys.append(span)
        self.entries[path].children.append((*path, parts[-1][0]))
        return end


def _key(text: str) -> str:
    """The key that a bare or quoted part stands for."""
    [key] = tomllib.loads(f"{text} = 1") if text[0] in "\"'" else [text]
    return key
