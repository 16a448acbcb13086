"""Items of arrays come and go, in every layout: on one line, one a line, in rows, with comments."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import (
    Span,
    TextEdit,
    blank_before,
    hash_comments,
    indentation_of,
    line_start,
    line_stop,
    lines_removed,
    removed_with_comments,
)
from untorn.serializers._toml.locate import located_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.sdk import Located
    from untorn.serializers._toml.nodes import Array

_STEPS = ("\t", "  ", "    ")
_INDENTED = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)


def _step(text: str) -> str:
    """Return what the first indented line begins with, unless that is no usual step."""
    first = _INDENTED.search(text)
    return first[0] if first and first[0] in _STEPS else _STEPS[-1]


def inserted(text: str, array: Array, number: int, items: Sequence[str]) -> list[TextEdit]:
    """Return the edits that put ``items`` before the item at ``number``, or behind the last."""
    if not array.items:
        return [_only(text, array, items)]
    if number < len(array.items):
        return [_before(text, array, number, items)]
    return _appended(text, array, items)


def _only(text: str, array: Array, items: Sequence[str]) -> TextEdit:
    start, stop = array.span.start + 1, array.span.stop - 1
    if not text[start:stop].strip(" \t"):
        row = ", ".join(items)
        return TextEdit(start, stop, f" {row} " if start < stop else row)
    # Above the comments inside, or the last one would become the item's own.
    at = line_stop(text, start)
    comments = [each for each in hash_comments(text, at, stop) if blank_before(text, each.start)]
    indent = indentation_of(text, comments[0].start) if comments else ""
    indent = indent or indentation_of(text, array.span.start) + _step(text)
    return TextEdit(at, at, _lines(indent, items))


def _lines(indent: str, items: Sequence[str]) -> str:
    return "".join(f"{indent}{item},\n" for item in items)


def _before(text: str, array: Array, number: int, items: Sequence[str]) -> TextEdit:
    neighbour = array.items[number]
    start = neighbour.span.start
    own = located_item(text, neighbour).above
    if not own and not _has_lines_to_itself(text, Span(start, _behind_comma(array, number))):
        return TextEdit(start, start, "".join(f"{item}, " for item in items))
    at = line_start(text, own[0].start if own else start)
    return TextEdit(at, at, _lines(indentation_of(text, start), items))


def _behind_comma(array: Array, number: int) -> int:
    return array.commas[number] + 1 if number < len(array.commas) else array.items[number].span.stop


def _has_lines_to_itself(text: str, span: Span) -> bool:
    rest = text[span.stop : line_stop(text, span.stop)].strip()
    return blank_before(text, span.start) and (not rest or rest.startswith("#"))


def _appended(text: str, array: Array, items: Sequence[str]) -> list[TextEdit]:
    last = array.items[-1]
    comma = "," if len(array.commas) == len(array.items) else ""
    end = _behind_comma(array, len(array.items) - 1)
    commented = text[end : line_stop(text, end)].strip().startswith("#")
    if not commented and not _has_lines_to_itself(text, Span(last.span.start, end)):
        row = ", ".join(items)
        return [TextEdit(end, end, f" {row}," if comma else f", {row}")]
    at = line_stop(text, end)
    lines = _lines(_item_indentation(text, array), items)
    if comma:
        return [TextEdit(at, at, lines)]
    return [TextEdit(end, end, ","), TextEdit(at, at, lines.removesuffix(",\n") + "\n")]


def _item_indentation(text: str, array: Array) -> str:
    starts = [item.span.start for item in array.items if blank_before(text, item.span.start)]
    return (
        indentation_of(text, starts[-1]) if starts else indentation_of(text, array.span.start) + _step(text)
    )


def removed(text: str, array: Array, number: int) -> list[TextEdit]:
    """Return the edits that remove the item at ``number``, its comma and its own comments."""
    item = array.items[number]
    stop = _behind_comma(array, number)
    entry = replace(located_item(text, item), entry=Span(item.span.start, stop))
    if len(array.items) == 1 and not _other_comments(text, array, entry):
        return [TextEdit(array.span.start + 1, array.span.stop - 1, "")]
    # Without a trailing comma, the one before the last item must not become one.
    comma = array.commas[number - 1] if number and number == len(array.commas) else None
    if _has_lines_to_itself(text, Span(item.span.start, stop)):
        edits = removed_with_comments(text, entry)
        return edits if comma is None else [TextEdit(comma, comma + 1, ""), *edits]
    if comma is not None:
        return _last_of_row(text, comma, entry)
    return _from_row(text, array, number, entry)


def _other_comments(text: str, array: Array, entry: Located) -> bool:
    """Return whether an array with one item has comments that are not the item's own."""
    assert entry.entry is not None
    found = hash_comments(text, array.span.start + 1, entry.value.start)
    found += hash_comments(text, entry.value.stop, array.span.stop - 1)
    return bool(set(found) - {*entry.above, entry.inline})


def _last_of_row(text: str, comma: int, entry: Located) -> list[TextEdit]:
    start, stop = entry.value.start, entry.value.stop
    if blank_before(text, comma) and _has_lines_to_itself(text, Span(comma, stop)):
        return [lines_removed(text, line_start(text, comma), line_stop(text, stop))]
    if not blank_before(text, start):
        return [TextEdit(comma, stop, "")]
    above = [_line_removed(text, each) for each in entry.above]
    return [TextEdit(comma, comma + 1, ""), *above, TextEdit(start, stop, "")]


def _line_removed(text: str, comment: Span) -> TextEdit:
    return TextEdit(line_start(text, comment.start), line_stop(text, comment.stop), "")


def _from_row(text: str, array: Array, number: int, entry: Located) -> list[TextEdit]:
    """Remove an item that shares its line, with the comma behind it."""
    start, stop = entry.value.start, _behind_comma(array, number)
    above = [_line_removed(text, each) for each in entry.above]
    following = array.items[number + 1].span.start if number + 1 < len(array.items) else None
    if following is not None and not text[stop:following].strip(" \t"):
        return [*above, TextEdit(start, following, "")]
    before = array.items[number - 1].span.stop if number else array.span.start
    if (not number or line_start(text, before) != line_start(text, start)) and entry.inline:
        stop = entry.inline.stop
    if not blank_before(text, start):
        line = text[line_start(text, start) : start]
        start -= len(line) - len(line.rstrip(" \t"))
    return [*above, TextEdit(start, stop, "")]
