"""Plain data: what a configuration file holds, and when two such values are the same."""

from __future__ import annotations

import marshal
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, TypeAlias

from untorn.errors import LimitError

# Recursive aliases of unions read worse than they help here: a checker would
# ask every reader of a setting to narrow it. ``Value`` marks the intent.
Value: TypeAlias = Any
"""dict, list, str, int, float, bool, None, datetime, date, time; in YAML also
bytes, set, ``Tagged``, and keys that are not strings (a sequence as key is a tuple)."""


class Tagged:
    """A YAML node with a tag that untorn does not know: kept, never constructed.

    ``tag`` is written as in the file's resolved form, ``!vault`` or
    ``tag:yaml.org,2002:python/name:os.system``; ``value`` is the plain data
    of the node without its tag.
    """

    # No dataclass: importing that module alone costs more than starting Python does.
    __slots__ = ("_tag", "_value")
    __match_args__ = ("tag", "value")

    def __init__(self, tag: str, value: Value) -> None:
        self._tag = tag
        self._value = value

    @property
    def tag(self) -> str:
        """The tag; it does not change."""
        return self._tag

    @property
    def value(self) -> Value:
        """The node without its tag."""
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tagged):
            return NotImplemented
        return bool((self._tag, self._value) == (other._tag, other._value))

    def __hash__(self) -> int:
        return hash((self._tag, self._value))

    def __repr__(self) -> str:
        return f"Tagged(tag={self._tag!r}, value={self._value!r})"


_PLAIN = frozenset({str, int, bool, type(None)})
"""Types of scalars that are the same if they are equal; floats and times are not."""

_SCALARS = _PLAIN | {float, bytes, datetime, date, time}


def same_value(left: Value, right: Value) -> bool:
    """Return whether a file would have to say the same for both.

    Stricter than ``==``: ``True`` is not ``1``, ``1`` is not ``1.0``, ``0.0`` is
    not ``-0.0``, NaN is NaN, datetimes have equal offsets. The order of a
    mapping's keys does not count; that of a sequence does. A tuple equals a
    list, and any mapping a dict, for those are what a save takes as such.
    """
    # An explicit stack: values may nest deeper than Python recurses.
    pending = [(left, right)]
    while pending:
        one, other = pending.pop()
        kind = type(one)
        if kind in _PLAIN and type(other) is kind:  # nearly all there is: before any slower question
            if one != other:
                return False
        elif one is not other:
            pairs = _paired(one, other)
            if pairs is None:
                return False
            pending += pairs
    return True


def surely_same(left: Value, right: Value) -> bool:
    """Return whether ``marshal`` writes the same for both: then a file would, too. ``False`` says nothing.

    It tells types, signs of zero and NaN apart, and takes a sixth of the time of
    ``same_value``. What it cannot write (dates, tags, subclasses, what nests too
    deep) it refuses; an array of bytes it takes for the bytes.
    """
    try:
        # Version 2: later ones say which strings and containers are one object.
        return marshal.dumps(left, 2) == marshal.dumps(right, 2)
    except ValueError:
        return False


def _paired(one: Value, other: Value) -> list[tuple[Value, Value]] | None:
    """Return what has to be the same for these two to be; ``None`` where they differ already."""
    if type(one) is dict or isinstance(one, Mapping):
        alike = isinstance(other, Mapping) and len(one) == len(other)
        return _paired_by_key(one, other) if alike else None
    if isinstance(one, (list, tuple)):
        alike = isinstance(other, (list, tuple)) and len(one) == len(other)
        return list(zip(one, other, strict=True)) if alike else None
    if isinstance(one, Tagged):
        alike = isinstance(other, Tagged) and one.tag == other.tag
        return [(one.value, other.value)] if alike else None
    return [] if _same_scalar(one, other) else None


def _paired_by_key(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> list[tuple[Any, Any]] | None:
    """Pair the values under the same keys; ``None`` where a key has no partner."""
    pairs = []
    typed: dict[Any, Any] | None = None
    for key, value in one.items():
        if type(key) is str:
            if key not in other:
                return None
            pairs.append((value, other[key]))
            continue
        # dict looks 1, True and 1.0 up alike; a file does not.
        if typed is None:
            typed = {typed_key(name): item for name, item in other.items()}
        if typed_key(key) not in typed:
            return None
        pairs.append((value, typed[typed_key(key)]))
    return pairs


def typed_key(key: Value) -> object:
    """Return something hashable that is equal for two keys only if a file would be too."""
    if isinstance(key, str):
        return str.__str__(key)  # a subclass's own __str__ does not count
    if isinstance(key, tuple):
        return tuple(typed_key(item) for item in key)
    if isinstance(key, float):
        return float, "nan" if math.isnan(key) else (key, math.copysign(1.0, key))
    if isinstance(key, (datetime, time)):
        return _kind(key), key.replace(tzinfo=None), key.utcoffset()
    return _kind(key), key


def _kind(scalar: object) -> type:
    """Return the type that decides; a subclass of ``int`` is written like an ``int``."""
    for kind in (bool, int, float, datetime, date, time, bytes):
        if isinstance(scalar, kind):
            return kind
    return type(scalar)


def _same_scalar(one: Value, other: Value) -> bool:
    if isinstance(one, (set, frozenset)):
        return isinstance(other, (set, frozenset)) and set(map(typed_key, one)) == set(map(typed_key, other))
    return typed_key(one) == typed_key(other)


def copied(value: Value) -> Value:
    """Return a copy of plain data that shares no container with ``value``.

    Mappings become dicts, tuples and lists become lists; scalars are shared.
    Python 3.11's ``copy.deepcopy`` costs three times as much.

    Raises:
        LimitError: ``value`` contains itself, or nests too deep to copy.
    """
    try:
        return _copied(value)
    except RecursionError:
        msg = "the value contains itself, or nests too deep"
        raise LimitError(msg, hint="a file can only hold values with an end") from None


def _copied(value: Value) -> Value:
    # Scalars are told from containers by their exact type: a call for each, and
    # asking for any Mapping, would cost five times as much.
    kind = type(value)
    if kind is dict or (kind is not list and isinstance(value, Mapping)):
        return {key: item if type(item) in _SCALARS else _copied(item) for key, item in value.items()}
    if kind is list or isinstance(value, (list, tuple)):
        return [item if type(item) in _SCALARS else _copied(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return set(value)
    if isinstance(value, Tagged):
        return Tagged(value.tag, _copied(value.value))
    return value
