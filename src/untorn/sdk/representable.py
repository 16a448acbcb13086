"""Whether a format can hold a value, checked before anything is written."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeAlias

from untorn.errors import UnrepresentableError
from untorn.keypath import KeyPath, format_keypath, kind_of
from untorn.sdk.limits import MAX_DEPTH, too_deep
from untorn.values import Tagged, Value

Refusal: TypeAlias = "str | None"


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a format can hold beyond mappings, lists, strings, booleans and numbers.

    Attributes:
        format: Its name, for the message.
        null: ``None``.
        dates: ``datetime``, ``date``, and with ``times`` also ``time``.
        times: ``time`` of day.
        binary: ``bytes``.
        sets: ``set``.
        tagged: ``Tagged``.
        non_finite: infinity and NaN.
        any_keys: Keys that are not strings.
        integer_bits: How many bits a signed integer may have; ``None`` for any.
        surrogates: Halves of characters, which the format writes as escapes.
    """

    format: str
    null: bool = False
    dates: bool = False
    times: bool = False
    binary: bool = False
    sets: bool = False
    tagged: bool = False
    non_finite: bool = False
    any_keys: bool = False
    integer_bits: int | None = None
    surrogates: bool = False


def check_representable(value: Value, kinds: Kinds, where: KeyPath = ()) -> None:
    """Raise unless the format can hold ``value`` exactly.

    Raises:
        UnrepresentableError: With the key path of the first culprit, and a hint.
        LimitError: ``value`` nests deeper than ``MAX_DEPTH``, or contains itself.
    """
    if len(where) > MAX_DEPTH:
        raise too_deep()
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_key(key, kinds, where)
            check_representable(item, kinds, (*where, key))
    elif isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        for index, item in enumerate(value):
            check_representable(item, kinds, (*where, index))
    elif isinstance(value, Tagged):
        _refuse(None if kinds.tagged else _no(kinds, "tags"), where)
        check_representable(value.value, kinds, where)
    elif isinstance(value, (set, frozenset)):
        _refuse(None if kinds.sets else _no(kinds, "sets: give a list"), where)
        for item in value:
            _refuse(_scalar_refusal(item, kinds), where)
    else:
        _refuse(_scalar_refusal(value, kinds), where)


def _refuse(reason: Refusal, where: KeyPath) -> None:
    if reason:
        message = f"{format_keypath(where)}: {reason}"
        raise UnrepresentableError(message, where=where, hint=_HINT)


_HINT = "convert the value before saving it, or leave the key out; nothing was written"


def _no(kinds: Kinds, what: str) -> str:
    return f"{kinds.format} has no {what}"


def _check_key(key: Value, kinds: Kinds, where: KeyPath) -> None:
    if type(key) is str or (isinstance(key, str) and not isinstance(key, enum.Enum)):
        _refuse(_surrogate(key, kinds), (*where, key))
        return
    if not kinds.any_keys:
        _refuse(f"{kinds.format} has string keys only, and {format_keypath((key,))} is {kind_of(key)}", where)
    if isinstance(key, tuple):
        for part in key:
            _check_key(part, kinds, where)
        return
    _refuse(_scalar_refusal(key, kinds), (*where, key))


_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _surrogate(text: str, kinds: Kinds) -> Refusal:
    if text.isascii():
        return None
    if kinds.surrogates:
        pair = _SURROGATE_PAIR.search(text)
        return f"{pair[0]!a} would be read back as one character" if pair else None
    bad = _SURROGATE.search(text)
    return f"U+{ord(bad[0]):04X} is half a character: no text file can hold it" if bad else None


def _scalar_refusal(value: Value, kinds: Kinds) -> Refusal:
    """Return why ``value`` cannot be held, or ``None``."""
    if isinstance(value, enum.Enum):
        return f"{value!r} is an enum member: give its value"
    for kind, check in _CHECKS.items():
        if isinstance(value, kind):
            exact = type(value) is kind or kind in (str, int, float)
            foreign = type(value).__module__.split(".")[0] == "numpy"
            return check(value, kinds) if exact and not foreign else _unknown(value)
    return _unknown(value)


def _unknown(value: Value) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"a {kind} is not plain data"


_MAX_BITS = 14_000  # fewer digits than MAX_DIGITS: str() of more would raise


def _integer(value: int, kinds: Kinds) -> Refusal:
    if value.bit_length() > _MAX_BITS:
        return "an integer of more than 4,200 digits could not be read back"
    magnitude = value if value >= 0 else ~value
    if kinds.integer_bits is not None and magnitude.bit_length() >= kinds.integer_bits:
        return f"{kinds.format} integers have {kinds.integer_bits} bits, and {value} needs more"
    return None


def _float(value: float, kinds: Kinds) -> Refusal:
    return _no(kinds, f"{value!r}") if not math.isfinite(value) and not kinds.non_finite else None


_CHECKS: dict[type, Callable[[Value, Kinds], Refusal]] = {
    bool: lambda _value, _kinds: None,
    str: _surrogate,
    int: _integer,
    float: _float,
    type(None): lambda _value, kinds: None if kinds.null else _no(kinds, "null"),
    datetime: lambda _value, kinds: None if kinds.dates else _no(kinds, "dates: give a string"),
    date: lambda _value, kinds: None if kinds.dates else _no(kinds, "dates: give a string"),
    time: lambda _value, kinds: None if kinds.times else _no(kinds, "times: give a string"),
    bytes: lambda _value, kinds: None if kinds.binary else _no(kinds, "binary data: give a string"),
}
