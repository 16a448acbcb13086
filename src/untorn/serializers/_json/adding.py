"""A new member of an object or array, with its comma, on a line of its own or on its neighbours'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.sdk import TextEdit, indentation_of, inline_comment, line_start, line_stop
from untorn.serializers._json.blanking import comments
from untorn.serializers._json.habits import goes_on_one_line, lead_of, leads, look_in, look_of
from untorn.serializers._json.writing import scalar, written

if TYPE_CHECKING:
    from untorn.sdk import Value
    from untorn.serializers._json.outline import Container, Member
    from untorn.serializers._json.writing import Look


@dataclass(frozen=True, slots=True)
class _New:
    """A member to be added to ``container`` before the one at ``position``, or behind the last.

    ``key`` is ``None`` in arrays.
    """

    container: Container
    position: int
    key: str | None
    value: Value

    @property
    def text(self) -> str:
        return self.container.outline.text

    @property
    def previous(self) -> Member | None:
        return self.container.members[self.position - 1] if self.position else None

    @property
    def following(self) -> Member | None:
        members = self.container.members
        return members[self.position] if self.position < len(members) else None

    @property
    def limit(self) -> int:
        """Where the token behind it begins."""
        return self.following.start if self.following else self.container.close

    def look(self) -> Look:
        return look_in(self.container, look_of(self.container.outline))

    def spelled(self, indentation: str) -> str:
        """Return the text of the key and the value."""
        look = self.look()
        one_line = goes_on_one_line(
            self.container.outline, self.value, self.container, None, look, position=self.position
        )
        value = written(self.value, look, indentation, one_line=one_line)
        return value if self.key is None else scalar(self.key, look) + look.colon + value


def added(container: Container, position: int, key: str | None, value: Value) -> list[TextEdit]:
    """Return the edits that add a member to ``container``."""
    new = _New(container, position, key, value)
    if not container.members:
        return _first_member(new)
    if new.previous is None:
        return _at_the_front(new)
    if _has_own_line(new) or _ends_with_comment(new.text, new.previous):
        return _on_own_line(new, new.previous)
    return _on_the_same_line(new, new.previous)


def _has_own_line(new: _New) -> bool:
    """Return whether the members around have a line each."""
    if new.following and not leads(new.text, new.following.start):
        return False
    members = new.container.members
    model = members[1] if new.position == 1 and len(members) > 1 else members[new.position - 1]
    return leads(new.text, model.start)


def _ends_with_comment(text: str, member: Member) -> bool:
    return inline_comment(text, member.stop, comments) is not None


def _lead(new: _New) -> str:
    """Return what stands before the members on their lines: indentation, and maybe a comma."""
    text, members = new.text, new.container.members
    for member in (new.following, new.previous, *reversed(members)):
        if member and leads(text, member.start) and (member.position or len(members) == 1):
            return lead_of(text, member.start)
    if leads(text, members[0].start):
        return lead_of(text, members[0].start)
    return indentation_of(text, new.container.start) + new.look().step


def _on_own_line(new: _New, previous: Member) -> list[TextEdit]:
    text, lead = new.text, _lead(new)
    item = lead + new.spelled(indentation_of(lead, 0))
    if "," in lead:
        limit = new.limit if previous.comma is None else previous.comma
        return [_line_behind(text, previous.stop, limit, item)]
    if previous.comma is not None:
        return [_line_behind(text, previous.comma + 1, new.limit, item + ",")]
    line = _line_behind(text, previous.stop, new.limit, item)
    if text[previous.stop : line.start] in ("", "\n", "\r\n"):
        # In one piece, behind which the next one fits.
        return [TextEdit(previous.stop, previous.stop, ",\n" + item)]
    return [TextEdit(previous.stop, previous.stop, ","), line]


def _line_behind(text: str, start: int, limit: int, item: str) -> TextEdit:
    """Return the edit that puts a line below the one on which ``start`` is."""
    end = end_of_line_comments(text, start, limit)
    below = line_stop(text, end)
    if below <= limit and not text[end:below].strip():
        return TextEdit(below, below, item + "\n")
    return TextEdit(end, end, "\n" + item)


def end_of_line_comments(text: str, start: int, limit: int) -> int:
    """Return where the comments end that begin on the line of ``start``; ``start`` if there are none."""
    end = start
    for comment in comments(text, start, limit):
        if "\n" in text[end : comment.start]:
            break
        end = comment.stop
    return end


def _on_the_same_line(new: _New, previous: Member) -> list[TextEdit]:
    text, comma = new.text, new.look().comma
    item = new.spelled(indentation_of(text, previous.start))
    if previous.comma is not None:
        at = previous.comma + 1
        return [TextEdit(at, at, comma[1:] + item + ",")]
    at = previous.stop
    for comment in comments(text, at, new.limit):
        if text[at : comment.start].strip(" \t"):
            break
        at = comment.stop
    return [TextEdit(at, at, comma + item)]


def _at_the_front(new: _New) -> list[TextEdit]:
    text, first = new.text, new.following
    assert first is not None
    second = new.container.members[1] if len(new.container.members) > 1 else first
    if not (leads(text, first.start) and leads(text, second.start)):
        item = new.spelled(indentation_of(text, first.start))
        return [TextEdit(first.start, first.start, item + new.look().comma)]
    indentation = indentation_of(text, first.start)
    at = line_start(text, first.start)
    # Above the comments of the first one, which must not become this one's.
    for comment in reversed(comments(text, new.container.start + 1, first.start)):
        if text[comment.stop : at].strip(" \t\r") != "\n" or lead_of(text, comment.start).strip():
            break
        at = line_start(text, comment.start)
    return [TextEdit(at, at, f"{indentation}{new.spelled(indentation)},\n")]


def _first_member(new: _New) -> list[TextEdit]:
    text, container = new.text, new.container
    start, close = container.start + 1, container.close
    inside = text[start:close]
    outer = indentation_of(text, container.start)
    look = new.look()
    inner = outer + look.step
    found = comments(text, start, close)
    if "\n" in inside:
        comma = "," if look.trailing else ""
        line = _line_behind(text, start, close, inner + new.spelled(inner) + comma)
        if line.new.endswith("\n"):
            return [line]
        return [TextEdit(line.start, close, f"{line.new}\n{outer}")]
    if found:
        at = found[-1].stop
        return [TextEdit(at, at, " " + new.spelled(outer))]
    return [_filled(new, look, outer)]


def _filled(new: _New, look: Look, outer: str) -> TextEdit:
    """Return the edit that puts a first member between two brackets with only blanks between them."""
    container, outline = new.container, new.container.outline
    whole: Value = [new.value] if new.key is None else {new.key: new.value}
    parent = container.parent
    look = look_in(parent, look) if parent else look
    one_line = goes_on_one_line(outline, whole, parent, None, look)
    spelled = written(whole, look, outer, one_line=one_line)
    return TextEdit(container.start, container.close + 1, spelled)
