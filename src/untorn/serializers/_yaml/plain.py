"""Plain data straight from libyaml's events: what a load needs, without nodes.

What is not plain sailing (an error, a tag of YAML 1.1's collections, a key that is a
collection, a merge of something tagged) is left to ``values``, which builds nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from untorn.sdk import MAX_DEPTH, LimitError, Tagged, Value
from untorn.serializers._yaml.libyaml import (
    DoubtError,
    check_alias,
    check_end,
    check_properties,
    check_scalar,
    raw_events,
)
from untorn.serializers._yaml.nodes import MAX_EXPANDED
from untorn.serializers._yaml.scalars import is_known, is_known_scalar, plain_value, tagged_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MERGE = "<<"
_NOTHING: Any = object()


class _Anchor:
    """What an anchor names: its value and how many nodes it stands for, once it is closed."""

    __slots__ = ("closed", "size", "value")

    def __init__(self, value: Value = None, *, closed: bool = True) -> None:
        self.value = value
        self.size = 1
        self.closed = closed


class _Merge:
    """A ``<<`` as a key."""


_MERGE_KEY: Any = _Merge()


class _Open:
    """A collection of which not all has come yet."""

    __slots__ = ("anchor", "before", "key", "merged", "tag", "value")

    def __init__(self, value: Value, tag: str | None, anchor: _Anchor | None, before: int) -> None:
        self.value = value
        self.tag = tag
        self.anchor = anchor
        self.before = before
        self.key: Any = _NOTHING
        self.merged: Any = None


def plain_values(text: str) -> list[Value] | None:
    """Return the values of all documents of ``text``; ``None`` where somebody else has to look."""
    events = raw_events(text)
    if events is None:
        return None
    try:
        return _Builder(text).built(events)
    except (DoubtError, LimitError):
        return None


class _Builder:
    """The values of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._commented = "#" in text
        self._scalars: dict[str, Value] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._stack: list[_Open] = []
        self._total = 0
        self._values: list[Value] = []

    def built(self, events: Iterator[Any]) -> list[Value]:
        """Take all events, and return the values."""
        of_name: dict[str, Callable[[Any], None]] = {
            "ScalarEvent": self._scalar,
            "MappingStartEvent": self._mapping,
            "SequenceStartEvent": self._sequence,
            "MappingEndEvent": self._end,
            "SequenceEndEvent": self._end,
            "AliasEvent": self._alias,
            "DocumentStartEvent": self._document,
        }
        steps: dict[type, Callable[[Any], None]] = {}
        for event in events:
            kind = type(event)
            if kind not in steps:
                steps[kind] = of_name.get(kind.__name__, self._nothing)
            steps[kind](event)
        if self._total > MAX_EXPANDED:
            raise DoubtError
        return self._values

    def _nothing(self, _event: object) -> None:
        """What begins and ends the text, and ends a document."""

    def _document(self, _event: object) -> None:
        self._anchors = {}

    # ── Nodes ───────────────────────────────────────────────────────────────

    def _scalar(self, event: Any) -> None:  # noqa: ANN401  PyYAML has no types
        text = event.value
        self._total += 1
        if event.tag is not None:
            check_properties(self._text, event)
            self._check(event)
            value = self._tagged_scalar(event.tag, text)
        elif event.style:
            self._check(event)
            value = text
        elif text in self._scalars:
            value = self._scalars[text]
        else:
            check_scalar(self._text, event, is_root=not self._stack)
            value = self._scalars[text] = _checked(plain_value, text)
        if text == MERGE and not event.style and event.tag is None and self._is_key():
            value = _MERGE_KEY
        if event.anchor is not None:
            check_properties(self._text, event)
            self._anchors[event.anchor] = _Anchor(value)
        self._add(value)

    def _check(self, event: Any) -> None:  # noqa: ANN401  as above
        check_scalar(self._text, event, is_root=not self._stack)
        if self._commented:
            check_end(self._text, event)

    def _tagged_scalar(self, tag: str, text: str) -> Value:
        return _checked(lambda it: tagged_value(tag, it), text) if is_known_scalar(tag) else Tagged(tag, text)

    def _is_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and type(top.value) is dict and top.key is _NOTHING

    def _mapping(self, event: Any) -> None:  # noqa: ANN401  as above
        self._open({}, event)

    def _sequence(self, event: Any) -> None:  # noqa: ANN401  as above
        self._open([], event)

    def _open(self, value: Value, event: Any) -> None:  # noqa: ANN401  as above
        if len(self._stack) >= MAX_DEPTH:
            raise DoubtError
        tag, anchor = event.tag, None
        if tag is not None or event.anchor is not None:
            check_properties(self._text, event)
            if tag is not None and is_known(tag):
                raise DoubtError
            if event.anchor is not None:
                anchor = self._anchors[event.anchor] = _Anchor(closed=False)
        self._stack.append(_Open(value, tag, anchor, self._total))
        self._total += 1

    def _end(self, event: Any) -> None:  # noqa: ANN401  as above
        if self._commented:
            check_end(self._text, event)
        top = self._stack.pop()
        value = top.value if top.merged is None else {**top.merged, **top.value}
        if top.tag is not None:
            value = Tagged(top.tag, value)
        if top.anchor is not None:
            top.anchor.value, top.anchor.size, top.anchor.closed = value, self._total - top.before, True
        self._add(value)

    def _alias(self, event: Any) -> None:  # noqa: ANN401  as above
        check_alias(self._text, event)
        anchor = self._anchors.get(event.anchor)
        if anchor is None or not anchor.closed or anchor.value is _MERGE_KEY:
            raise DoubtError
        self._total += anchor.size
        if self._total > MAX_EXPANDED:
            raise DoubtError
        self._add(anchor.value)

    # ── Collections ─────────────────────────────────────────────────────────

    def _add(self, value: Value) -> None:
        if not self._stack:
            self._values.append(value)
            return
        top = self._stack[-1]
        if type(top.value) is list:
            top.value.append(value)
        elif top.key is _NOTHING:
            if type(value) in (dict, list, set, Tagged):
                raise DoubtError
            top.key = value
        else:
            self._set(top, top.key, value)
            top.key = _NOTHING

    @staticmethod
    def _set(top: _Open, key: Value, value: Value) -> None:
        if key is _MERGE_KEY:
            if top.merged is not None:
                raise DoubtError
            top.merged = _merged(value)
        elif key in top.value:
            raise DoubtError
        else:
            top.value[key] = value


def _merged(value: Value) -> dict[Value, Value]:
    """Return the entries that a ``<<`` stands for."""
    sources = value if type(value) is list else [value]
    merged: dict[Value, Value] = {}
    for source in reversed(sources):
        if type(source) is not dict:
            raise DoubtError
        merged.update(source)
    return merged


def _checked(make: Callable[[str], Value], text: str) -> Value:
    try:
        return make(text)
    except (ValueError, OverflowError) as error:
        raise DoubtError from error
