"""E1: nothing changes that need not.

Where the bytes that may change are known to the character, they are checked to the
character; elsewhere, line by line.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.oracle import moving, remarks
from harness.oracle.lines import Allowance, first_difference, surplus
from harness.oracle.ownership import comments_below, owned
from harness.oracle.source import Entry, Source, Span
from harness.oracle.values import is_scalar

if TYPE_CHECKING:
    from harness.oracle.operations import Operation

_BLANKS = " \t\r"


def check(before: Source, operation: Operation, after: Source) -> str | None:  # noqa: PLR0911 - one a rule
    """Say what changed without need, or None."""
    if operation.kind == "rename":
        return _only_spans(before, before.entries[operation.path].keys, after, "the key")
    if operation.kind == "set":
        entry = before.entries[operation.path]
        # A block scalar may begin before a comment and go on behind it.
        block = before.format == "yaml" and isinstance(operation.value, str) and "\n" in operation.value
        if entry.value and entry.kind in {"scalar", "alias"} and is_scalar(operation.value) and not block:
            return _only_spans(before, [entry.value], after, "the value")
    if operation.kind == "move":
        return moving.check(before, operation, after)
    if operation.kind == "comment" and (found := remarks.check_rest(before, operation, after)):
        return found
    allowance = (
        remarks.allowed(before, operation) if operation.kind == "comment" else allowed(before, operation)
    )
    old_lines, new_lines = before.lines, after.lines
    if before.text.endswith("\n") or not after.text:
        old_lines, new_lines = _terminated(old_lines), _terminated(new_lines)
    new = surplus(old_lines, new_lines, allowance)
    if new is None:
        return f"a line changed that did not have to: {first_difference(old_lines, new_lines)}"
    if new > allowance.new:
        return f"{new} new lines, {allowance.new} needed: {first_difference(old_lines, new_lines)}"
    return None


def _terminated(lines: list[str]) -> list[str]:
    """The lines without the empty one behind the last newline; whether that one stays is E5."""
    return lines[:-1] if not lines[-1] else lines


def _only_spans(before: Source, spans: list[Span], after: Source, what: str) -> str | None:
    """Whether ``after`` differs from ``before`` in the spans only."""
    done = position = 0
    for number, span in enumerate(sorted(spans)):
        part = before.text[done : span.start]
        found = after.text.find(part, position)
        if found < 0 or (not number and found):
            return _more_changed(before, after, what)
        position = found + len(part)
        done = span.end
    rest = before.text[done:]
    if after.text.endswith(rest) and len(after.text) - len(rest) >= position:
        return None
    return _more_changed(before, after, what)


def _more_changed(before: Source, after: Source, what: str) -> str:
    return f"more than {what} changed: {first_difference(before.lines, after.lines)}"


def allowed(before: Source, operation: Operation) -> Allowance:
    """Which lines an edit may touch."""
    if operation.kind == "delete":
        return _deleted(before, before.entries[operation.path])
    allowance = Allowance(new=_lines_needed(operation.value) + 3 * (before.format == "toml"))
    if operation.kind == "set":
        _replaced(before, before.entries[operation.path], allowance)
    elif operation.kind == "insert":
        _room_at(before, before.entries[operation.path], operation.index, allowance)
    else:
        parent = operation.path if operation.kind == "append" else operation.path[:-1]
        _room_at_end(before, before.entries[parent], allowance)
    return allowance


def _lines_needed(value: object) -> int:
    if isinstance(value, dict):
        return 3 + sum(map(_lines_needed, value.values()))
    if isinstance(value, list):
        return 3 + sum(map(_lines_needed, value))
    return 1 + (value.count("\n") + 1 if isinstance(value, str) and "\n" in value else 0)


def _lines(source: Source, span: Span) -> range:
    return range(source.line_of(span.start), source.line_of(max(span.start, span.end)) + 1)


def rest_of_line(source: Source, offset: int) -> str:
    """What is on the line behind ``offset`` other than commas and comments."""
    stop = source.line_end(source.line_of(offset))
    while offset < stop:
        if offset in source.comment_ends:
            offset = source.comment_ends[offset]
            # A block comment may go on below.
            stop = max(stop, source.line_end(source.line_of(offset)))
        elif source.text[offset] in _BLANKS + ",":
            offset += 1
        else:
            break
    return source.text[offset:stop].strip()


def alone(source: Source, entry: Entry) -> bool:
    """Whether an entry shares its lines with nothing but its commas and comments."""
    return not source.before_on_line(entry.start).strip(" \t,") and not rest_of_line(source, entry.end)


def comma_after(source: Source, entry: Entry) -> int | None:
    """Where the comma behind a member of a bracketed collection is."""
    offset = source.skip(entry.end)
    return offset if source.text[offset : offset + 1] == "," else None


def _bracket_lines(source: Source, entry: Entry) -> tuple[int, int]:
    assert entry.value
    bracket = re.search(r"[\[{]", source.text[entry.value.start : entry.value.end])
    assert bracket
    return source.line_of(entry.value.start + bracket.start()), source.line_of(entry.value.end - 1)


def _replaced(source: Source, entry: Entry, allowance: Allowance) -> None:
    """Another kind of value for a key: its lines may become anything, those of a collection may go."""
    if entry.is_toml_table:
        _table_goes(source, entry, allowance)
        allowance.new += len(owned(source, entry).above)
        # What its own keys have above them goes with them, or stays where it is.
        group = [entry, *source.inside(entry.path)]
        for index in {index for one in group for index in owned(source, one).above}:
            comment = source.comments[index]
            allowance.optional.update(_lines(source, Span(comment.start, comment.end)))
        allowance.any_text(*(line for piece in entry.pieces for line in _lines(source, piece)))
        allowance.any_text(*allowance.gone)
        return
    assert entry.value
    first = source.line_of(entry.keys[-1].end if entry.keys else entry.start)
    allowance.any_text(*range(first, source.line_of(entry.end) + 1))
    if source.format == "yaml":
        _comments_below(source, entry, allowance)
        _block_scalar_at_the_end(source, source.entries[()], allowance)


def _room_at_end(source: Source, parent: Entry, allowance: Allowance) -> None:
    """What must change so that ``parent`` can take another last member."""
    if parent.is_toml_table and is_in_brackets(source, parent):
        allowance.any_text(*(line for piece in parent.pieces for line in _lines(source, piece)))
        return
    if not parent.bracketed:
        if not parent.children and not parent.is_toml_table:
            allowance.any_text(source.line_of(parent.start))
        if source.format == "yaml":
            _block_scalar_at_the_end(source, parent, allowance)
        return
    opening, closing = _bracket_lines(source, parent)
    if not parent.children:
        # Its line changes either way; whether the first item gets one of its own is taste.
        allowance.any_text(opening, closing)
        allowance.new += 2
        return
    last = source.entries[parent.children[-1]]
    line = source.line_of(last.end)
    if not alone(source, last):
        allowance.any_text(line)
        if _is_blank_before_bracket(source, parent, last):
            allowance.any_text(closing)
    elif comma_after(source, last) is None:
        column = source.column_of(last.end)
        allowance.become(line, f"{source.lines[line][:column]},{source.lines[line][column:]}")


def is_in_brackets(source: Source, entry: Entry) -> bool:
    """Whether a collection in brackets is around it: a TOML table there is made of dotted keys."""
    return any(source.entries[entry.path[:depth]].bracketed for depth in range(len(entry.path)))


def _is_blank_before_bracket(source: Source, parent: Entry, last: Entry) -> bool:
    assert parent.value
    return source.line_of(last.end) == source.line_of(parent.value.end)


def _room_at(source: Source, parent: Entry, index: int, allowance: Allowance) -> None:
    """What must change so that ``parent`` can take an item at ``index``."""
    if index >= len(parent.children):
        _room_at_end(source, parent, allowance)
        return
    for number in (index - 1, index):
        if number < 0:
            continue
        entry = source.entries[parent.children[number]]
        if not entry.is_toml_table and not alone(source, entry):
            allowance.any_text(source.line_of(entry.start), source.line_of(entry.end))


def _block_scalar_at_the_end(source: Source, entry: Entry, allowance: Allowance) -> None:
    """A block scalar that ends the file without a newline has another value when text follows."""
    if source.text.endswith("\n"):
        return
    while entry.children:
        entry = source.entries[entry.children[-1]]
    if entry.value and re.search(
        r"(^|\s)[|>]", source.text[entry.value.start : entry.value.end].split("\n")[0]
    ):
        allowance.any_text(source.line_of(entry.value.start))


def _deleted(source: Source, entry: Entry) -> Allowance:
    allowance = Allowance()
    parent = source.parent(entry.path)
    if entry.is_toml_table and not is_in_brackets(source, entry):
        _table_goes(source, entry, allowance)
    else:
        _entry_goes(source, entry, parent, allowance)
    if len(parent.children) == 1:
        _parent_empties(source, entry, parent, allowance)
    _own_comments_go(source, entry, allowance)
    if not source.text.endswith("\n"):
        _end_moves_up(source, allowance)
    return allowance


def _end_moves_up(source: Source, allowance: Allowance) -> None:
    """Where the last line goes and had no newline, an empty line before it is no line without one."""
    line = len(source.lines) - 1
    while line >= 0 and (_may_go(line, allowance) or not source.lines[line].strip()):
        if not source.lines[line].strip():
            allowance.optional.add(line)
        line -= 1


def _entry_goes(source: Source, entry: Entry, parent: Entry, allowance: Allowance) -> None:
    lines = _lines(source, Span(entry.start, entry.end))
    allowance.gone.update(lines)
    left = source.before_on_line(entry.start).strip(" \t,")
    if left or rest_of_line(source, entry.end):
        allowance.any_text(lines[0], lines[-1])
    position = parent.children.index(entry.path)
    if left and not parent.bracketed and source.format == "yaml" and position + 1 < len(parent.children):
        # ``- a: 1`` and ``b: 2`` below it: the dash needs a new neighbour.
        following = source.entries[parent.children[position + 1]]
        allowance.any_text(*range(lines[0], source.line_of(following.start) + 1))
    if source.format == "yaml" and not parent.bracketed:
        _comments_below(source, entry, allowance)
        if position and not source.text[entry.end :].strip():
            _block_scalar_at_the_end(source, source.entries[parent.children[position - 1]], allowance)
    if parent.bracketed and position and position + 1 == len(parent.children):
        _comma_before(source, entry, source.entries[parent.children[position - 1]], allowance)


def _comma_before(source: Source, entry: Entry, previous: Entry, allowance: Allowance) -> None:
    """The last member goes: without a trailing comma, the comma before it must go, too."""
    comma = comma_after(source, previous)
    if comma is None or comma >= entry.start or comma_after(source, entry) is not None:
        return
    line, column = source.line_of(comma), source.column_of(comma)
    if line in allowance.gone or line in allowance.changed:
        return
    text = source.lines[line]
    allowance.become(line, text[:column] + text[column + 1 :])
    if not (text[:column] + text[column + 1 :]).strip():
        allowance.optional.add(line)


def _comments_below(source: Source, entry: Entry, allowance: Allowance) -> None:
    """Comments behind a block entry that are indented more deeply than it: they may be seen as inside."""
    for line, _ in comments_below(source, entry):
        allowance.optional.add(line)


def _parent_empties(source: Source, entry: Entry, parent: Entry, allowance: Allowance) -> None:
    if parent.bracketed:
        opening, closing = _bracket_lines(source, parent)
        allowance.any_text(opening, closing)
    elif source.format == "toml":
        if parent.path and not parent.headers:
            # What only its child defined needs a definition of its own now.
            allowance.new += 3
            allowance.any_text(source.line_of(entry.start))
    else:
        key_end = parent.keys[0].end if parent.keys else parent.start
        allowance.any_text(source.line_of(key_end), source.line_of(entry.start))


def _own_comments_go(source: Source, entry: Entry, allowance: Allowance) -> None:
    group = [entry, *source.inside(entry.path)] if entry.is_toml_table else [entry]
    for one in group:
        mine = owned(source, one)
        for index in mine.above:
            lines = _lines(source, Span(source.comments[index].start, source.comments[index].end))
            (allowance.optional if index in mine.unclear else allowance.gone).update(lines)
        for index in mine.inline:
            lines = _lines(source, Span(source.comments[index].start, source.comments[index].end))
            allowance.optional.update(lines[1:])


def _table_goes(source: Source, entry: Entry, allowance: Allowance) -> None:
    """All statements of a TOML table; what is between two of them may go, too."""
    for piece in entry.pieces:
        allowance.gone.update(_lines(source, piece))
    for gap in interior(source, entry):
        lines = _lines(source, gap)
        allowance.optional.update(set(lines[1:-1]) - allowance.gone)


def interior(source: Source, entry: Entry) -> list[Span]:
    """The stretches between two neighbouring statements of one TOML table."""
    statements = sorted(
        {
            piece
            for one in source.entries.values()
            if one.path and not source.parent(one.path).bracketed
            for piece in one.pieces
        }
    )
    own = set(entry.pieces)
    return [Span(one.end, other.start) for one, other in pairwise(statements) if one in own and other in own]


def _may_go(line: int, allowance: Allowance) -> bool:
    return line in allowance.gone or line in allowance.optional or allowance.changed.get(line, ()) is None
