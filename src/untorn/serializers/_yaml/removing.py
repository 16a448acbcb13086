"""Edits that remove an entry, with the comments that are its own (EDITING E3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import (
    ImpreciseEditError,
    KeyPath,
    Located,
    Span,
    TextEdit,
    hash_comments,
    inline_comment,
    line_start,
    line_stop,
    removed_with_comments,
)
from untorn.serializers._yaml.adding import comma_after, count_of, entry_at, has_own_lines, is_bare_pair
from untorn.serializers._yaml.layout import column_of
from untorn.serializers._yaml.lines import behind, keeps_breaks, last_leaf, merged_edits
from untorn.serializers._yaml.nodes import content_start
from untorn.serializers._yaml.places import Entry, Index, refuse_needed_anchors, refuse_shared
from untorn.serializers._yaml.values import is_merge, merged_mappings

if TYPE_CHECKING:
    from untorn.sdk import Value
    from untorn.serializers._yaml.nodes import Node


def remove(index: Index, entry: Entry, path: KeyPath) -> list[TextEdit]:
    """Return the edits that remove an entry."""
    refuse_shared(entry.shared, path, "delete it")
    refuse_needed_anchors(entry.node, path, "delete it")
    holder = entry.holder
    assert holder is not None
    if entry.key is not None:
        refuse_needed_anchors(entry.key, path, "delete it")
        refuse_uncovered(index, holder, path, "delete it")
    if holder.is_flow:
        return _from_brackets(index, entry)
    if count_of(holder) == 1:
        return merged_edits(_emptied(index, entry, path))
    if index.text[line_start(index.text, index.start_of(entry)) : index.start_of(entry)].strip():
        return [_first_on_line(index, entry)]
    _refuse_stray_colon(index, entry, path)
    edits = _own_lines(index, entry)
    _refuse_lost_newline(index, entry, edits, path)
    return edits


def refuse_uncovered(index: Index, mapping: Node, path: KeyPath, what: str) -> None:
    """Raise if a merged key of the same name would come to light.

    Raises:
        ImpreciseEditError: It would.
    """
    key: Value = path[-1]
    for merge, value in mapping.pairs:
        if is_merge(merge) and any(key in index.values.of(source) for source in merged_mappings(value)):
            raise ImpreciseEditError(
                f"cannot {what}: the merge key (<<) brings another {key!r}, which would take its place",
                where=path,
                hint="set it to another value, or write the merged mapping out",
            )


# ── Lines ───────────────────────────────────────────────────────────────────


def _whole(index: Index, entry: Entry) -> Located:
    """Return the entry with the comments inside it that follow its last leaf."""
    located = index.located(entry)
    assert located.entry is not None
    end = located.entry.stop
    column = column_of(index.text, located.entry.start)
    place = behind(index.text, end, column, over_blanks=False)
    last = place if place > line_stop(index.text, end) else end
    if last != end:
        last = last - 1 if index.text[last - 1 : last] == "\n" else last
    return replace(located, entry=Span(located.entry.start, last), inline=None)


def _own_lines(index: Index, entry: Entry) -> list[TextEdit]:
    text = index.text
    edits = removed_with_comments(text, _whole(index, entry))
    last = edits[-1]
    if len(edits) == 1 and _follows_kept_breaks(index, entry):
        # Blank lines behind what goes would become part of the text before it.
        rest = text[last.stop :]
        blank = len(rest) - len(rest.lstrip(" \r\n"))
        end = len(text) if blank == len(rest) else line_start(text, last.stop + blank)
        edits[-1] = last = TextEdit(last.start, max(last.stop, end), "")
    if last.stop == len(text) and not text.endswith("\n"):
        # Blank lines before the last line would become the end of the file.
        kept = len(text[: last.start].rstrip(" \r\n"))
        floor = (entry.key or entry.node).floor
        edits[-1] = TextEdit(max(kept, min(floor, last.start)), last.stop, "")
    return edits


def _follows_kept_breaks(index: Index, entry: Entry) -> bool:
    """Return whether a block scalar that keeps the breaks behind it (``|+``) stands before an entry."""
    if entry.number == 0 or entry.holder is None:
        return False
    return keeps_breaks(index.text, last_leaf(entry_at(entry.holder, entry.number - 1).node))


def _refuse_lost_newline(index: Index, entry: Entry, edits: list[TextEdit], path: KeyPath) -> None:
    """Raise if a block scalar would come to end a text without final newline, and so lose its own."""
    text = index.text
    if text.endswith("\n") or edits[-1].stop < len(text) or entry.number == 0 or entry.holder is None:
        return
    leaf = last_leaf(entry_at(entry.holder, entry.number - 1).node)
    if leaf.style in ("|", ">") and leaf.value.endswith("\n"):
        raise ImpreciseEditError(
            "cannot delete it: the text before it would end the file, and lose its final newline",
            where=path,
            hint="end the file with a newline first",
        )


def _refuse_stray_colon(index: Index, entry: Entry, path: KeyPath) -> None:
    """Raise if the colon of the empty key that follows would become that of a ``? key`` before.

    Raises:
        ImpreciseEditError: It would.
    """
    holder = entry.holder
    assert holder is not None
    if entry.key is None or not 0 < entry.number < count_of(holder) - 1:
        return
    before, following = entry_at(holder, entry.number - 1), entry_at(holder, entry.number + 1)
    if not index.has_colon(before) and index.text.startswith(":", index.start_of(following)):
        raise ImpreciseEditError(
            "cannot delete it: the colon of the empty key behind it would go to the key before it",
            where=path,
            hint="write the empty key as null",
        )


def _first_on_line(index: Index, entry: Entry) -> TextEdit:
    """Remove the first entry behind a dash: the next one moves up, unless comments stand between."""
    text, holder = index.text, entry.holder
    assert holder is not None
    start = index.start_of(entry)
    following = entry_at(holder, entry.number + 1)
    stop = index.start_of(following)
    end = _whole(index, entry).entry
    assert end is not None
    line = line_stop(text, end.stop)
    if hash_comments(text, min(line, stop), stop):
        before = len(text[:start].rstrip(" "))
        return TextEdit(before, line - (2 if text[line - 2 : line] == "\r\n" else 1), "")
    return TextEdit(start, stop, "")


def _emptied(index: Index, entry: Entry, path: KeyPath) -> list[TextEdit]:
    """Leave ``{}`` or ``[]`` where the only entry was."""
    text, holder = index.text, entry.holder
    assert holder is not None
    new = "{}" if holder.kind == "mapping" else "[]"
    start = index.start_of(entry)
    located = _whole(index, entry)
    assert located.entry is not None
    parent = index.find(path[:-1])
    assert parent is not None
    line = text[line_start(text, start) : start]
    if line.strip() or parent.holder is None:
        # Behind a dash, or the whole document: the brackets take its place.
        comment = inline_comment(text, index.end_of(entry), hash_comments)
        stop = max(located.entry.stop, comment.stop if comment else 0)
        above = [
            TextEdit(line_start(text, one.start), line_stop(text, one.stop), "") for one in located.above
        ]
        return [*above, TextEdit(start, stop, new)]
    at = index.head_of(parent)
    return [TextEdit(at, at, f" {new}"), *removed_with_comments(text, located)]


# ── Brackets ────────────────────────────────────────────────────────────────


def _from_brackets(index: Index, entry: Entry) -> list[TextEdit]:
    text, holder = index.text, entry.holder
    assert holder is not None
    if is_bare_pair(index, holder):
        return [TextEdit(holder.start, holder.end, "{}")]
    start = index.start_of(entry)
    if has_own_lines(index, entry) and "\n" in text[holder.start : start]:
        return _bracket_lines(index, entry)
    if entry.number + 1 == count_of(holder):
        return _last_in_brackets(index, entry)
    following = index.start_of(entry_at(holder, entry.number + 1))
    comma = comma_after(index, index.end_of(entry))
    stop = comma + 1 if hash_comments(text, comma + 1, following) else following
    return [TextEdit(start, stop, "")]


def _bracket_lines(index: Index, entry: Entry) -> list[TextEdit]:
    """Remove an entry with its lines; of the last one, also the comma before it if none is behind it."""
    holder = entry.holder
    assert holder is not None
    start, end = index.start_of(entry), index.end_of(entry)
    comma = comma_after(index, end)
    located = replace(index.located(entry), entry=Span(start, max(end, comma + 1)), inline=None)
    edits = removed_with_comments(index.text, located)
    if comma < 0 and entry.number:
        before = comma_after(index, index.end_of(entry_at(holder, entry.number - 1)))
        edits.append(TextEdit(before, before + 1, ""))
    return merged_edits(edits)


def _last_in_brackets(index: Index, entry: Entry) -> list[TextEdit]:
    """Remove the last entry; the comma behind it stays, or the one before it goes."""
    text, holder = index.text, entry.holder
    assert holder is not None
    start, end = index.start_of(entry), index.end_of(entry)
    comma = comma_after(index, end)
    if not entry.number:
        first, stop = content_start(text, holder) + 1, max(end, comma + 1)
        empty = not text[first:start].strip(" \t") and not text[stop : holder.end - 1].strip(" \t")
        return [TextEdit(first, holder.end - 1, "") if empty else TextEdit(start, stop, "")]
    before = index.end_of(entry_at(holder, entry.number - 1))
    separator = comma_after(index, before)
    if hash_comments(text, before, start):
        return [TextEdit(separator, separator + 1, ""), TextEdit(start, max(end, comma), "")]
    return [TextEdit(before, end if comma < 0 else comma, "")]
