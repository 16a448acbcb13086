"""Values, compared the way files differ and Python does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, time


@dataclass(frozen=True)
class Tag:
    """A YAML node with a tag that nobody constructs: the tag, and the plain value under it."""

    tag: str
    value: object


def same(left: object, right: object) -> bool:  # noqa: PLR0911 - one line a type
    """Whether two values are equal, type by type.

    True is not 1, 1 is not 1.0, NaN is NaN, -0.0 is not 0.0.
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, Tag) and isinstance(right, Tag):
        return left.tag == right.tag and same(left.value, right.value)
    if isinstance(left, dict) and isinstance(right, dict):
        return _same_mappings(left, right)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return _same_floats(left, right)
    if isinstance(left, (datetime, time)) and isinstance(right, (datetime, time)):
        # Two datetimes are equal in Python when they name one instant; in a file the offset counts too.
        return left == right and left.utcoffset() == right.utcoffset()
    return left == right


def _same_floats(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return left == right and math.copysign(1, left) == math.copysign(1, right)


def _same_mappings(left: dict[object, object], right: dict[object, object]) -> bool:
    if len(left) != len(right):
        return False
    typed = {_typed(key): value for key, value in right.items()}
    return all(_typed(key) in typed and same(value, typed[_typed(key)]) for key, value in left.items())


def _typed(key: object) -> tuple[object, ...]:
    """A key that keeps ``1``, ``1.0`` and ``True`` apart."""
    if isinstance(key, tuple):
        return (tuple, *map(_typed, key))
    return (type(key), key)


def differences(left: object, right: object, where: str = "") -> str:
    """Say in a line where two values first differ, for a report."""
    if isinstance(left, dict) and isinstance(right, dict):
        return _mapping_difference(left, right, where)
    if isinstance(left, list) and isinstance(right, list):
        for index, (one, other) in enumerate(zip(left, right, strict=False)):
            if not same(one, other):
                return differences(one, other, f"{where}[{index}]")
        return f"{where}: {len(left)} items expected, {len(right)} found"
    return f"{where}: {_short(left)} expected, {_short(right)} found"


def _mapping_difference(left: dict[object, object], right: dict[object, object], where: str) -> str:
    for key, value in left.items():
        if key not in right:
            return f"{where}.{key}: missing"
        if not same(value, right[key]):
            return differences(value, right[key], f"{where}.{key}")
    surplus = [key for key in right if key not in left]
    return f"{where}: not expected: {surplus!r}"


def _short(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) < 80 else text[:77] + '...'}"


def is_scalar(value: object) -> bool:
    """Whether a value is no collection."""
    return value is None or isinstance(value, (str, int, float, bool, bytes, date, datetime, time))
