"""How scalars and keys are written, in the style of what they replace or stand beside."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from untorn.sdk import Kinds, UnrepresentableError, check_representable, format_keypath
from untorn.serializers._toml.grammar import BARE_KEY

if TYPE_CHECKING:
    from untorn.sdk import KeyPath, Value

KINDS = Kinds("TOML", dates=True, times=True, non_finite=True, integer_bits=64)

_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
# Besides control characters: what some editors and readers take for a newline or a byte order mark.
_UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff"
_TO_ESCAPE = re.compile(rf'[{_UNSAFE}\t\n"\\]')
_TO_ESCAPE_LONG = re.compile(rf'[{_UNSAFE}\\]|"(?="")|"(?=\Z)')
_NOT_LITERAL = re.compile(rf"[{_UNSAFE}\n']")
_NOT_LONG_LITERAL = re.compile(rf"[{_UNSAFE}]|'''|'\Z")
_PREFIXES = {"0x": "x", "0o": "o", "0b": "b"}


def check(value: Value, where: KeyPath) -> None:
    """Raise unless TOML can hold ``value`` exactly.

    Raises:
        UnrepresentableError: With the key path of the first culprit.
        LimitError: It nests too deep, or contains itself.
    """
    check_representable(value, KINDS, where)
    pending = [(value, where)]
    while pending:
        each, path = pending.pop()
        if isinstance(each, dict) or hasattr(each, "items"):
            pending += [(item, (*path, key)) for key, item in each.items()]
        elif isinstance(each, (list, tuple)):
            pending += [(item, (*path, number)) for number, item in enumerate(each)]
        elif isinstance(each, (datetime, time)):
            _check_offset(each, path)


def _check_offset(value: datetime | time, where: KeyPath) -> None:
    if value.tzinfo is None:
        return
    offset = value.utcoffset()
    if isinstance(value, time):
        reason = "TOML has no offset on a time of day"
    elif offset is None or offset % timedelta(minutes=1):
        reason = f"TOML offsets are whole minutes, and {value.isoformat()} has another"
    else:
        return
    hint = "leave the offset out, or give a datetime with a plain one"
    raise UnrepresentableError(f"{format_keypath(where)}: {reason}", where=where, hint=hint)


def key_text(name: str, like: str = "") -> str:
    """Return ``name`` as one part of a key, quoted if it must be, or if ``like`` is."""
    if like.startswith("'") and not _NOT_LITERAL.search(name):
        return f"'{name}'"
    if BARE_KEY.fullmatch(name) and not like.startswith('"') and not like.startswith("'"):
        return str.__str__(name)
    return _basic(name)


def scalar_text(value: Value, like: str = "") -> str:
    """Return a scalar as TOML, in the style of the scalar that is spelled ``like``."""
    if isinstance(value, str):
        return _string(str.__str__(value), like)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(int(value), like)
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, datetime):
        return _datetime(value, like)
    assert isinstance(value, (date, time))
    return value.isoformat()


def _string(value: str, like: str) -> str:
    if like.startswith('"""'):
        return _long_basic(value, like)
    if like.startswith("'''"):
        literal = _long_literal(value, like)
        return _long_basic(value, like) if literal is None else literal
    if like.startswith("'") and not _NOT_LITERAL.search(value):
        return f"'{value}'"
    return _basic(value)


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"


def _basic(value: str) -> str:
    return f'"{_TO_ESCAPE.sub(_escaped, value)}"'


def _opening(value: str, like: str) -> str:
    """Return the newline behind three quotes, which is not content, where it is needed or was there."""
    return "\n" if like[3:4] in {"\r", "\n"} or value.startswith("\n") else ""


def _long_basic(value: str, like: str) -> str:
    return f'"""{_opening(value, like)}{_TO_ESCAPE_LONG.sub(_escaped, value)}"""'


def _long_literal(value: str, like: str) -> str | None:
    return None if _NOT_LONG_LITERAL.search(value) else f"'''{_opening(value, like)}{value}'''"


def long_string(value: str) -> str:
    """Return a string over several lines, for one that has newlines in it."""
    return _long_basic(value, '"""\n')


def _integer(value: int, like: str) -> str:
    base = _PREFIXES.get(like[:2])
    if base and value >= 0:
        digits = like[2:]
        written = format(value, base)
        if digits.startswith("0"):
            written = written.zfill(len(digits.replace("_", "")))
        return like[:2] + (written.upper() if digits != digits.lower() else written)
    return format(value, "_") if re.fullmatch(r"[+-]?\d+(_\d{3})+", like) else str(value)


def _float(value: float) -> str:
    # ``nan`` has no sign here: no reader can tell.
    return "nan" if math.isnan(value) else repr(value)


def _datetime(value: datetime, like: str) -> str:
    separator = like[10] if re.match(r"\d{4}-\d\d-\d\d[Tt ]\d", like) else "T"
    written = value.isoformat(sep=separator)
    if value.tzinfo is None or value.utcoffset() or like.endswith("+00:00"):
        return written
    return written.removesuffix("+00:00") + ("z" if like.endswith("z") else "Z")
