"""An entry moves among its siblings, and its comments with it (EDITING E3)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from untorn.edits import TextEdit
from untorn.errors import ImpreciseEditError
from untorn.sdk.commenting import above_replaced, line_end
from untorn.sdk.layout import BLANKS, blank_before, indentation_of, line_start, line_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.changes import Move
    from untorn.records import Located


def moved(text: str, siblings: Sequence[Located | None], now: int, operation: Move) -> list[TextEdit]:
    """Return the edits that let the entry at ``now`` stand where ``operation`` says.

    The places stay: indentation, commas, blank lines and comments that are
    nobody's; what stands in them goes one place on.

    Args:
        text: The text.
        siblings: Where all entries of the mapping or list stand, in the order of the value;
            ``None`` for one that stands elsewhere, or not in one piece.
        now: Which of them it is.
        operation: Where it shall stand.

    Raises:
        ImpreciseEditError: One of those that would move has no place of its own.
    """
    first, last = sorted((now, operation.index))
    places = [each for each in siblings[first : last + 1] if each is not None and each.entry is not None]
    if len(places) <= last - first or not _are_in_order(places):
        raise ImpreciseEditError(
            "what it would move past is not written in one piece, one behind the other", where=operation.path
        )
    contents = [*places[1:], places[0]] if now == first else [places[-1], *places[:-1]]
    return [
        edit
        for place, content in zip(places, contents, strict=True)
        for edit in _filled(text, place, content, operation)
    ]


def _are_in_order(places: Sequence[Located]) -> bool:
    spans = [each.entry for each in places if each.entry is not None]
    return all(one.stop <= other.start for one, other in pairwise(spans))


def _filled(text: str, place: Located, content: Located, operation: Move) -> list[TextEdit]:
    assert place.entry is not None
    assert content.entry is not None
    start, new = place.entry.start, content.entry.of(text)
    above = "".join(text[line_start(text, each.start) : line_stop(text, each.stop)] for each in content.above)
    edits = _behind(text, place, content, operation)
    if above and not blank_before(text, start):
        start = _line_broken(text, start, operation)
        new = f"\n{above}{indentation_of(text, content.entry.start)}{new}"
    elif above or place.above:
        edits += above_replaced(text, place.above, start, above)
    return [TextEdit(start, place.entry.stop, new), *edits]


def _line_broken(text: str, start: int, operation: Move) -> int:
    """Return where the line ends on which a place begins, if comments are to stand above that.

    A dash or an opening bracket stays alone on its line: above of it, a comment
    would be that of the whole item.
    """
    before = text[line_start(text, start) : start].rstrip(BLANKS)
    if not before.endswith(("-", "[", "{", ",")):
        raise ImpreciseEditError("no comment can stand above there", where=operation.path)
    return line_start(text, start) + len(before)


def _behind(text: str, place: Located, content: Located, operation: Move) -> list[TextEdit]:
    """Return the edits that let the line of ``place`` end with the comment of ``content``."""
    assert place.entry is not None
    old, new = _with_gap(text, place), _with_gap(text, content)
    if old and place.inline is not None:
        return [TextEdit(place.inline.stop - len(old), place.inline.stop, new)]
    if not new:
        return []
    end = line_end(text, place.entry.stop)
    if end is None:
        raise ImpreciseEditError("no comment can stand behind it there", where=operation.path)
    return [TextEdit(end, end, new)]


def _with_gap(text: str, located: Located) -> str:
    """Return the comment behind an entry with the blanks before it; not one that is inside of it."""
    if located.inline is None or located.entry is None or located.inline.start < located.entry.stop:
        return ""
    start = located.inline.start
    while text[start - 1] in BLANKS:
        start -= 1
    return text[start : located.inline.stop]
