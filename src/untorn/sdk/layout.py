"""Lines: where they begin and end, and how whole lines come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.edits import Span, TextEdit
from untorn.text import newline_of

if TYPE_CHECKING:
    from untorn.records import Located

BLANKS = " \t"


def line_start(text: str, offset: int) -> int:
    """Return the offset of the first character of the line that ``offset`` is in."""
    return text.rfind("\n", 0, offset) + 1


def line_stop(text: str, offset: int) -> int:
    """Return the offset behind the newline of the line that ``offset`` is in."""
    newline = text.find("\n", offset)
    return len(text) if newline < 0 else newline + 1


def indentation_of(text: str, offset: int) -> str:
    """Return the blanks at the start of the line that ``offset`` is in."""
    start = line_start(text, offset)
    stop = start
    while stop < len(text) and text[stop] in BLANKS:
        stop += 1
    return text[start:stop]


def blank_before(text: str, offset: int) -> bool:
    """Return whether only blanks stand before ``offset`` on its line."""
    return not text[line_start(text, offset) : offset].strip(BLANKS)


def lines_inserted(text: str, offset: int, lines: str) -> TextEdit:
    r"""Return the edit that puts whole ``lines`` (each ending in ``"\n"``) at ``offset``.

    ``offset`` is the start of a line, or the end of the text; the final
    newline of the text, or its absence, stays as it is.
    """
    if offset == len(text) and text and not text.endswith("\n"):
        return TextEdit(offset, offset, "\n" + lines.removesuffix("\n"))
    return TextEdit(offset, offset, lines)


def lines_removed(text: str, start: int, stop: int) -> TextEdit:
    """Return the edit that removes the whole lines ``text[start:stop]``.

    Where they are the last ones of a text without final newline, the newlines
    before them go instead: of blank lines there, too, or one would end the text.
    """
    if stop == len(text) and not text.endswith("\n"):
        while start and not text[line_start(text, start - 1) : start].strip():
            start = line_start(text, start - 1)
        if start:
            start -= 2 if text.endswith("\r\n", 0, start) else 1
    return TextEdit(start, stop, "")


def removed_with_comments(text: str, entry: Located) -> list[TextEdit]:
    """Return the edits that remove an entry that has its lines to itself.

    Its own comments go with it (EDITING E3); comment lines between them that
    are not its own stay.
    """
    assert entry.entry is not None
    last = entry.inline.stop if entry.inline else entry.entry.stop
    body = Span(line_start(text, entry.entry.start), line_stop(text, last))
    runs = [Span(line_start(text, each.start), line_stop(text, each.stop)) for each in entry.above]
    merged: list[Span] = []
    for run in [*runs, body]:
        if merged and merged[-1].stop == run.start:
            merged[-1] = Span(merged[-1].start, run.stop)
        else:
            merged.append(run)
    return [lines_removed(text, run.start, run.stop) for run in merged]


__all__ = [
    "blank_before",
    "indentation_of",
    "line_start",
    "line_stop",
    "lines_inserted",
    "lines_removed",
    "newline_of",
    "removed_with_comments",
]
