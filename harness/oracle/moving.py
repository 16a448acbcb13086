"""E1 for a move: what stands around the siblings stays, and they change places as they are."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.oracle.lines import first_difference
from harness.oracle.operations import path_after
from harness.oracle.ownership import comments_below, owned

if TYPE_CHECKING:
    from harness.oracle.operations import Operation
    from harness.oracle.source import Entry, Source

_SEPARATORS = re.compile(r"[\s,\[\]{}]+")
_COMMA = re.compile(r",?[ \t]*$|,(?=[ \t]*(?://|/\*|#))")


def check(before: Source, operation: Operation, after: Source) -> str | None:
    """Say what changed that is no part of the entries that changed places, or None."""
    places = between(before, operation)
    first = min(_first_line(before, entry) for entry in places)
    last = max(_last_line(before, entry) for entry in places)
    rest = len(before.lines) - 1 - last
    if not 0 <= len(after.lines) - len(before.lines) <= _lines_broken(before, operation, places):
        return f"{len(before.lines)} lines -> {len(after.lines)}"
    stop = len(after.lines) - rest
    outside = [*before.lines[:first], *before.lines[last + 1 :]]
    if outside != [*after.lines[:first], *after.lines[stop:]]:
        return f"a line changed that is not moved: {first_difference(before.lines, after.lines)}"
    return (
        _inside(before, places, before.lines[first : last + 1], after.lines[first:stop])
        or _respelled(before, operation, after)
        or _gaps(before, operation, after)
    )


def between(source: Source, operation: Operation) -> list[Entry]:
    """The siblings whose places change, in the order of the value; the moved one is the first or the last."""
    children = source.parent(operation.path).children
    now = children.index(operation.path)
    first, last = sorted((now, operation.index))
    return [source.entries[path] for path in children[first : last + 1]]


def _lines_broken(source: Source, operation: Operation, places: list[Entry]) -> int:
    """How many lines may end where a place begins on them: only below a ``-`` can comments be its own."""
    forwards = places[0].path == operation.path
    contents = [*places[1:], places[0]] if forwards else [places[-1], *places[:-1]]
    return sum(
        bool(source.before_on_line(place.start).strip() and owned(source, content).above)
        for place, content in zip(places, contents, strict=True)
    )


def _first_line(source: Source, entry: Entry) -> int:
    starts = [source.comments[index].start for index in owned(source, entry).block]
    return source.line_of(min([*starts, entry.start]))


def _last_line(source: Source, entry: Entry) -> int:
    ends = [source.comments[index].end for index in owned(source, entry).inline]
    return source.line_of(max([*ends, entry.end]))


def _inside(source: Source, places: list[Entry], old: list[str], new: list[str]) -> str | None:
    """The same lines in another order, but for their commas.

    The same words, where places share a line or are not indented alike: the places stay as they are.
    """
    indentations = {source.before_on_line(entry.start) for entry in places}
    if len(indentations) == 1 and not indentations.pop().strip():
        one, other = (Counter(_COMMA.sub("", line) for line in lines) for lines in (old, new))
    else:
        one, other = (Counter(filter(None, _SEPARATORS.split(" ".join(lines)))) for lines in (old, new))
    if one == other:
        return None
    return f"not the same in another order: {min((one - other) or (other - one))!r}"


def _respelled(before: Source, operation: Operation, after: Source) -> str | None:
    """What moved is the same to the letter, and so are the lines of its comment, in their order."""
    in_list = before.parent(operation.path).kind == "sequence"
    for entry in between(before, operation):
        target = path_after(operation, entry.path, in_list=in_list)
        assert target is not None
        there = after.entries[target]
        if _text(before, entry) != _text(after, there):
            return f"{entry.path!r} is not as it was: {_text(after, there)!r:.200}"
        lines = [_words(before, index) for index in sorted(owned(before, entry).sure_above)]
        now = [words for index in owned(after, there).block if (words := _words(after, index)) in lines]
        if sorted(now) == sorted(lines) and now != lines:
            return f"{entry.path!r}: the lines of its comment are in another order"
    return None


def _text(source: Source, entry: Entry) -> str:
    return source.text[entry.start : entry.end].rstrip()


def _words(source: Source, index: int) -> str:
    """What a comment says, however its lines are indented."""
    return " ".join(source.comments[index].text.split())


def _gaps(before: Source, operation: Operation, after: Source) -> str | None:
    """Blank lines belong to places, not to what stands there."""
    children = before.parent(operation.path).children
    depth = len(operation.path) - 1
    now = after.entries[operation.path[:depth]].children
    gaps = [
        [_blank_lines(source, source.entries[one], source.entries[other]) for one, other in pairwise(paths)]
        for source, paths in ((before, children), (after, now))
    ]
    if gaps[0] != gaps[1]:
        return f"blank lines moved: {gaps[0]} -> {gaps[1]}"
    for (one, other), (one_now, other_now) in zip(pairwise(children), pairwise(now), strict=True):
        stays = Counter(_nobodys(before, before.entries[one], before.entries[other]))
        there = Counter(_between(after, after.entries[one_now], after.entries[other_now]).values())
        if lost := stays - there:
            return f"a comment that is nobody's moved: {min(lost)!r}"
    return None


def _between(source: Source, one: Entry, other: Entry) -> dict[int, str]:
    """The comments between two entries, by their index."""
    found = (source.comment_at[comment.start] for comment in source.comments_in(one.end, other.start))
    return {index: _words(source, index) for index in found}


def _nobodys(source: Source, one: Entry, other: Entry) -> list[str]:
    """The comments between two entries that are neither's; those indented more deeply may be the first's."""
    inside = [entry for entry in source.inside(one.path) if entry.end == one.end]
    theirs = owned(source, other).above.union(*(owned(source, entry).inline for entry in [one, *inside]))
    theirs.update(index for _, index in comments_below(source, one))
    return [text for index, text in _between(source, one, other).items() if index not in theirs]


def _blank_lines(source: Source, one: Entry, other: Entry) -> int:
    start, stop = source.line_of(one.end) + 1, source.line_of(other.start)
    return sum(not line.strip() for line in source.lines[start:stop])
