"""E9: a comment that was asked for is the entry's own, and says what it should; nothing else changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.oracle.lines import Allowance
from harness.oracle.ownership import owned, uncommented

if TYPE_CHECKING:
    from harness.oracle.operations import Operation
    from harness.oracle.source import Source


def check(before: Source, operation: Operation, after: Source) -> str | None:
    """Say why an entry's comment is not the one that was asked for, or None."""
    if operation.kind != "comment":
        return None
    own = owned(after, after.entries[operation.path])
    asked = [] if operation.value is None else [line.strip() for line in str(operation.value).split("\n")]
    if operation.name == "inline" or operation.value is None:
        said = [
            _said(after, one) for one in sorted(own.inline if operation.name == "inline" else own.sure_above)
        ]
        return None if said == asked else f"{operation.name}: {asked} asked, {said} found"
    # Above what is next to its entry may stand what was there and is nobody's: directives, a file's heading.
    said = [_said(after, index) for index in own.block]
    rest = said[: len(said) - len(asked)]
    if said[len(rest) :] != asked:
        return f"above: {asked} asked, {said} found"
    was = owned(before, before.entries[operation.path])
    left = Counter(rest) - Counter(_said(before, one) for one in was.block if one not in was.sure_above)
    return f"above: the old comment is still there: {min(left)!r}" if left else None


def _said(source: Source, index: int) -> str:
    return uncommented(source.format, source.comments[index].text).strip()


def lines_asked(operation: Operation) -> int:
    """How many lines the comment that was asked for has."""
    return 0 if operation.value is None else str(operation.value).count("\n") + 1


def replaced(before: Source, operation: Operation) -> set[int]:
    """The comments that the new one may take the place of."""
    own = owned(before, before.entries[operation.path])
    return set(own.inline) if operation.name == "inline" else own.above | set(own.block)


def allowed(before: Source, operation: Operation) -> Allowance:
    """Which lines may change."""
    entry = before.entries[operation.path]
    own = owned(before, entry)
    allowance = Allowance()
    if operation.name == "inline":
        ends = {before.line_of(before.comments[index].start) for index in own.inline}
        allowance.any_text(*(ends or inline_lines(before, operation)))
        return allowance
    # A licence at the top is kept apart from what is new by a blank line.
    allowance.new = lines_asked(operation) + bool(own.block and not own.above)
    for index in own.block:
        comment = before.comments[index]
        lines = range(before.line_of(comment.start), before.line_of(comment.end) + 1)
        (allowance.gone if index in own.sure_above else allowance.optional).update(lines)
    if operation.value is not None:  # what is asked may be what was there
        allowance.optional |= allowance.gone
        allowance.gone = set()
    return allowance


def inline_lines(before: Source, operation: Operation) -> set[int]:
    """The lines at whose end a comment may be put: of the key, the beginning of the value, and the end."""
    entry = before.entries[operation.path]
    starts = [header.start for header in entry.headers] or [entry.start]
    value = entry.value.start if entry.value else starts[0]
    return {before.line_of(offset) for offset in (starts[0], value, entry.end)}


def check_rest(before: Source, operation: Operation, after: Source) -> str | None:
    """Whether a comment at the end of a line left everything before it alone."""
    if operation.name != "inline":
        return None
    old, new = (_without_inline(source, operation) for source in (before, after))
    return None if old == new else "more than the comment at the end of the line changed"


def _without_inline(source: Source, operation: Operation) -> list[str]:
    """The lines, less the entry's comments behind it and the blanks before them."""
    lines = list(source.lines)
    for index in sorted(owned(source, source.entries[operation.path]).inline, reverse=True):
        comment = source.comments[index]
        line, column = source.line_of(comment.start), source.column_of(comment.start)
        lines[line] = lines[line][:column].rstrip() + lines[line][column + len(comment.text) :]
    return [line.rstrip() for line in lines]
