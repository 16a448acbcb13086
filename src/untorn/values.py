"""Plain data: what a configuration file holds, and when two such values are the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

from untorn.errors import LimitError

# Recursive aliases of unions read worse than they help here: a checker would
# ask every reader of a setting to narrow it. ``Value`` marks the intent.
Value: TypeAlias = Any
"""dict, list, str, int, float, bool, None, datetime, date, time; in YAML also
bytes, set, ``Tagged``, and keys that are not strings (a sequence as key is a tuple)."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A YAML node with a tag that untorn does not know: kept, never constructed.

    ``tag`` is written as in the file's resolved form, ``!vault`` or
    ``tag:yaml.org,2002:python/name:os.system``; ``value`` is the plain data
    of the node without its tag.
    """

    tag: str
    value: Value


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
        if isinstance(one, Mapping):
            if not isinstance(other, Mapping) or len(one) != len(other):
                return False
            pairs = _paired_by_key(one, other)
            if pairs is None:
                return False
            pending += pairs
        elif isinstance(one, (list, tuple)):
            if not isinstance(other, (list, tuple)) or len(one) != len(other):
                return False
            pending += zip(one, other, strict=True)
        elif isinstance(one, Tagged):
            if not isinstance(other, Tagged) or one.tag != other.tag:
                return False
            pending.append((one.value, other.value))
        elif not _same_scalar(one, other):
            return False
    return True


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
    if isinstance(key, tuple):
        return tuple(typed_key(item) for item in key)
    if isinstance(key, float):
        return float, "nan" if math.isnan(key) else (key, math.copysign(1.0, key))
    if isinstance(key, (datetime, time)):
        return _kind(key), key.replace(tzinfo=None), key.utcoffset()
    return _kind(key), key


def _kind(scalar: object) -> type:
    """Return the type that decides; a subclass of ``str`` is written like a ``str``."""
    for kind in (bool, int, float, str, datetime, date, time, bytes):
        if isinstance(scalar, kind):
            return kind
    return type(scalar)


def _same_scalar(one: Value, other: Value) -> bool:
    if type(one) is type(other) is str:
        return bool(one == other)
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
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return set(value)
    if isinstance(value, Tagged):
        return Tagged(value.tag, _copied(value.value))
    return value
