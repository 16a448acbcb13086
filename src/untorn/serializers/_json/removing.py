"""A member that goes, with one comma and its own comments; everything else stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.sdk import (
    Span,
    TextEdit,
    apply_edits,
    blank_before,
    indentation_of,
    line_start,
    line_stop,
    removed_with_comments,
)
from untorn.serializers._json.adding import end_of_line_comments
from untorn.serializers._json.habits import lead_of, leads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.sdk import Located
    from untorn.serializers._json.outline import Container, Member


@dataclass(frozen=True, slots=True)
class _Old:
    """A member to be removed from ``container``.

    Attributes:
        doomed: The comma that goes with it: its own, or the one before it.
    """

    container: Container
    member: Member
    previous: Member | None
    located: Located
    doomed: int | None

    @property
    def text(self) -> str:
        return self.container.outline.text

    @property
    def start(self) -> int:
        return self.member.start

    @property
    def stop(self) -> int:
        return self.member.stop

    @property
    def limit(self) -> int:
        """Where the next member begins, or the bracket stands."""
        members, behind = self.container.members, self.member.position + 1
        return members[behind].start if behind < len(members) else self.container.close


def removed(container: Container, member: Member) -> list[TextEdit]:
    """Return the edits that remove ``member`` from ``container``."""
    located = container.outline.located(container, member)
    old = _Old(container, member, container.before(member), located, _doomed_comma(container, member))
    edits = _with_its_lines(old) if _has_own_lines(old) else _within_lines(old)
    return _emptied(old, edits) or edits


def _doomed_comma(container: Container, member: Member) -> int | None:
    """Return which comma goes: the one behind, unless that is the next one's or there is none."""
    previous = container.before(member)
    if previous and (member.comma is None or _comma_first(container.outline.text, member)):
        return previous.comma
    return member.comma


def _comma_first(text: str, member: Member) -> bool:
    """Return whether the comma before stands at the beginning of the line, and the one behind on another."""
    if not leads(text, member.start) or "," not in lead_of(text, member.start):
        return False
    assert member.comma is not None
    return "\n" in text[end_of_line_comments(text, member.stop, member.comma) : member.comma]


def _line_end(old: _Old) -> int:
    """Return where the member, its comma and the comments behind it on its line end."""
    end = end_of_line_comments(old.text, old.stop, old.limit)
    comma = old.member.comma
    if comma is None or old.text[end:comma].strip(" \t"):
        return end
    return end_of_line_comments(old.text, comma + 1, old.limit)


def _has_own_lines(old: _Old) -> bool:
    """Return whether nothing else stands on the member's lines, and no comma that must stay."""
    end, comma = _line_end(old), old.member.comma
    if not leads(old.text, old.start) or old.text[end : line_stop(old.text, end)].strip():
        return False
    commas_here: set[int | None] = {comma} if comma is not None and comma < end else set()
    if "," in lead_of(old.text, old.start) and old.previous:
        commas_here.add(old.previous.comma)
    # The comma before may also stand on a line above; one behind must be here.
    is_behind = old.doomed is not None and old.doomed > old.start
    return commas_here == {old.doomed} if is_behind else commas_here <= {old.doomed}


def _with_its_lines(old: _Old) -> list[TextEdit]:
    edits = removed_with_comments(old.text, old.located)
    if old.doomed is not None and not any(edit.start <= old.doomed < edit.stop for edit in edits):
        edits.append(_without_comma(old.text, old.doomed))
    return edits


def _without_comma(text: str, comma: int) -> TextEdit:
    """Return the edit that removes a comma, with its line if it stands there alone."""
    start, stop = line_start(text, comma), line_stop(text, comma)
    alone = not (text[start:comma] + text[comma + 1 : stop]).strip()
    return TextEdit(start, stop, "") if alone else TextEdit(comma, comma + 1, "")


def _within_lines(old: _Old) -> list[TextEdit]:
    above = [
        Span(line_start(old.text, each.start), line_stop(old.text, each.stop)) for each in old.located.above
    ]
    # What stands between the value and the comment at the end of its line goes with them.
    pieces = [Span(old.start, old.located.inline.stop if old.located.inline else old.stop)]
    if old.doomed is not None and not pieces[0].start <= old.doomed < pieces[0].stop:
        pieces.append(Span(old.doomed, old.doomed + 1))
    return [
        *(TextEdit(line.start, line.stop, "") for line in above),
        *(_piece_removed(old, piece) for piece in _joined(old.text, pieces)),
    ]


def _joined(text: str, spans: Iterable[Span]) -> list[Span]:
    """Join spans with only blanks between them on one line."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and not text[joined[-1].stop : span.start].strip(" \t"):
            joined[-1] = Span(joined[-1].start, span.stop)
        else:
            joined.append(span)
    return joined


def _piece_removed(old: _Old, piece: Span) -> TextEdit:
    """Return the edit that removes ``piece`` and those blanks around it that had no other purpose."""
    text = old.text
    left = line_start(text, piece.start) + len(
        text[line_start(text, piece.start) : piece.start].rstrip(" \t")
    )
    right = (
        piece.stop
        + len(text[piece.stop : line_stop(text, piece.stop)])
        - len(text[piece.stop : line_stop(text, piece.stop)].lstrip(" \t"))
    )
    begins_line, ends_line = blank_before(text, piece.start), text[right] in "\r\n"
    if begins_line and ends_line:
        return TextEdit(left, line_stop(text, right), "")
    if not piece.start <= old.start < piece.stop:
        return TextEdit(piece.start, right if begins_line else piece.stop, "")
    if begins_line and right == old.container.close:
        return TextEdit(left, right, indentation_of(text, old.container.start))
    if ends_line:
        return TextEdit(left, right, "")
    if not begins_line and (right == old.container.close or text[piece.start] == ","):
        return TextEdit(left, piece.stop, "")
    return TextEdit(piece.start, right, "")


def _emptied(old: _Old, edits: list[TextEdit]) -> list[TextEdit] | None:
    """Return the edit that leaves ``{}`` or ``[]`` where nothing but a line break would stay."""
    container, start = old.container, old.container.start + 1
    if len(container.members) > 1:
        return None
    inside = [TextEdit(edit.start - start, edit.stop - start, edit.new) for edit in edits]
    rest = apply_edits(old.text[start : container.close], inside)
    if rest.strip() or rest.count("\n") > 1:
        return None
    return [TextEdit(start, container.close, "")]
