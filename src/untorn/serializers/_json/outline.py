"""Where things are in a JSON text: containers, members, commas; found on the way to a key path."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from untorn.sdk import CommentStyle, Located, Span, Value, heading_above, inline_comment, owned_above
from untorn.serializers._json.blanking import Blanked, blanked, comments
from untorn.serializers._json.reading import SPACE, outside_strings

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn.sdk import KeyPath
    from untorn.serializers._json.writing import Look

_SPACES = re.compile(f"[{SPACE}]*")
_PLAIN_KEY = re.compile(rf'"([^"\\]*)"[{SPACE}]*:[{SPACE}]*')
_BEHIND = re.compile(f"[{SPACE}]*(?:(,)[{SPACE}]*)?")
_ENTRY = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')
# Both in C; the type stubs know neither.
_string_at: Callable[[str, int], tuple[str, int]] = cast("Any", json.decoder).scanstring
_value_at: Callable[[str, int], tuple[Value, int]] = cast("Any", json.JSONDecoder()).scan_once


def past_space(text: str, at: int) -> int:
    """Return the offset of the first character from ``at`` on that is not blank."""
    found = _SPACES.match(text, at)
    assert found is not None
    return found.end()


class Member(NamedTuple):
    """A key with its value, or an item of an array; all places are offsets.

    Attributes:
        key: The key, or the index.
        position: Which member of its container it is, from 0.
        start: Where it begins: with its key, or its value.
        name_stop: Where its key ends; ``start`` in arrays.
        value_start: Where its value begins.
        stop: Where its value, and so the member, ends.
        comma: Where the comma behind it is, a trailing one too; ``None`` if there is none.
    """

    # A tuple, because there is one for each sibling on the way to a key path.
    key: str | int
    position: int
    start: int
    name_stop: int
    value_start: int
    stop: int
    comma: int | None

    @property
    def name(self) -> Span | None:
        """The span of its key, quotes included; ``None`` in arrays."""
        return Span(self.start, self.name_stop) if isinstance(self.key, str) else None

    @property
    def value(self) -> Span:
        """The span of its value."""
        return Span(self.value_start, self.stop)


class Container:
    """An object or array; its members are found as far as they are asked for."""

    def __init__(self, outline: Outline, start: int, parent: Container | None) -> None:
        self.outline = outline
        self.parent = parent
        self.start = start
        self.is_object = outline.blank[start] == "{"
        self.close = -1
        self._members: list[Member] = []
        self._by_key: dict[str | int, Member] = {}
        self._next = past_space(outline.blank, start + 1)
        if outline.blank[self._next] in "]}":
            self.close = self._next

    def find(self, key: object) -> Member | None:
        """Return the member at a key or index, ``None`` if there is none."""
        if type(key) is not (str if self.is_object else int):
            return None
        while key not in self._by_key and self.close < 0:
            self._read_member()
        return self._by_key.get(key)

    @property
    def members(self) -> list[Member]:
        """All members, in the order of the text."""
        while self.close < 0:
            self._read_member()
        return self._members

    def before(self, member: Member) -> Member | None:
        """Return the member before ``member``."""
        return self._members[member.position - 1] if member.position else None

    def _read_member(self) -> None:
        blank, start = self.outline.blank, self._next
        position = len(self._members)
        key: str | int = position
        name_stop = at = start
        if self.is_object:
            plain = _PLAIN_KEY.match(blank, start)
            if plain is not None:  # nearly all
                key, name_stop, at = plain[1], plain.end(1) + 1, plain.end()
            else:
                key, name_stop = _string_at(blank, start + 1)
                at = past_space(blank, past_space(blank, name_stop) + 1)
        _, stop = _value_at(blank, at)
        behind = _BEHIND.match(blank, stop)
        assert behind is not None
        comma: int | None
        if behind[1]:
            comma = behind.start(1)
            self._next = behind.end()
        else:
            self.close = behind.end()
            comma = self.outline.trailing_comma(stop, self.close)
        member = Member(key, position, start, name_stop, at, stop, comma)
        self._members.append(member)
        self._by_key[key] = member


class Outline:
    """A JSON or JSONC text, and where things are in it.

    Attributes:
        text: The text itself.
        blank: The text with spaces for comments and trailing commas.
        commas: Where the trailing commas are.
        spelling: How its strings are escaped, once somebody has looked.
        look: How it is laid out, once somebody has looked.
    """

    def __init__(self, text: str, *, has_comments: bool) -> None:
        without = blanked(text) if has_comments else Blanked(text)
        self.text = text
        self.blank = blank = without.text
        self.commas = without.commas
        self.spelling: Look | None = None
        self.look: Look | None = None
        self.has_comments = has_comments
        self.root = Span(past_space(blank, 0), len(blank.rstrip(SPACE)))
        self._containers: dict[int, Container] = {}

    def has_comment_in(self, span: Span) -> bool:
        """Return whether there is a comment in ``span``."""
        start, stop = span.start, span.stop
        return self.text.count("/", start, stop) != self.blank.count("/", start, stop)

    def again(self, text: str) -> Outline:
        """Return the outline of another text of the same format."""
        return Outline(text, has_comments=self.has_comments)

    def trailing_comma(self, start: int, stop: int) -> int | None:
        """Return the offset of a trailing comma in ``text[start:stop]``."""
        at = bisect_left(self.commas, start)
        return self.commas[at] if at < len(self.commas) and self.commas[at] < stop else None

    def _container_at(self, start: int, parent: Container | None) -> Container | None:
        """Return the object or array that begins at ``start``; ``None`` for a scalar."""
        if self.blank[start] not in "[{":
            return None
        found = self._containers.get(start)
        if found is None:
            found = self._containers[start] = Container(self, start, parent)
        return found

    def value_in(self, span: Span) -> Value:
        """Return the value that this span spells."""
        return _value_at(self.blank, span.start)[0]

    def way_to(self, path: KeyPath) -> list[Container]:
        """Return the containers from the root on that ``path`` leads through, as far as they exist."""
        way: list[Container] = []
        start = self.root.start
        for part in path:
            container = self._container_at(start, way[-1] if way else None)
            if container is None:
                break
            way.append(container)
            member = container.find(part)
            if member is None:
                break
            start = member.value_start
        return way

    def find(self, path: KeyPath) -> tuple[Container, Member] | None:
        """Return the member at ``path``, which is not ``()``, and what it is in."""
        way = self.way_to(path)
        member = way[-1].find(path[-1]) if len(way) == len(path) else None
        return (way[-1], member) if member else None

    def value_at(self, path: KeyPath) -> Span | None:
        """Return the span of the value at ``path``, ``None`` if there is none; quicker than ``find``."""
        start, container = self.root.start, None
        for part in path:
            container = self._container_at(start, container)
            if container is None:
                return None
            behind_key = self._by_search(start, part) if isinstance(part, str) else None
            if behind_key is None:
                member = container.find(part)
                if member is None:
                    return None
                behind_key = member.value_start
            start = behind_key
        return Span(start, _value_at(self.blank, start)[1])

    def _by_search(self, start: int, key: str) -> int | None:
        """Return where the value of a key begins in the object at ``start``, if a search finds it at once.

        The first place where the key stands is this object's if all that is
        opened before it is closed before it.
        """
        at = self.blank.find(f'"{key}"', start)
        found = _PLAIN_KEY.match(self.blank, at) if at >= 0 else None
        if found is None or found[1] != key:
            return None
        return found.end() if _balanced(self.blank[start + 1 : at]) else None

    def locate(self, path: KeyPath) -> Located | None:
        """Return where ``path`` stands, ``None`` if it leads nowhere."""
        if not path:
            return Located(self.root)
        found = self.find(path)
        return self.located(*found) if found else None

    def located(self, container: Container, member: Member) -> Located:
        """Return where ``member`` stands, with the comments that are its own."""
        previous = container.before(member)
        floor = container.start + 1
        if previous:
            floor = previous.stop if previous.comma is None else previous.comma + 1
        inline = inline_comment(self.text, member.stop, comments)
        # A comment behind several members on one line speaks of all of them.
        if previous and "\n" not in self.text[previous.start : member.stop]:
            inline = None
        above = owned_above(self.text, floor, member.start, STYLE)
        heading = heading_above(self.text, floor, member.start, STYLE)
        return Located(member.value, member.name, Span(member.start, member.stop), above, inline, heading)


def _balanced(text: str) -> bool:
    """Return whether every bracket in a part of a text is closed in it, and every string ended."""
    brackets = outside_strings(text).replace(b":", b"")
    while b"[]" in brackets:
        brackets = brackets.replace(b"[]", b"")
    return not brackets


def _is_setting(body: str) -> bool:
    """Return whether a comment is a commented-out entry, or the end of one."""
    if _ENTRY.match(body) or body.rstrip(", ") in ("}", "]", "},", "]}"):
        return True
    if body[:1] not in ('"', "[", "{"):
        return False
    try:
        json.loads(body.rstrip(", "))
    except (ValueError, RecursionError):
        return False
    return True


# The block below the bracket that a file begins with is its heading.
STYLE = CommentStyle(comments, _is_setting, is_prologue=lambda line: line.strip() in ("{", "["), marker="//")
