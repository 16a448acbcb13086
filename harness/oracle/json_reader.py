"""JSON and JSONC: the value from ``json``, the positions from a small parser of our own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.oracle.source import Comment, Entry, RefusedError, Span

if TYPE_CHECKING:
    from harness.oracle.operations import Path

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+|[{}\[\]:,]', re.DOTALL)
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_SKIPPED = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=[ \t\r\n]*[}\]])', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")


def read(text: str, *, comments_allowed: bool) -> tuple[object, dict[Path, Entry], list[Comment]]:
    """Read a text as strict JSON, or with comments and trailing commas."""
    comments = [] if not comments_allowed else _comments(text)
    blanked = _blank_trailing_commas(_blank(text, comments)) if comments_allowed else text
    try:
        value = json.loads(blanked, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    outline = _Outline(blanked)
    outline.value((), outline.space(0), [], None)
    return value, outline.entries, comments


def _comments(text: str) -> list[Comment]:
    """Find the comments; a marker inside a string is none."""
    return [Comment(m.start(), m.end(), m[0]) for m in _SKIPPED.finditer(text) if m[0][0] == "/"]


def _blank(text: str, comments: list[Comment]) -> str:
    """Overwrite comments with spaces, so that every offset stays what it was."""
    parts: list[str] = []
    done = 0
    for comment in comments:
        parts += text[done : comment.start], re.sub(r"[^\r\n]", " ", comment.text)
        done = comment.end
    return "".join([*parts, text[done:]])


def _blank_trailing_commas(text: str) -> str:
    return _TRAILING_COMMA.sub(lambda match: " " if match[0] == "," else match[0], text)


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        msg = "duplicate key"
        raise ValueError(msg)
    return result


def _no_constant(name: str) -> object:
    msg = f"{name} is not JSON"
    raise ValueError(msg)


@dataclass
class _Outline:
    """Walks a text that ``json`` has accepted, so that no error needs to be handled."""

    text: str
    entries: dict[Path, Entry] = field(default_factory=dict)

    def space(self, offset: int) -> int:
        match = _SPACE.match(self.text, offset)
        assert match
        return match.end()

    def token(self, offset: int) -> int:
        match = _TOKEN.match(self.text, offset)
        assert match, self.text[offset : offset + 20]
        return match.end()

    def value(self, path: Path, offset: int, keys: list[Span], start: int | None) -> int:
        """Note the value at ``offset`` and what is in it; return its end."""
        entry = Entry(path, "scalar", keys, None, offset if start is None else start)
        self.entries[path] = entry
        opening = self.text[offset]
        if opening in "{[":
            entry.kind = "mapping" if opening == "{" else "sequence"
            entry.bracketed = True
            end = self.members(entry, self.space(offset + 1))
        else:
            end = self.token(offset)
        entry.value = Span(offset, end)
        entry.pieces = [Span(entry.start, end)]
        return end

    def members(self, entry: Entry, offset: int) -> int:
        """Note the members of an object or array; return the offset after its bracket."""
        number = 0
        while self.text[offset] not in "}]":
            if self.text[offset] == ",":
                offset = self.space(offset + 1)
                continue
            start, keys, key = offset, list[Span](), object()
            if entry.kind == "mapping":
                end = self.token(offset)
                keys, key = [Span(offset, end)], json.loads(self.text[offset:end])
                offset = self.space(self.space(end) + 1)
            else:
                key = number
            path = (*entry.path, key)
            entry.children.append(path)
            offset = self.space(self.value(path, offset, keys, start))
            number += 1
        return offset + 1
