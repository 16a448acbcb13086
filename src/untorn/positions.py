"""Places in a text, counted the way that people, editors and language servers count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn.records import Location, Range
from untorn.text import location_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from untorn.edits import Span, TextEdit


def range_of(text: str, span: Span, path: Path | None = None, *, utf16: bool = False) -> Range:
    """Return where ``span`` begins and ends, with columns in code points or in UTF-16 code units."""
    return Range(*(_location(text, offset, path, utf16=utf16) for offset in (span.start, span.stop)))


def _location(text: str, offset: int, path: Path | None, *, utf16: bool) -> Location:
    found = location_at(text, offset, path)
    if not utf16:
        return found
    before = text[offset - found.column + 1 : offset]
    # Every character beyond the Basic Multilingual Plane takes two units (RFC 2781, 2.1).
    return Location(path, found.line, found.column + sum(char > "\uffff" for char in before))


def lsp_edits(text: str, edits: Iterable[TextEdit]) -> list[dict[str, Any]]:
    """Return ``edits`` of ``text`` as the Language Server Protocol has them (3.17, ``TextEdit[]``)."""
    return [
        {"range": {"start": _lsp(text, each.start), "end": _lsp(text, each.stop)}, "newText": each.new}
        for each in edits
    ]


def _lsp(text: str, offset: int) -> dict[str, int]:
    found = _location(text, offset, None, utf16=True)
    return {"line": found.line - 1, "character": found.column - 1}
